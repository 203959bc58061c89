"""Who is asking, which namespaces there are, and what this server is."""

from starlette.responses import Response

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import Workspace
from modelyard.core.catalogue.workspaces import list_workspaces
from modelyard.dialects.seldon.dialect import BASE, json, seldon, timestamp
from modelyard.web.call import Call


@seldon.get(f"{BASE}/cluster", Permission.SIGNED_IN)
async def read_cluster(call: Call) -> Response:
    """The namespaces that the caller may see."""
    require_platform(call.actor, Permission.SIGNED_IN)
    found = await call.services.store.read(list_workspaces, call.actor)
    return json({"Namespaces": [_namespace(workspace) for workspace, _ in found if not workspace.archived]})


def _namespace(workspace: Workspace) -> dict[str, object]:
    return {
        "name": workspace.slug,
        "uid": str(workspace.id),
        "creationTimestamp": timestamp(workspace.created_at),
        "annotations": {"display-name": workspace.name},
    }
