"""The tokens of one sign-in, and the forms that ask for them (RFC 6749 sections 4.3 and 6). No IO here."""

from dataclasses import dataclass
from typing import Any

TOKEN_PATH = "/auth/realms/master/protocol/openid-connect/token"  # noqa: S105 - a path, not a secret
USERINFO_PATH = "/auth/realms/master/protocol/openid-connect/userinfo"
CLIENT_ID = "sdk-client"

# A token this close to its end is renewed before use: the request it goes with takes time too.
MARGIN_SECONDS = 10.0


@dataclass(frozen=True)
class Tokens:
    """An access token and what renews it; times are seconds since the epoch."""

    access_token: str
    expires_at: float
    refresh_token: str
    refresh_expires_at: float
    username: str

    def is_fresh(self, now: float) -> bool:
        """Whether the access token can still be sent."""
        return now < self.expires_at - MARGIN_SECONDS

    def is_renewable(self, now: float) -> bool:
        """Whether the refresh token can still be sent."""
        return bool(self.refresh_token) and now < self.refresh_expires_at - MARGIN_SECONDS


def password_form(username: str, password: str) -> dict[str, str]:
    """The form that signs in with a password. `openid` lets `userinfo` answer."""
    form = {"grant_type": "password", "client_id": CLIENT_ID, "scope": "openid"}
    return form | {"username": username, "password": password}


def refresh_form(tokens: Tokens) -> dict[str, str]:
    """The form that renews an access token."""
    return {"grant_type": "refresh_token", "client_id": CLIENT_ID, "refresh_token": tokens.refresh_token}


def tokens_from_answer(answer: Any, username: str, now: float) -> Tokens:
    """Read a token answer. Raises KeyError, TypeError or ValueError when it is not one.

    A refresh token without a stated end (`refresh_expires_in` 0) lives until the server refuses it.
    """
    refresh_life = float(answer.get("refresh_expires_in", 0)) or float("inf")
    return Tokens(
        access_token=str(answer["access_token"]),
        expires_at=now + float(answer["expires_in"]),
        refresh_token=str(answer.get("refresh_token", "")),
        refresh_expires_at=now + refresh_life,
        username=username,
    )
