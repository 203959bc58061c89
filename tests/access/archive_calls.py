"""A minimal valid request for what is about the archived inference log."""

from cases import Case, Parts
from things import Things
from world import World


def _kept(things: Things, world: World) -> Parts:
    return {"path": {"workspace": str(things.workspace_id)}}


def _keep(things: Things, world: World) -> Parts:
    return {**_kept(things, world), "json": {"days": 400, "max_bytes": None}}


_PATH = "/api/v1/workspaces/{workspace}/log-retention"

ROUTES: dict[tuple[str, str], list[Case]] = {
    ("GET", _PATH): [Case("workspace.read", "thing", _kept, places=("workspace",))],
    ("PUT", _PATH): [Case("workspace.manage", "thing", _keep, places=("workspace",))],
}
