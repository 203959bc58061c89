"""Reads requests of the authorization endpoint (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2.1)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from modelyard.core.identity.clients import GrantType
from modelyard.core.identity.entities import OAuthClient
from modelyard.issuers.embedded.oauth import OAuthError, granted_scope

PROMPTS = ("none", "login", "consent", "select_account")

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_NOT_SUPPORTED = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}
_LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a client asks of the user. ``max_age`` is in seconds; ``code_challenge`` is of the method S256."""

    client: OAuthClient
    redirect_uri: str
    scope: str
    code_challenge: str | None
    nonce: str | None
    prompt: frozenset[str]
    max_age: int | None
    login_hint: str
    id_token_hint: str | None


def read_request(client: OAuthClient, redirect_uri: str, given: Mapping[str, str]) -> AuthorizationRequest:
    """The request of a client that is known, for an address that it registered; else ``OAuthError``."""
    for name, error in _NOT_SUPPORTED.items():
        if name in given:
            raise OAuthError(error, f"The parameter {name} is not supported")
    _check_response(given)
    if GrantType.AUTHORIZATION_CODE not in client.grants:
        raise OAuthError("unauthorized_client", f"The client {client.id} may not sign users in by browser")
    return AuthorizationRequest(
        client,
        redirect_uri,
        granted_scope(given.get("scope")),
        _challenge(client, given),
        _short(given, "nonce"),
        _prompt(given),
        _max_age(given),
        given.get("login_hint", "")[:255],
        given.get("id_token_hint"),
    )


def _check_response(given: Mapping[str, str]) -> None:
    if "response_type" not in given:
        raise OAuthError("invalid_request", "Missing parameter: response_type")
    if given["response_type"] != "code":
        raise OAuthError("unsupported_response_type", "response_type must be code")
    if given.get("response_mode", "query") != "query":
        raise OAuthError("invalid_request", "response_mode must be query")


def _challenge(client: OAuthClient, given: Mapping[str, str]) -> str | None:
    """The PKCE challenge; one that is plain, or none of a public client, protects nobody (RFC 9700, 2.1.1)."""
    challenge = given.get("code_challenge")
    if challenge is None:
        if client.secret_hash is None or "code_challenge_method" in given:
            raise OAuthError("invalid_request", "Missing parameter: code_challenge")
        return None
    if given.get("code_challenge_method") != "S256":
        raise OAuthError("invalid_request", "code_challenge_method must be S256")
    if not _CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "code_challenge must be the base64url of a SHA-256: 43 characters")
    return challenge


def _prompt(given: Mapping[str, str]) -> frozenset[str]:
    prompt = frozenset(given.get("prompt", "").split())
    if not prompt <= set(PROMPTS):
        raise OAuthError("invalid_request", f"prompt must be of: {' '.join(PROMPTS)}")
    if "none" in prompt and len(prompt) > 1:
        raise OAuthError("invalid_request", "prompt=none stands alone")
    return prompt


def _max_age(given: Mapping[str, str]) -> int | None:
    text = given.get("max_age")
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise OAuthError("invalid_request", "max_age must be a number of seconds")
    return int(text)


def _short(given: Mapping[str, str], name: str) -> str | None:
    value = given.get(name)
    if value is not None and (len(value) > _LONGEST or "\0" in value):
        raise OAuthError("invalid_request", f"{name} must have at most {_LONGEST} characters, none of them NUL")
    return value
