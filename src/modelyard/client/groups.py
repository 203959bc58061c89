"""Groups of users, which grants can name. For administrators."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from urllib.parse import quote

from modelyard.client.transport import Transport, reading

_PATH = "/api/v1/groups"


@dataclass(frozen=True)
class Group:
    """``parent`` is the number of the group above; ``members`` are usernames, None where they were not asked for."""

    id: int
    name: str
    parent: int | None
    description: str
    created_at: datetime
    members: tuple[str, ...] | None = None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read a group of the wire."""
        return cls(
            id=int(row["id"]),
            name=str(row["name"]),
            parent=row["parent"],
            description=str(row["description"]),
            created_at=datetime.fromisoformat(row["created_at"]),
            members=tuple(row["members"]) if "members" in row else None,
        )


class Groups:
    """The groups part of a client. A group is named by its number or, where only one has it, its name."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, name: str, parent: str | None = None, description: str = "") -> Group:
        """Make a group, below another one or at the top."""
        answer = self._transport.call(_PATH, {"name": name, "parent": parent, "description": description})
        with reading(_PATH):
            return Group.of(answer)

    def list(self) -> tuple[Group, ...]:
        """All groups by name, without their members."""
        response = self._transport.send("GET", _PATH)
        with reading(_PATH):
            return tuple(Group.of(row) for row in response.json()["groups"])

    def get(self, group: str) -> Group:
        """One group with its members."""
        response = self._transport.send("GET", _one(group))
        with reading(_PATH):
            return Group.of(response.json())

    def delete(self, group: str) -> None:
        """Remove a group with the groups below it and what was granted to them."""
        self._transport.send("DELETE", _one(group))

    def add(self, group: str, user: str) -> None:
        """Make a user, by username or e-mail address, belong to the group."""
        self._transport.send("PUT", f"{_one(group)}/members/{quote(user, safe='')}")

    def remove(self, group: str, user: str) -> None:
        """Make a user belong to the group no longer."""
        self._transport.send("DELETE", f"{_one(group)}/members/{quote(user, safe='')}")


def _one(group: str) -> str:
    return f"{_PATH}/{quote(group, safe='')}"
