"""Keeping one user signed in while requests go out: an ``httpx.Auth``, so pure protocol without IO of its own."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass

import httpx

from modelyard.client.errors import NotSignedInError, UnexpectedAnswerError, error_from_answer, sign_in_error
from modelyard.client.token_cache import TokenCache
from modelyard.client.tokens import TOKEN_PATH, Tokens, password_form, refresh_form, tokens_from_answer

Requests = Generator[httpx.Request, httpx.Response, None]
TokenRequests = Generator[httpx.Request, httpx.Response, Tokens]


@dataclass(frozen=True)
class Password:
    """What a person signs in with."""

    username: str
    password: str


class BearerToken(httpx.Auth):
    """A token that was given from outside: sent as it is, never renewed."""

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Requests:
        """Send the request with the token; a refusal says where the token came from."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise NotSignedInError(
                "The server refused the access token: it is expired, revoked or from another server.",
                hint="Give a new one (MODELYARD_TOKEN), or unset it and sign in with `modelyard login`.",
                status=response.status_code,
            )


class SignIn(httpx.Auth):
    """Signs in with a password or with kept tokens, and renews before the access token ends.

    With a password the tokens stay in this object. Without, they come from the cache and go back to it when
    renewed, because the server may rotate refresh tokens.
    """

    requires_response_body = True

    def __init__(
        self, url: str, cache: TokenCache, password: Password | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self._url = url
        self._cache = cache
        self._password = password
        self._now = now
        self._tokens: Tokens | None = None

    def auth_flow(self, request: httpx.Request) -> Requests:
        """Get valid tokens first, then send the request; renew and repeat once if it is refused all the same."""
        tokens = yield from self.valid_tokens()
        request.headers["Authorization"] = f"Bearer {tokens.access_token}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            tokens = yield from self._renewed(tokens)
            request.headers["Authorization"] = f"Bearer {tokens.access_token}"
            yield request

    def valid_tokens(self) -> TokenRequests:
        """Tokens whose access token can be sent now, asking the server only if it must be."""
        tokens = self._tokens or (None if self._password else self._cache.load(self._url))
        if tokens is not None and tokens.is_fresh(self._now()):
            self._tokens = tokens
            return tokens
        return (yield from self._renewed(tokens))

    def _renewed(self, tokens: Tokens | None) -> TokenRequests:
        kept = None if self._password else self._cache.load(self._url)
        if kept is not None and kept != tokens and kept.is_fresh(self._now()):  # another process was faster
            self._tokens = kept
            return kept
        if tokens is not None and tokens.is_renewable(self._now()):
            response = yield self._token_request(refresh_form(tokens))
            if response.is_success:
                return self._accept(response, tokens.username)
            if response.status_code not in (400, 401):  # not a refusal: the kept tokens may still be good
                raise error_from_answer(response.status_code, response.content)
        if self._password is None:
            raise self._must_sign_in(tokens)
        return (yield from self._with_password(self._password))

    def _with_password(self, password: Password) -> TokenRequests:
        response = yield self._token_request(password_form(password.username, password.password))
        if not response.is_success:
            raise sign_in_error(response.status_code, response.content)
        return self._accept(response, password.username)

    def _accept(self, response: httpx.Response, username: str) -> Tokens:
        try:
            tokens = tokens_from_answer(response.json(), username, self._now())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnexpectedAnswerError(f"{self._url} did not answer the sign-in with tokens.") from error
        self._tokens = tokens
        if self._password is None:
            self._cache.save(self._url, tokens)
        return tokens

    def _token_request(self, form: dict[str, str]) -> httpx.Request:
        return httpx.Request("POST", self._url + TOKEN_PATH, data=form)

    def _must_sign_in(self, tokens: Tokens | None) -> NotSignedInError:
        if tokens is None:
            return NotSignedInError(
                f"Not signed in to {self._url}.",
                hint="Run `modelyard login`, or set MODELYARD_TOKEN, or MODELYARD_USERNAME and MODELYARD_PASSWORD.",
            )
        return NotSignedInError(f"The sign-in of {tokens.username} to {self._url} has ended.")
