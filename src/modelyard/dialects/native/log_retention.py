"""How long a workspace's inference log is kept. A workspace is named by its number or its name."""

from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.monitoring.entities import LogRetention
from modelyard.core.monitoring.retention import keep_logs, log_retention
from modelyard.dialects.native.dialect import json, native, timestamp
from modelyard.web.call import Call

_PATH = "/api/v1/workspaces/{workspace}/log-retention"


class RetentionBody(msgspec.Struct, forbid_unknown_fields=True):
    """So many days and so many bytes of archived rows are kept; null is no limit."""

    days: int | None = None
    max_bytes: int | None = None


@native.get(_PATH, Permission.WORKSPACE_READ)
async def show(call: Call) -> Response:
    """How long the workspace's log is kept."""
    workspace = call.request.path_params["workspace"]
    return json(_shown(await call.services.store.read(log_retention, call.actor, workspace)))


@native.route("PUT", _PATH, Permission.WORKSPACE_MANAGE, body=RetentionBody)
async def change(call: Call) -> Response:
    """Say how long it is kept."""
    workspace, wanted = call.request.path_params["workspace"], await call.json(RetentionBody)
    kept = await call.services.store.write(keep_logs, call.actor, workspace, wanted.days, wanted.max_bytes)
    return json(_shown(kept))


def _shown(kept: LogRetention) -> dict[str, Any]:
    changed = timestamp(kept.updated_at) if kept.id else None
    return {"workspace_id": kept.workspace_id, "days": kept.days, "max_bytes": kept.max_bytes, "updated_at": changed}
