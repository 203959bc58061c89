"""A minimal valid request for every route of MLflow's API, and what it needs."""

from collections.abc import Callable
from typing import Any

from cases import Case, Parts, about_platform, about_things, body, fresh, public
from settling import ROW
from things import Things
from tracked_things import API, ARTIFACTS
from world import World

Make = Callable[[Things, World], Parts]


def _query(**query: Any) -> Make:
    """A query; callables are asked about the things."""
    return lambda things, _: {"params": {k: v(things) if callable(v) else v for k, v in query.items()}}


def _path(**path: Any) -> Make:
    return lambda things, _: {"path": {k: v(things) if callable(v) else v for k, v in path.items()}}


def _both(*made: Make) -> Make:
    def parts(things: Things, world: World) -> Parts:
        return {key: value for make in made for key, value in make(things, world).items()}

    return parts


def _tracked(needs: str, make: Make, **options: Any) -> list[Case]:
    return [Case(needs, "thing", make, places=("tracked",), **options)]


def _list(needs: str, make: Make) -> list[Case]:
    return [Case(needs, "list", make, places=("tracked",))]


_DEPLOYMENT = "/deployments/{namespace}/{deployment}"


def _deployment(**parts: Any) -> Make:
    return lambda things, _: {
        "path": {"namespace": things.workspace_name, "deployment": things.pipeline_name},
        **parts,
    }


def _person(things: Things) -> str:
    return things.person


def _name(things: Things) -> str:
    return things.tracked_name


_EXPERIMENT: dict[str, Any] = {"experiment_id": lambda t: t.experiment_id}
_RUN: dict[str, Any] = {"run_id": lambda t: t.run_id}
_MODEL: dict[str, Any] = {"name": _name}
_VERSION: dict[str, Any] = {"name": _name, "version": "1"}
_USER: dict[str, Any] = {"username": _person}
_TAG = {"key": "team"}
_METRIC = {"key": "loss", "value": 0.25, "timestamp": 2, "step": 1}
_LOGGED = _path(model_id=lambda t: t.logged_id)
_ON_EXPERIMENT: dict[str, Any] = {"resource_type": "experiment", "resource_id": lambda t: t.experiment_id}
_ROLE: dict[str, Any] = {"role_id": lambda t: t.role_id}
_ROLE_PERMISSION: dict[str, Any] = {"role_permission_id": lambda t: t.role_permission_id}
_FILE = _path(path=lambda t: t.artifact)
_FOLDER = _path(folder=lambda t: t.artifact.rpartition("/")[0])
_NEW_FILE = _path(path=lambda t: f"{t.artifact.rpartition('/')[0]}/{fresh()}.txt")
_NO_UPLOAD = {"upload_id": "none", "parts": []}
_EXPERIMENT_RIGHTS, _MODEL_RIGHTS = f"{API}/experiments/permissions", f"{API}/registered-models/permissions"
_DELETE_RIGHT = {"success": 200, "spare": "granted person"}


def _outputs(things: Things) -> list[dict[str, Any]]:
    return [{"model_id": things.logged_id, "step": 0}]


def _source(things: Things) -> str:
    return f"runs:/{things.run_id}/notes.txt"


def _user_admin(make: Make, **options: Any) -> list[Case]:
    """What administrators may do with anybody, and others only with themselves."""
    return about_platform("platform.signed_in", make, really="users.manage", **options)


def _roles(make: Make, **options: Any) -> list[Case]:
    return about_platform("groups.manage", make, **options)


