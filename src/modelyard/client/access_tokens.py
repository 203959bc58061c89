"""Personal access tokens: one's own, and those of service accounts one manages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from modelyard.client.transport import Transport, reading

_PATH = "/api/v1/tokens"


@dataclass(frozen=True)
class AccessToken:
    """A token, without its text; ``expires_at`` None is never."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read a token of the wire."""
        expires, used = row["expires_at"], row["last_used_at"]
        return cls(
            id=str(row["id"]),
            name=str(row["name"]),
            scopes=tuple(row["scopes"]),
            created_at=datetime.fromisoformat(row["created_at"]),
            expires_at=None if expires is None else datetime.fromisoformat(expires),
            last_used_at=None if used is None else datetime.fromisoformat(used),
        )


@dataclass(frozen=True)
class NewAccessToken(AccessToken):
    """A token that was just made, with its text, shown this once."""

    token: str

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read the answer to making a token."""
        made = AccessToken.of(row)
        return cls(**vars(made), token=str(row["token"]))


class AccessTokens:
    """The tokens part of a client. ``service_account`` is a name or id; without it, they are one's own tokens."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        name: str,
        scopes: Sequence[str] = ("all",),
        expires_at: datetime | None = None,
        service_account: str | None = None,
    ) -> NewAccessToken:
        """Make a token; ``expires_at`` must know its time zone."""
        body = {
            "name": name,
            "scopes": list(scopes),
            "expires_at": None if expires_at is None else expires_at.isoformat(),
            "service_account": service_account,
        }
        answer = self._transport.call(_PATH, body)
        with reading(_PATH):
            return NewAccessToken.of(answer)

    def list(self, service_account: str | None = None) -> tuple[AccessToken, ...]:
        """The tokens that are not revoked, in the order they were made."""
        query = {} if service_account is None else {"service_account": service_account}
        response = self._transport.send("GET", _PATH, params=query)
        with reading(_PATH):
            return tuple(AccessToken.of(row) for row in response.json()["tokens"])

    def revoke(self, token_id: str) -> None:
        """Make a token worthless, at once and everywhere."""
        self._transport.send("DELETE", f"{_PATH}/{token_id}")
