"""Who is asking, which namespaces there are, and what this server is."""

from starlette.responses import Response

from modelyard import __version__
from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import Workspace
from modelyard.core.catalogue.workspaces import list_workspaces
from modelyard.core.identity.entities import User
from modelyard.core.identity.group_tree import group_paths_of
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import not_found
from modelyard.core.kernel.store import Tx
from modelyard.dialects.seldon.dialect import BASE, json, seldon, timestamp
from modelyard.web.call import Call

_UNKNOWN = "unknown"


@seldon.get(f"{BASE}/user", Permission.SIGNED_IN)
async def read_user(call: Call) -> Response:
    """Who is asking; ``Id`` is the username, as grants and policies name users."""
    user, groups = await call.services.store.read(_caller, call.actor)
    name = f"{user.first_name} {user.last_name}".strip() or user.username
    return json({"Id": user.username, "Name": name, "Email": user.email or "", "Groups": groups})


@seldon.get(f"{BASE}/cluster", Permission.SIGNED_IN)
async def read_cluster(call: Call) -> Response:
    """The namespaces that the caller may see."""
    require_platform(call.actor, Permission.SIGNED_IN)
    found = await call.services.store.read(list_workspaces, call.actor)
    return json({"Namespaces": [_namespace(workspace) for workspace, _ in found if not workspace.archived]})


@seldon.get(f"{BASE}/version", Permission.SIGNED_IN)
async def read_version(call: Call) -> Response:
    """Which Modelyard this is; when and of which commit it was built is not known to it."""
    require_platform(call.actor, Permission.SIGNED_IN)
    return json(
        {
            "BuildVersion": __version__,
            "BuildTime": _UNKNOWN,
            "GitBranch": _UNKNOWN,
            "GitCommit": _UNKNOWN,
            "GitStatus": _UNKNOWN,
            "ReleaseType": "modelyard",
        }
    )


@seldon.get(f"{BASE}/healthcheck", Permission.SIGNED_IN)
async def read_health_check(call: Call) -> Response:
    """Neither Elasticsearch nor Prometheus is needed: the server keeps its own logs and counts."""
    require_platform(call.actor, Permission.SIGNED_IN)
    return json({"Elastic": "DISABLED", "Prometheus": "DISABLED"})


def _caller(tx: Tx, actor: Actor) -> tuple[User, list[str]]:
    require_platform(actor, Permission.SIGNED_IN)
    user = tx.get(User, actor.user_id)
    if user is None:
        raise not_found("user", actor.user_id)
    return user, group_paths_of(tx, user.id)


def _namespace(workspace: Workspace) -> dict[str, object]:
    """A Kubernetes namespace, its metadata at the top, where the SDK reads it, and in ``metadata``, where others do."""
    metadata = {
        "name": workspace.slug,
        "uid": str(workspace.id),
        "creationTimestamp": timestamp(workspace.created_at),
        "labels": {},
        "annotations": {"display-name": workspace.name},
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata, **metadata}