ROUTES: dict[tuple[str, str], list[Case]] = {
    # the server
    ("GET", "/health"): public(),
    ("GET", "/version"): about_platform("platform.signed_in", body()),
    ("GET", f"{API}/server-info"): public(),
    # experiments
    ("POST", f"{API}/experiments/create"): about_platform("experiment.create", lambda *_: {"json": {"name": fresh()}}),
    ("GET", f"{API}/experiments/get"): _tracked("experiment.read", _query(**_EXPERIMENT)),
    ("GET", f"{API}/experiments/get-by-name"): _tracked("experiment.read", _query(experiment_name=_name)),
    ("GET", f"{API}/experiments/search"): _list("experiment.read", _query(max_results=1000)),
    ("POST", f"{API}/experiments/search"): _list("experiment.read", body(max_results=1000)),
    ("POST", f"{API}/experiments/update"): _tracked("experiment.edit", body(**_EXPERIMENT, new_name=_name)),
    ("POST", f"{API}/experiments/delete"): _tracked("experiment.manage", body(**_EXPERIMENT), spare="tracked"),
    ("POST", f"{API}/experiments/restore"): _tracked(
        "experiment.manage", body(**_EXPERIMENT), spare="deleted experiment"
    ),
    ("POST", f"{API}/experiments/set-experiment-tag"): _tracked(
        "experiment.edit", body(**_EXPERIMENT, **_TAG, value="risk")
    ),
    ("POST", f"{API}/experiments/delete-experiment-tag"): _tracked(
        "experiment.edit", body(**_EXPERIMENT, **_TAG), spare="tracked"
    ),
    # runs
    ("POST", f"{API}/runs/create"): _tracked("experiment.edit", body(**_EXPERIMENT)),
    ("GET", f"{API}/runs/get"): [
        *_tracked("experiment.read", _query(**_RUN)),
        *_tracked("experiment.read", _query(run_uuid=lambda t: t.run_id)),
    ],
    ("POST", f"{API}/runs/update"): _tracked("experiment.edit", body(**_RUN, status="RUNNING")),
    ("POST", f"{API}/runs/delete"): _tracked("experiment.manage", body(**_RUN), spare="tracked"),
    ("POST", f"{API}/runs/restore"): _tracked("experiment.manage", body(**_RUN)),
    ("POST", f"{API}/runs/log-metric"): _tracked("experiment.edit", body(**_RUN, **_METRIC)),
    ("POST", f"{API}/runs/log-parameter"): _tracked("experiment.edit", body(**_RUN, key="depth", value="3")),
    ("POST", f"{API}/runs/set-tag"): _tracked("experiment.edit", body(**_RUN, **_TAG, value="risk")),
    ("POST", f"{API}/runs/delete-tag"): _tracked("experiment.edit", body(**_RUN, **_TAG), spare="tracked"),
    ("POST", f"{API}/runs/log-batch"): _tracked("experiment.edit", body(**_RUN, metrics=[_METRIC])),
    ("POST", f"{API}/runs/log-inputs"): _tracked(
        "experiment.edit", body(**_RUN, datasets=[{"dataset": {"name": "d", "digest": "1"}}])
    ),
    ("POST", f"{API}/runs/outputs"): _tracked("experiment.edit", body(**_RUN, models=_outputs)),
    ("POST", f"{API}/runs/search"): _list("experiment.read", body(experiment_ids=lambda t: [t.experiment_id])),
    ("GET", f"{API}/metrics/get-history"): _tracked("experiment.read", _query(**_RUN, metric_key="loss")),
    ("GET", f"{API}/metrics/get-history-bulk"): _tracked("experiment.read", _query(**_RUN, metric_key="loss")),
    ("GET", f"{API}/metrics/get-history-bulk-interval"): _tracked(
        "experiment.read", _query(run_ids=lambda t: t.run_id, metric_key="loss")
    ),
    # artifacts
    ("GET", f"{API}/artifacts/list"): _tracked("experiment.read", _query(**_RUN)),
    ("GET", "/get-artifact"): _tracked("experiment.read", _query(**_RUN, path="notes.txt")),
    ("GET", f"{ARTIFACTS}/artifacts"): _tracked("experiment.read", _query(path=lambda t: t.artifact)),
    ("GET", f"{ARTIFACTS}/artifacts/{{path:path}}"): _tracked("experiment.read", _FILE),
    ("PUT", f"{ARTIFACTS}/artifacts/{{path:path}}"): _tracked(
        "experiment.edit", _both(_NEW_FILE, lambda *_: {"data": b"made"})
    ),
    ("DELETE", f"{ARTIFACTS}/artifacts/{{path:path}}"): _tracked("experiment.manage", _FILE, spare="tracked"),
    ("POST", f"{ARTIFACTS}/mpu/create/{{folder:path}}"): _tracked(
        "experiment.edit", _both(_FOLDER, body(path=lambda _: f"{fresh()}.bin", num_parts=1))
    ),
    # nobody has this upload; whose they are is asked elsewhere
    ("POST", f"{ARTIFACTS}/mpu/complete/{{folder:path}}"): _tracked(
        "experiment.edit", _both(_FOLDER, body(path="f.bin", **_NO_UPLOAD)), success=404
    ),
    ("POST", f"{ARTIFACTS}/mpu/abort/{{folder:path}}"): _tracked(
        "experiment.edit", _both(_FOLDER, body(path="f.bin", upload_id="none")), success=404
    ),
    ("PUT", f"{ARTIFACTS}/parts/{{upload_id}}/{{number}}"): [  # the signature in the address is what lets one through
        Case("public", "platform", _path(upload_id="none", number="1"), success=403)
    ],
    # logged models
    ("POST", f"{API}/logged-models"): _tracked("experiment.edit", body(**_EXPERIMENT, name=lambda _: fresh())),
    ("POST", f"{API}/logged-models/search"): _list("experiment.read", body(experiment_ids=lambda t: [t.experiment_id])),
    ("GET", f"{API}/logged-models/{{model_id}}"): _tracked("experiment.read", _LOGGED),
    ("PATCH", f"{API}/logged-models/{{model_id}}"): _tracked(
        "experiment.edit", _both(_LOGGED, body(status="LOGGED_MODEL_READY"))
    ),
    ("DELETE", f"{API}/logged-models/{{model_id}}"): _tracked("experiment.manage", _LOGGED, spare="tracked"),
    ("POST", f"{API}/logged-models/{{model_id}}/params"): _tracked(
        "experiment.edit", _both(_LOGGED, body(params=[{"key": "depth", "value": "3"}]))
    ),
    ("PATCH", f"{API}/logged-models/{{model_id}}/tags"): _tracked(
        "experiment.edit", _both(_LOGGED, body(tags=[{"key": "team", "value": "risk"}]))
    ),
    ("DELETE", f"{API}/logged-models/{{model_id}}/tags/{{tag_key}}"): _tracked(
        "experiment.edit", _path(model_id=lambda t: t.logged_id, tag_key="team"), spare="tracked"
    ),
    ("GET", f"{API}/logged-models/{{model_id}}/artifacts/directories"): _tracked("experiment.read", _LOGGED),
    # registered models
    ("POST", f"{API}/registered-models/create"): about_platform("model.register", body(name=lambda _: fresh())),
    ("GET", f"{API}/registered-models/get"): _tracked("model.read", _query(**_MODEL)),
    ("GET", f"{API}/registered-models/search"): _list("model.read", _query(max_results=1000)),
    ("POST", f"{API}/registered-models/rename"): _tracked(
        "model.edit", body(**_MODEL, new_name=lambda t: f"{t.canary}-{fresh()}"), spare="tracked"
    ),
    ("PATCH", f"{API}/registered-models/update"): _tracked("model.edit", body(**_MODEL, description="d")),
    ("DELETE", f"{API}/registered-models/delete"): _tracked("model.delete", body(**_MODEL), spare="tracked"),
    ("GET", f"{API}/registered-models/get-latest-versions"): _tracked("model.read", _query(**_MODEL)),
    ("POST", f"{API}/registered-models/get-latest-versions"): _tracked("model.read", body(**_MODEL)),
    ("POST", f"{API}/registered-models/set-tag"): _tracked("model.edit", body(**_MODEL, **_TAG, value="risk")),
    ("DELETE", f"{API}/registered-models/delete-tag"): _tracked("model.manage", body(**_MODEL, **_TAG)),
    ("GET", f"{API}/registered-models/alias"): _tracked("model.read", _query(**_MODEL, alias="best")),
    ("POST", f"{API}/registered-models/alias"): _tracked("model.edit", body(**_VERSION, alias="best")),
    ("DELETE", f"{API}/registered-models/alias"): _tracked("model.edit", body(**_MODEL, alias="never")),
    # their versions
    ("POST", f"{API}/model-versions/create"): _tracked("model.edit", body(**_MODEL, source=_source)),
    ("GET", f"{API}/model-versions/get"): _tracked("model.read", _query(**_VERSION)),
    ("GET", f"{API}/model-versions/search"): _list("model.read", _query(max_results=1000)),
    ("GET", f"{API}/model-versions/get-download-uri"): _tracked("model.read", _query(**_VERSION)),
    ("PATCH", f"{API}/model-versions/update"): _tracked("model.edit", body(**_VERSION, description="d")),
    ("POST", f"{API}/model-versions/transition-stage"): _tracked("model.edit", body(**_VERSION, stage="Staging")),
    ("DELETE", f"{API}/model-versions/delete"): _tracked("model.delete", body(**_VERSION), spare="tracked"),
    ("POST", f"{API}/model-versions/set-tag"): _tracked("model.edit", body(**_VERSION, **_TAG, value="risk")),
    ("DELETE", f"{API}/model-versions/delete-tag"): _tracked("model.manage", body(**_VERSION, **_TAG)),
    # grants, as clients up to 3.12 ask for them
    ("POST", f"{_EXPERIMENT_RIGHTS}/create"): _tracked(
        "experiment.manage", body(**_EXPERIMENT, **_USER, permission="READ"), spare="person"
    ),
    ("GET", f"{_EXPERIMENT_RIGHTS}/get"): _tracked("experiment.manage", _query(**_EXPERIMENT, **_USER)),
    ("PATCH", f"{_EXPERIMENT_RIGHTS}/update"): _tracked(
        "experiment.manage", body(**_EXPERIMENT, **_USER, permission="READ")
    ),
    ("DELETE", f"{_EXPERIMENT_RIGHTS}/delete"): _tracked(
        "experiment.manage", body(**_EXPERIMENT, **_USER), **_DELETE_RIGHT
    ),
    ("POST", f"{_MODEL_RIGHTS}/create"): _tracked(
        "model.manage", body(**_MODEL, **_USER, permission="READ"), spare="person"
    ),
    ("GET", f"{_MODEL_RIGHTS}/get"): _tracked("model.manage", _query(**_MODEL, **_USER)),
    ("PATCH", f"{_MODEL_RIGHTS}/update"): _tracked("model.manage", body(**_MODEL, **_USER, permission="READ")),
    ("DELETE", f"{_MODEL_RIGHTS}/delete"): _tracked("model.manage", body(**_MODEL, **_USER), **_DELETE_RIGHT),
    # grants, as clients from 3.13 on ask for them
    ("POST", f"{API}/users/permissions/grant"): _tracked(
        "platform.signed_in",
        body(**_USER, **_ON_EXPERIMENT, permission="READ"),
        really="experiment.manage",
        spare="person",
    ),
    ("POST", f"{API}/users/permissions/revoke"): _tracked(
        "platform.signed_in", body(**_USER, **_ON_EXPERIMENT), really="experiment.manage", spare="granted person"
    ),
    ("GET", f"{API}/users/permissions/get"): _user_admin(_query(**_USER, **_ON_EXPERIMENT)),
    ("GET", f"{API}/users/permissions/list"): _user_admin(_query(**_USER)),
    ("GET", f"{API}/users/current/permissions"): about_platform("platform.signed_in", body()),
    # users
    ("POST", f"{API}/users/create"): about_platform(
        "users.manage", body(username=lambda _: fresh(), password="long enough 23")
    ),
    ("GET", f"{API}/users/get"): _user_admin(_query(**_USER)),
    ("GET", f"{API}/users/list"): about_platform("users.read", body()),
    ("GET", f"{API}/users/current"): about_platform("platform.signed_in", body()),
    ("GET", f"{API}/users/roles/list"): _user_admin(_query(**_USER)),
    ("PATCH", f"{API}/users/update-password"): _user_admin(body(**_USER, password="long enough 29")),
    ("PATCH", f"{API}/users/update-admin"): about_platform("users.manage", body(**_USER, is_admin=False)),
    ("DELETE", f"{API}/users/delete"): about_platform("users.manage", body(**_USER), spare="person"),
    # custom roles
    ("POST", f"{API}/roles/create"): _roles(body(name=lambda _: fresh())),
    ("GET", f"{API}/roles/get"): _roles(_query(**_ROLE)),
    ("GET", f"{API}/roles/list"): _roles(body()),
    ("PATCH", f"{API}/roles/update"): _roles(body(**_ROLE, description="d")),
    ("DELETE", f"{API}/roles/delete"): _roles(body(**_ROLE), spare="role"),
    ("POST", f"{API}/roles/permissions/add"): _roles(
        body(**_ROLE, resource_type="experiment", resource_pattern="2", permission="READ"), spare="role"
    ),
    ("PATCH", f"{API}/roles/permissions/update"): _roles(body(**_ROLE_PERMISSION, permission="EDIT")),
    ("DELETE", f"{API}/roles/permissions/remove"): _roles(body(**_ROLE_PERMISSION), spare="role"),
    ("GET", f"{API}/roles/permissions/list"): _roles(_query(**_ROLE)),
    ("POST", f"{API}/roles/assign"): _roles(body(**_ROLE, **_USER), spare="person"),
    ("DELETE", f"{API}/roles/unassign"): _roles(body(**_ROLE, **_USER), spare="role"),
    ("GET", f"{API}/roles/users/list"): _roles(_query(**_ROLE)),
    # a deployment's scoring server
    ("GET", f"{_DEPLOYMENT}/ping"): about_things("pipeline.infer", _deployment()),
    ("GET", f"{_DEPLOYMENT}/health"): about_things("pipeline.infer", _deployment()),
    ("GET", f"{_DEPLOYMENT}/version"): about_things("pipeline.infer", _deployment()),
}

INFERENCE: dict[tuple[str, str], list[Case]] = {
    ("POST", f"{_DEPLOYMENT}/invocations"): about_things(
        "pipeline.infer", _deployment(json={"instances": [ROW[0]["tensor"]]})
    ),
}
"""The calls that are served before the router."""
