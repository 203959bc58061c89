"""The sign-in as a conversation: which request goes out after which answer. No network is in it."""

from collections.abc import Generator
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest

from modelyard.client.errors import NotSignedInError, ServerFailedError, UnexpectedAnswerError
from modelyard.client.sign_in import BearerToken, Password, SignIn
from modelyard.client.token_cache import TokenCache
from modelyard.client.tokens import TOKEN_PATH, Tokens

URL = "http://server"
NOW = 1000.0
FRESH = Tokens("kept", NOW + 600, "renew-me", NOW + 6000, "ada")
STALE = Tokens("old", NOW + 5, "renew-me", NOW + 6000, "ada")
DEAD = Tokens("old", NOW - 5, "too-late", NOW - 1, "ada")

Flow = Generator[httpx.Request, httpx.Response, None]


@pytest.fixture
def cache(tmp_path: Path) -> TokenCache:
    return TokenCache(tmp_path)


def sign_in(cache: TokenCache, password: Password | None = None) -> SignIn:
    return SignIn(URL, cache, password, now=lambda: NOW)


def start(auth: httpx.Auth) -> tuple[Flow, httpx.Request]:
    flow = auth.auth_flow(httpx.Request("POST", URL + "/v1/api/workspaces/list"))
    return flow, next(flow)


def token_answer(access: str = "new", refresh: str = "next") -> httpx.Response:
    content = {"access_token": access, "expires_in": 600, "refresh_token": refresh, "refresh_expires_in": 6000}
    return httpx.Response(200, json=content)


def form(request: httpx.Request) -> dict[str, str]:
    assert request.url.path == TOKEN_PATH
    return {name: values[0] for name, values in parse_qs(request.content.decode()).items()}


def bearer(request: httpx.Request) -> str:
    return request.headers["Authorization"].removeprefix("Bearer ")


def test_fresh_kept_tokens_go_out_at_once(cache: TokenCache) -> None:
    cache.save(URL, FRESH)
    _, request = start(sign_in(cache))
    assert bearer(request) == "kept"


def test_tokens_near_their_end_are_renewed_first_and_kept_again(cache: TokenCache) -> None:
    cache.save(URL, STALE)
    flow, request = start(sign_in(cache))
    expected = {"grant_type": "refresh_token", "client_id": "sdk-client", "refresh_token": "renew-me"}
    assert form(request) == expected
    assert bearer(flow.send(token_answer())) == "new"
    assert cache.load(URL) == Tokens("new", NOW + 600, "next", NOW + 6000, "ada")


def test_a_refused_access_token_is_renewed_once_and_the_request_repeated(cache: TokenCache) -> None:
    cache.save(URL, FRESH)
    flow, _ = start(sign_in(cache))
    assert form(flow.send(httpx.Response(401)))["grant_type"] == "refresh_token"
    assert bearer(flow.send(token_answer())) == "new"
    with pytest.raises(StopIteration):
        flow.send(httpx.Response(401))


def test_tokens_that_another_process_renewed_are_taken_over(cache: TokenCache) -> None:
    cache.save(URL, FRESH)
    auth = sign_in(cache)
    flow, _ = start(auth)
    cache.save(URL, Tokens("of another process", NOW + 600, "next", NOW + 6000, "ada"))
    assert bearer(flow.send(httpx.Response(401))) == "of another process"


def test_a_password_asks_for_tokens_and_keeps_them_in_memory_alone(cache: TokenCache) -> None:
    auth = sign_in(cache, Password("ada", "secret"))
    flow, request = start(auth)
    assert form(request) == {
        "grant_type": "password",
        "client_id": "sdk-client",
        "scope": "openid",
        "username": "ada",
        "password": "secret",
    }
    assert bearer(flow.send(token_answer())) == "new"
    assert cache.load(URL) is None
    assert bearer(start(auth)[1]) == "new"


def test_a_password_does_not_use_the_tokens_of_whoever_logged_in(cache: TokenCache) -> None:
    cache.save(URL, FRESH)
    _, request = start(sign_in(cache, Password("bob", "secret")))
    assert form(request)["username"] == "bob"


def test_a_refused_renewal_falls_back_to_the_password(cache: TokenCache) -> None:
    auth = sign_in(cache, Password("ada", "secret"))
    flow, _ = start(auth)
    flow.send(token_answer())
    assert form(flow.send(httpx.Response(401)))["grant_type"] == "refresh_token"
    assert form(flow.send(httpx.Response(400)))["grant_type"] == "password"


def test_no_sign_in_at_all_says_how_to(cache: TokenCache) -> None:
    with pytest.raises(NotSignedInError, match="Not signed in to http://server"):
        start(sign_in(cache))


def test_an_ended_sign_in_names_the_user_and_sends_nothing(cache: TokenCache) -> None:
    cache.save(URL, DEAD)
    with pytest.raises(NotSignedInError, match="The sign-in of ada to http://server has ended"):
        start(sign_in(cache))


def test_a_refused_renewal_without_password_ends_the_sign_in(cache: TokenCache) -> None:
    cache.save(URL, STALE)
    flow, _ = start(sign_in(cache))
    with pytest.raises(NotSignedInError, match="has ended"):
        flow.send(httpx.Response(400, json={"error": "invalid_grant"}))


def test_a_server_that_fails_to_renew_does_not_end_the_sign_in(cache: TokenCache) -> None:
    cache.save(URL, STALE)
    flow, _ = start(sign_in(cache))
    with pytest.raises(ServerFailedError):
        flow.send(httpx.Response(500))
    assert cache.load(URL) == STALE


def test_a_wrong_password_is_told_in_the_words_of_the_server(cache: TokenCache) -> None:
    flow, _ = start(sign_in(cache, Password("ada", "wrong")))
    body = {"error": "invalid_grant", "error_description": "Invalid user credentials"}
    with pytest.raises(NotSignedInError, match="Invalid user credentials"):
        flow.send(httpx.Response(401, json=body))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"access_token": "a", "expires_in": "soon"}'])
def test_an_answer_that_holds_no_tokens_is_unexpected(cache: TokenCache, body: bytes) -> None:
    flow, _ = start(sign_in(cache, Password("ada", "secret")))
    with pytest.raises(UnexpectedAnswerError):
        flow.send(httpx.Response(200, content=body))


def test_a_given_token_is_sent_as_it_is_and_its_refusal_says_so() -> None:
    flow, request = start(BearerToken("given"))
    assert bearer(request) == "given"
    with pytest.raises(NotSignedInError, match="refused the access token"):
        flow.send(httpx.Response(401))
