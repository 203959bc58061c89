"""A minimal valid request for every route about secrets and metadata of models, and what it needs."""

from typing import Any

from cases import Case, Parts, fresh
from catalogue_things import KEYS, METADATA
from seldon_things import BASE
from things import Things
from world import World

_SECRETS = f"{BASE}/secrets/{{namespace}}"
_PLACE: dict[str, Any] = {"places": ("workspace",)}


def _space(things: Things, **path: str) -> dict[str, str]:
    return {"namespace": things.workspace_name, **path}


def _s3(things: Things, world: World) -> Parts:
    return {"path": _space(things, remote=fresh()), "json": KEYS}


def _gcs(things: Things, world: World) -> Parts:
    return {"path": _space(things, remote=fresh()), "json": {"private_key": "b"}}


def _rclone(things: Things, world: World) -> Parts:
    return {"path": _space(things, remote=fresh()), "json": {"remoteType": "s3", "variables": {"a": "b"}}}


def _registry(things: Things, world: World) -> Parts:
    return {"path": _space(things, name=fresh()), "json": {"auths": {}}}


def _list(things: Things, world: World) -> Parts:
    return {"path": _space(things, secretType="all")}


def _delete(things: Things, world: World) -> Parts:
    return {"path": _space(things, secretType="bucket", name=things.secret)}


def _new_entry(things: Things, world: World) -> Parts:
    return {"json": {"URI": f"s3://{fresh()}/model", "project": things.project}}


def _entry(things: Things, world: World) -> Parts:
    return {"json": {"URI": things.model_uri, "project": things.project}}


def _named_entry(things: Things, world: World) -> Parts:
    return {"params": {"URI": things.model_uri, "project": things.project}}


def _version(things: Things, world: World) -> Parts:
    return {"path": {"workspace": str(things.workspace_id), "name": things.model_name, "version": "1"}}


def _version_by_uuid(things: Things, world: World) -> Parts:
    return {"path": {**_version(things, world)["path"], "version": things.version_uuid}}


ROUTES: dict[tuple[str, str], list[Case]] = {
    ("POST", f"{_SECRETS}/bucket/s3/{{remote}}"): [Case("secret.edit", "thing", _s3, **_PLACE)],
    ("POST", f"{_SECRETS}/bucket/gcs/{{remote}}"): [Case("secret.edit", "thing", _gcs, **_PLACE)],
    ("POST", f"{_SECRETS}/bucket/rclone/{{remote}}"): [Case("secret.edit", "thing", _rclone, **_PLACE)],
    ("POST", f"{_SECRETS}/registry/{{name}}"): [Case("secret.edit", "thing", _registry, **_PLACE)],
    ("GET", f"{_SECRETS}/{{secretType}}"): [Case("secret.read", "thing", _list, **_PLACE)],
    ("DELETE", f"{_SECRETS}/{{secretType}}/{{name}}"): [
        Case("secret.edit", "thing", _delete, spare="secret", **_PLACE)
    ],
    ("GET", METADATA): [Case("model.read", "list", lambda *_: {}, places=("project",))],
    ("POST", METADATA): [Case("model.edit", "thing", _new_entry, places=("project",))],
    ("PUT", METADATA): [Case("model.edit", "thing", _entry, places=("project",))],
    ("DELETE", METADATA): [Case("model.edit", "thing", _named_entry, spare="project", places=("project",))],
    ("GET", "/api/v1/models/{workspace}/{name}/versions/{version}"): [
        Case("model.read", "thing", _version),
        Case("model.read", "thing", _version_by_uuid),
    ],
    ("GET", f"{METADATA}/runtime"): [Case("pipeline.read", "list", lambda *_: {})],
}
