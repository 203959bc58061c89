"""Workspaces: who works with whom on which models and pipelines."""

from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

import httpx

from modelyard.client.errors import NotFoundError
from modelyard.client.times import parse_time
from modelyard.client.transport import Transport, reading


class Role(StrEnum):
    """What a member may do in a workspace: readers look, collaborators change, owners say who belongs to it."""

    OWNER = "owner"
    COLLABORATOR = "collaborator"
    READER = "reader"


@dataclass(frozen=True)
class Workspace:
    """A workspace as its list shows it."""

    id: int
    name: str
    created_at: datetime | None
    created_by: str | None
    archived: bool
    model_ids: tuple[int, ...]
    pipeline_ids: tuple[int, ...]

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Read one row of workspaces/list."""
        return cls(
            id=int(row["id"]),
            name=str(row["name"]),
            created_at=parse_time(row["created_at"]),
            created_by=row["created_by"],
            archived=bool(row["archived"]),
            model_ids=tuple(row["models"]),
            pipeline_ids=tuple(row["pipelines"]),
        )


@dataclass(frozen=True)
class Member:
    """A user's place in a workspace."""

    user_id: str
    role: Role


@dataclass(frozen=True)
class LogRetention:
    """How long a workspace's inference log is kept: so many days, so many bytes; None is no limit."""

    days: int | None
    max_bytes: int | None


class Workspaces:
    """The workspaces part of a client."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> tuple[Workspace, ...]:
        """The workspaces one may see, by name."""
        answer = self._transport.call("/v1/api/workspaces/list", {})
        with reading("workspaces/list"):
            found = [Workspace.of(row) for row in answer["workspaces"]]
        return tuple(sorted(found, key=lambda workspace: workspace.name))

    def get(self, name: str) -> Workspace:
        """The workspace of that name; the error lists those there are."""
        found = self.list()
        for workspace in found:
            if workspace.name == name:
                return workspace
        raise NotFoundError(f"There is no workspace {name!r} that you may see.", hint=_those(found))

    def create(self, name: str) -> int:
        """Make a workspace and return its id; whoever makes it owns it."""
        answer = self._transport.call("/v1/api/workspaces/create", {"workspace_name": name})
        with reading("workspaces/create"):
            return int(answer["workspace_id"])

    def members(self, workspace_id: int) -> tuple[Member, ...]:
        """Who belongs to a workspace."""
        answer = self._transport.call("/v1/api/workspaces/list_users", {"workspace_id": workspace_id})
        with reading("workspaces/list_users"):
            return tuple(Member(str(row["user_id"]), Role(row["user_type"].lower())) for row in answer["users"])

    def add_user(self, workspace_id: int, email: str, role: Role = Role.COLLABORATOR) -> None:
        """Give a user a place in a workspace."""
        body = {"workspace_id": workspace_id, "email": email, "user_type": role.value}
        self._transport.call("/v1/api/workspaces/add_user", body)

    def remove_user(self, workspace_id: int, email: str) -> bool:
        """Take a user's place away; says whether there was one."""
        body = {"workspace_id": workspace_id, "email": email}
        answer = self._transport.call("/v1/api/workspaces/remove_user", body)
        with reading("workspaces/remove_user"):
            return bool(answer["affected_rows"])

    def log_retention(self, workspace_id: int) -> LogRetention:
        """How long the workspace's inference log is kept."""
        path = _LOG_RETENTION.format(workspace_id)
        return _retention(self._transport.send("GET", path), path)

    def keep_logs(self, workspace_id: int, kept: LogRetention) -> LogRetention:
        """Say how long it is kept."""
        path = _LOG_RETENTION.format(workspace_id)
        return _retention(self._transport.send("PUT", path, json=asdict(kept)), path)


_LOG_RETENTION = "/api/v1/workspaces/{}/log-retention"


def _retention(answer: httpx.Response, path: str) -> LogRetention:
    with reading(path):
        told = answer.json()
        return LogRetention(told["days"], told["max_bytes"])


def _those(found: tuple[Workspace, ...]) -> str:
    if not found:
        return "You are in none; make one with `modelyard workspace create NAME`."
    return "There are: " + ", ".join(workspace.name for workspace in found) + "."
