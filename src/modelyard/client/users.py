"""Users of the platform: who there is, inviting, switching on and off."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from modelyard.client.transport import Transport, reading


@dataclass(frozen=True)
class User:
    """A person or a service account."""

    id: str
    username: str
    email: str | None
    enabled: bool
    created_at: datetime | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read a user representation; its times are milliseconds since the epoch."""
        created = row.get("createdTimestamp")
        return cls(
            id=str(row["id"]),
            username=str(row["username"]),
            email=row.get("email"),
            enabled=bool(row["enabled"]),
            created_at=None if created is None else datetime.fromtimestamp(created / 1000, UTC),
        )


@dataclass(frozen=True)
class Invitation:
    """A new user's id and first password, shown this once."""

    id: str
    password: str


class Users:
    """The users part of a client."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> tuple[User, ...]:
        """All users one may see, by name."""
        answer = self._transport.call("/v1/api/users/query", {})
        with reading("users/query"):
            users = [User.of(row) for row in answer["users"].values() if row is not None]
        return tuple(sorted(users, key=lambda user: user.username))

    def invite(self, email: str, password: str | None = None) -> Invitation:
        """Create a user; without a password the server makes one up."""
        body = {"email": email, "roles": []} | ({} if password is None else {"password": password})
        answer = self._transport.call("/v1/api/users/invite", body)
        with reading("users/invite"):
            return Invitation(str(answer["id"]), str(answer["password"]))

    def activate(self, email: str) -> None:
        """Let a user sign in again."""
        self._transport.call("/v1/api/users/activate", {"email": email})

    def deactivate(self, email: str) -> None:
        """Shut a user out; what they made stays."""
        self._transport.call("/v1/api/users/deactivate", {"email": email})
