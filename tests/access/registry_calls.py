"""A minimal valid request for every route about model registries outside, and what it needs.

Registries are where the matrix's server calls nobody: who may ask one is told that.
"""

from typing import Any

from cases import Case, Parts, fresh
from catalogue_things import REGISTRY
from things import Things
from world import World

_API = "/v1/api/models"
_PLACE: dict[str, Any] = {"places": ("workspace",)}
_NOBODY_CALLED = 400


def _new(things: Things, world: World) -> Parts:
    return {"json": {**REGISTRY, "name": fresh(), "workspace_id": things.workspace_id}}


def _own(things: Things, world: World) -> Parts:
    return {"json": {**REGISTRY, "name": fresh()}}


def _registry(things: Things, world: World) -> Parts:
    return {"json": {"registry_id": things.registry}}


def _attachment(things: Things, world: World) -> Parts:
    return {"json": {"registry_id": things.registry, "workspace_id": things.workspace_id}}


def _workspace(things: Things, world: World) -> Parts:
    return {"json": {"workspace_id": things.workspace_id}}


def _model(things: Things, world: World) -> Parts:
    return {"json": {"registry_id": things.registry, "model_name": "iris"}}


def _version(things: Things, world: World) -> Parts:
    return {"json": {"registry_id": things.registry, "name": "iris", "version": "3"}}


def _upload(things: Things, world: World) -> Parts:
    said = {"name": fresh(), "path": "models:/iris/3", "visibility": "private", "conversion": {"framework": "onnx"}}
    return {"json": {**said, "registry_id": things.registry, "workspace_id": things.workspace_id}}


ROUTES: dict[tuple[str, str], list[Case]] = {
    ("POST", f"{_API}/create_registry"): [
        Case("secret.edit", "thing", _new, **_PLACE),
        Case("secret.edit", "platform", _own, really="workspace.create"),
    ],
    ("POST", f"{_API}/attach_registry_to_workspace"): [Case("secret.edit", "thing", _attachment, **_PLACE)],
    ("POST", f"{_API}/remove_registry_from_workspace"): [
        Case("secret.edit", "thing", _attachment, spare="registry", **_PLACE)
    ],
    ("POST", f"{_API}/get_registry"): [Case("secret.read", "thing", _registry, **_PLACE)],
    ("POST", f"{_API}/list_registries"): [
        Case("secret.read", "thing", _workspace, **_PLACE),
        Case("secret.read", "list", lambda *_: {"json": {}}, **_PLACE),
    ],
    ("POST", f"{_API}/list_registry_models"): [
        Case("secret.use", "thing", _registry, success=_NOBODY_CALLED, **_PLACE)
    ],
    ("POST", f"{_API}/list_registry_model_versions"): [
        Case("secret.use", "thing", _model, success=_NOBODY_CALLED, **_PLACE)
    ],
    ("POST", f"{_API}/list_registry_model_version_artifacts"): [
        Case("secret.use", "thing", _version, success=_NOBODY_CALLED, **_PLACE)
    ],
    ("POST", f"{_API}/upload_from_registry"): [Case("model.edit", "thing", _upload, really="secret.use", **_PLACE)],
}
