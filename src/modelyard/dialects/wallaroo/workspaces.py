"""Workspaces and their members."""

from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import Workspace
from modelyard.core.catalogue.workspaces import (
    WorkspaceChange,
    add_member,
    change_workspace,
    create_workspace,
    list_members,
    list_workspaces,
    remove_member,
)
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.pipelines import pipeline_ids
from modelyard.dialects.wallaroo.dialect import json, timestamp, wallaroo
from modelyard.web.call import Call


class CreateBody(msgspec.Struct):
    """The new workspace's name."""

    workspace_name: str


class ListBody(msgspec.Struct):
    """Whose workspaces; those of the caller are shown in any case, and no others."""

    user_id: str | None = None


class WorkspaceBody(msgspec.Struct):
    """A workspace."""

    workspace_id: int


class MemberBody(msgspec.Struct):
    """A user, by id or e-mail address, in a workspace."""

    workspace_id: int
    email: str | None = None
    user_id: str | None = None
    user_type: str | None = None

    def login(self) -> str:
        """What names the user."""
        login = self.user_id or self.email
        if not login:
            raise invalid("say which user: user_id or email")
        return login


class UpdateBody(msgspec.Struct):
    """What to change of a workspace."""

    workspace_id: int
    workspace_name: str | None = None
    archived: bool | None = None


@wallaroo.post("/v1/api/workspaces/create", Permission.WORKSPACE_CREATE, body=CreateBody)
async def create(call: Call) -> Response:
    """Make a workspace; the caller owns it."""
    body = await call.json(CreateBody)
    made = await call.services.store.write(create_workspace, call.actor, body.workspace_name)
    return json({"workspace_id": made.id})


@wallaroo.post("/v1/api/workspaces/list", Permission.WORKSPACE_READ, body=ListBody)
async def list_(call: Call) -> Response:
    """All workspaces that the caller may see."""
    await call.json(ListBody)
    found = await call.services.store.read(_overview, call.actor)
    return json({"workspaces": [_listed(*row) for row in found]})


@wallaroo.post("/v1/api/workspaces/update", Permission.WORKSPACE_MANAGE, body=UpdateBody)
async def update(call: Call) -> Response:
    """Rename or archive a workspace."""
    body = await call.json(UpdateBody)
    change = WorkspaceChange(body.workspace_name, body.archived)
    changed = await call.services.store.write(change_workspace, call.actor, body.workspace_id, change)
    return json(workspace(changed))


@wallaroo.post("/v1/api/workspaces/add_user", Permission.WORKSPACE_MANAGE, body=MemberBody)
async def add_user(call: Call) -> Response:
    """Give a user a role (owner, collaborator, reader) in a workspace."""
    body = await call.json(MemberBody)
    role = body.user_type or "collaborator"
    await call.services.store.write(add_member, call.actor, body.workspace_id, body.login(), role)
    return json({})


@wallaroo.post("/v1/api/workspaces/remove_user", Permission.WORKSPACE_MANAGE, body=MemberBody)
async def remove_user(call: Call) -> Response:
    """Take a user out of a workspace."""
    body = await call.json(MemberBody)
    removed = await call.services.store.write(remove_member, call.actor, body.workspace_id, body.login())
    return json({"affected_rows": removed})


@wallaroo.post("/v1/api/workspaces/list_users", Permission.WORKSPACE_READ, body=WorkspaceBody)
async def list_users(call: Call) -> Response:
    """Who is in a workspace, and as what."""
    body = await call.json(WorkspaceBody)
    found = await call.services.store.read(list_members, call.actor, body.workspace_id)
    return json({"users": [{"user_id": member.user_id, "user_type": member.role} for member in found]})


def workspace(found: Workspace) -> dict[str, Any]:
    """A workspace, as it stands beside what it holds."""
    return {
        "id": found.id,
        "name": found.name,
        "created_at": timestamp(found.created_at),
        "created_by": found.created_by,
        "archived": found.archived,
        "group_id": None,
    }


def _overview(tx: Tx, actor: Actor) -> list[tuple[Workspace, list[int], list[int]]]:
    pipelines = pipeline_ids(tx, actor)
    return [(found, models, pipelines.get(found.id, [])) for found, models in list_workspaces(tx, actor)]


def _listed(found: Workspace, models: list[int], pipelines: list[int]) -> dict[str, Any]:
    return {**workspace(found), "models": models, "pipelines": pipelines}
