"""Service accounts: users that are programs. For administrators."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from urllib.parse import quote

from modelyard.client.transport import Transport, reading

_PATH = "/api/v1/service-accounts"


@dataclass(frozen=True)
class ServiceAccount:
    """``client_id`` is that of its OAuth client, if it has one; ``client_secret`` is told only when it is made."""

    id: str
    name: str
    description: str
    owner: str | None
    role: str
    client_id: str | None
    enabled: bool
    created_at: datetime
    client_secret: str | None = None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read an account of the wire."""
        return cls(
            id=str(row["id"]),
            name=str(row["name"]),
            description=str(row["description"]),
            owner=row["owner"],
            role=str(row["role"]),
            client_id=row["client_id"],
            enabled=bool(row["enabled"]),
            created_at=datetime.fromisoformat(row["created_at"]),
            client_secret=row.get("client_secret"),
        )


class ServiceAccounts:
    """The service accounts part of a client."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        name: str,
        description: str = "",
        owner: str | None = None,
        role: str = "USER",
        *,
        oauth_client: bool = False,
    ) -> ServiceAccount:
        """Make an account; ``owner`` is a username, e-mail address or id, by default oneself."""
        body = {
            "name": name,
            "description": description,
            "owner": owner,
            "role": role,
            "oauth_client": oauth_client,
        }
        answer = self._transport.call(_PATH, body)
        with reading(_PATH):
            return ServiceAccount.of(answer)

    def list(self) -> tuple[ServiceAccount, ...]:
        """All accounts, in the order they were made."""
        response = self._transport.send("GET", _PATH)
        with reading(_PATH):
            return tuple(ServiceAccount.of(row) for row in response.json()["service_accounts"])

    def delete(self, name_or_id: str) -> None:
        """Remove an account with its tokens, client and grants; what it made stays."""
        self._transport.send("DELETE", f"{_PATH}/{quote(name_or_id, safe='')}")
