"""What a request is, and a minimal valid one for every route but MLflow's, with what it needs."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from world import ROW, Things, World, upload

Parts = dict[str, Any]
"""Keywords of ``requests.request``; ``path`` fills the parameters of the route's path."""


@dataclass(frozen=True)
class Case:
    """``about`` a "thing" (hidden from strangers), a "list" (filtered for them) or the "platform" as a whole.

    ``needs`` is the permission that the route declares, as in the oracle, and ``really`` what this request needs where
    that is another one. ``places`` is where the things are. ``spare`` is the kind of thing that the request uses up.
    """

    needs: str
    about: Literal["thing", "list", "platform"]
    parts: Callable[[Things, World], Parts]
    spare: str | None = None
    success: int = 200
    really: str | None = None
    places: tuple[str, ...] = ("thing",)

    @property
    def asks(self) -> str:
        """The permission that this request needs."""
        return self.really or self.needs


def body(**body: Callable[[Things], Any] | Any) -> Callable[[Things, World], Parts]:
    """A JSON body; callables are asked about the things."""
    return lambda things, _: {"json": {key: value(things) if callable(value) else value for key, value in body.items()}}


def fresh(prefix: str = "made") -> str:
    """A name that nobody has."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def _workspace(things: Things) -> int:
    return things.workspace_id


def _version(things: Things) -> int:
    return things.version_id


def _pipeline_name(things: Things) -> str:
    return things.pipeline_name


def _pipeline(things: Things) -> int:
    return things.pipeline_id


def _variant(things: Things) -> int:
    return things.pipeline_version_id


def _pipeline_uuid(things: Things) -> str:
    return things.pipeline_version_uuid


_IN_WORKSPACE = body(workspace_id=_workspace)
_VERSION = body(model_version_id=_version)
_MODEL = body(id=lambda t: t.model_id)
_NAMED_MODEL = body(model_id=lambda t: t.model_name, workspace_id=_workspace)
_NAMED_PIPELINE = body(pipeline_name=_pipeline_name, workspace_id=_workspace)
_OLD_NAMED_PIPELINE = body(pipeline_id=_pipeline_name, workspace_id=_workspace)
_TOPIC = body(pipeline_pk_id=_pipeline)
_NOTHING = body()


def about_things(needs: str, parts: Callable[[Things, World], Parts], **options: Any) -> list[Case]:
    """One request about a thing."""
    return [Case(needs, "thing", parts, **options)]


def about_platform(needs: str, parts: Callable[[Things, World], Parts], **options: Any) -> list[Case]:
    """One request about the platform as a whole."""
    return [Case(needs, "platform", parts, **options)]


def public(**path: str) -> list[Case]:
    """One request that anybody may make."""
    return [Case("public", "platform", lambda *_: {"path": path})]


def _victim(*names: str, **body: Any) -> Callable[[Things, World], Parts]:
    """A body about the user who is there to be changed: their ``names``, and the rest as given."""
    return lambda _, world: {"json": {name: getattr(world.victim, name) for name in names} | body}


def _victim_path(**parts: Any) -> Callable[[Things, World], Parts]:
    return lambda _, world: {"path": {"realm": "master", "user_id": world.victim.id}, **parts}


def _member(**body: Any) -> Callable[[Things, World], Parts]:
    return lambda things, world: {"json": {"workspace_id": things.workspace_id, "user_id": world.victim.id, **body}}


def _records(things: Things, _: World) -> Parts:
    return {"path": {"topic": things.topic}, "json": {}, "params": {"page_size": 10}}


def _create_pipeline(things: Things, _: World) -> Parts:
    return {"json": {"pipeline_id": things.pipeline_name, "workspace_id": things.workspace_id, "definition": {}}}


def _upload(things: Things, _: World) -> Parts:
    return {"files": upload("uploaded", things.workspace_id)}


def _upload_stream(things: Things, _: World) -> Parts:
    named = {"name": "uploaded", "filename": "model.onnx", "workspace_id": str(things.workspace_id)}
    return {"params": named, "data": upload("uploaded", 0)["file"][1]}


def _invite(*_: object) -> Parts:
    return {"json": {"email": f"{fresh()}@example.com", "roles": [], "password": "long enough 17"}}


def _robot(_: Things, world: World) -> Parts:
    return {"path": {"account": world.robot}}


def _group(member: bool = False) -> Callable[[Things, World], Parts]:
    return lambda things, _: {"path": {"group": things.group} | ({"user": things.person} if member else {})}


OBJECTS: dict[str, tuple[str, str, Callable[[Things], str]]] = {
    "workspace": ("workspace", "workspace.manage", lambda t: f"workspace:{t.workspace_id}"),
    "model": ("thing", "model.manage", lambda t: f"model:{t.workspace_id}/{t.model_name}"),
    "pipeline": ("thing", "workspace.manage", lambda t: f"pipeline:{t.workspace_id}/{t.pipeline_name}"),
    "experiment": ("tracked", "experiment.manage", lambda t: f"experiment:{t.experiment_id}"),
    "tracked model": ("tracked", "model.manage", lambda t: f"model:mlflow/{t.tracked_name}"),
}
"""What rights are given on: the place, the permission to give them, and how it is written."""


def _about(thing: str, where: str, spare: str | None = None, success: int = 200, **more: str) -> Case:
    place, needs, written = OBJECTS[thing]

    def parts(things: Things, _: World) -> Parts:
        subject = {"subject": things.person} if more or spare else {}
        return {where: {"object": written(things), **subject, **more}}

    return Case("platform.signed_in", "thing", parts, spare, success, really=needs, places=(place,))


def _of_person(things: Things, _: World) -> Parts:
    return {"params": {"subject": things.person}}


def _explain(things: Things, _: World) -> Parts:
    return {"params": {"user": things.person, "action": "READ", "object": f"experiment:{things.experiment_id}"}}


INSIDE = ("workspace",)
_NO_GRANT = {"client_id": "sdk-client", "grant_type": "none"}
_USERS = "/auth/admin/realms/{realm}/users"
_FAILURES = "/auth/admin/realms/{realm}/attack-detection/brute-force/users"
_OPENID = "/auth/realms/{realm}/protocol/openid-connect"

ROUTES: dict[tuple[str, str], list[Case]] = {
    # health, discovery, sign-in
    ("GET", "/livez"): public(),
    ("GET", "/readyz"): public(),
    ("GET", "/auth/realms/{realm}"): public(realm="master"),
    ("GET", "/auth/realms/{realm}/.well-known/openid-configuration"): public(realm="master"),
    ("GET", f"{_OPENID}/certs"): public(realm="master"),
    ("POST", f"{_OPENID}/token"): [
        Case("public", "platform", lambda *_: {"path": {"realm": "master"}, "data": _NO_GRANT}, success=400)
    ],
    ("GET", f"{_OPENID}/userinfo"): about_platform("platform.signed_in", lambda *_: {"path": {"realm": "master"}}),
    ("POST", f"{_OPENID}/userinfo"): about_platform("platform.signed_in", lambda *_: {"path": {"realm": "master"}}),
    # users, as Keycloak's administration shows them
    ("GET", _USERS): about_platform("users.read", lambda *_: {"path": {"realm": "master"}}),
    ("GET", f"{_USERS}/count"): about_platform("users.read", lambda *_: {"path": {"realm": "master"}}),
    ("GET", f"{_USERS}/{{user_id}}"): about_platform("users.read", _victim_path()),
    ("POST", _USERS): about_platform(
        "users.manage", lambda *_: {"path": {"realm": "master"}, "json": {"username": fresh()}}, success=201
    ),
    ("PUT", f"{_USERS}/{{user_id}}"): about_platform(
        "users.manage", _victim_path(json={"firstName": "Victor", "enabled": True}), success=204
    ),
    ("PUT", f"{_USERS}/{{user_id}}/reset-password"): about_platform(
        "users.manage", _victim_path(json={"type": "password", "value": "long enough 19"}), success=204
    ),
    # failed sign-ins, as Keycloak's administration shows them
    ("GET", _FAILURES): about_platform("users.manage", lambda *_: {"path": {"realm": "master"}}),
    ("GET", f"{_FAILURES}/{{user_id}}"): about_platform("users.manage", _victim_path()),
    ("DELETE", _FAILURES): about_platform("users.manage", lambda *_: {"path": {"realm": "master"}}, success=204),
    ("DELETE", f"{_FAILURES}/{{user_id}}"): about_platform("users.manage", _victim_path(), success=204),
    # personal access tokens and service accounts
    ("GET", "/api/v1/tokens"): about_platform("tokens.manage", _NOTHING),
    ("POST", "/api/v1/tokens"): about_platform("tokens.manage", lambda *_: {"json": {"name": fresh()}}, success=201),
    ("DELETE", "/api/v1/tokens/{token_id}"): about_platform(  # nobody has this one; whose they are is asked elsewhere
        "tokens.manage", lambda *_: {"path": {"token_id": str(uuid.uuid4())}}, success=404
    ),
    ("GET", "/api/v1/service-accounts"): about_platform("users.manage", _NOTHING),
    ("POST", "/api/v1/service-accounts"): about_platform(
        "users.manage", lambda *_: {"json": {"name": fresh(), "oauth_client": True}}, success=201
    ),
    ("GET", "/api/v1/service-accounts/{account}"): about_platform("users.manage", _robot),
    ("DELETE", "/api/v1/service-accounts/{account}"): about_platform("users.manage", _robot, success=204),
    # groups and grants
    ("GET", "/api/v1/groups"): about_platform("groups.manage", _NOTHING),
    ("POST", "/api/v1/groups"): about_platform("groups.manage", lambda *_: {"json": {"name": fresh()}}, success=201),
    ("GET", "/api/v1/groups/{group}"): about_platform("groups.manage", _group()),
    ("DELETE", "/api/v1/groups/{group}"): about_platform("groups.manage", _group(), spare="group", success=204),
    ("PUT", "/api/v1/groups/{group}/members/{user}"): about_platform("groups.manage", _group(True), success=204),
    ("DELETE", "/api/v1/groups/{group}/members/{user}"): about_platform(
        "groups.manage", _group(True), spare="group", success=204
    ),
    ("GET", "/api/v1/grants"): [
        *(_about(thing, "params") for thing in OBJECTS),
        Case("platform.signed_in", "platform", _of_person, really="access.explain"),
    ],
    ("PUT", "/api/v1/grants"): [_about(thing, "json", role="READ") for thing in OBJECTS],
    ("DELETE", "/api/v1/grants"): [
        _about("experiment", "params", spare="granted person", success=204),
        _about("tracked model", "params", spare="granted person", success=204),
    ],
    ("GET", "/api/v1/access/explain"): about_platform("platform.signed_in", _explain, really="access.explain"),
    # the Wallaroo API: what a client asks first
    ("GET", "/v1/api/config"): public(),
    ("GET", "/v1/api/docs"): public(),
    ("GET", "/v1/api/docs/{asset}"): public(asset="docs.js"),
    ("GET", "/v1/api/openapi.json"): public(),
    ("POST", "/v1/api/features/list"): about_platform("platform.signed_in", _NOTHING),
    ("POST", "/v1/api/workspaces/validate"): about_platform("platform.signed_in", _NOTHING),
    ("POST", "/v1/graphql"): about_platform("platform.signed_in", body(query="{__typename}")),
    # users
    ("POST", "/v1/api/users/query"): about_platform("users.read", _NOTHING),
    ("POST", "/v1/api/users/invite"): about_platform("users.manage", _invite),
    ("POST", "/v1/api/users/activate"): about_platform("users.manage", _victim("email")),
    ("POST", "/v1/api/users/deactivate"): about_platform("users.manage", _victim("email")),
    ("POST", "/v1/api/user"): about_platform(
        "users.manage", _victim("id", "email", firstName="V", lastName="V", enabled=True, isAdmin=False)
    ),
    # workspaces
    ("POST", "/v1/api/workspaces/create"): about_platform(
        "workspace.create", lambda *_: {"json": {"workspace_name": fresh()}}
    ),
    ("POST", "/v1/api/workspaces/list"): [Case("workspace.read", "list", _NOTHING)],
    ("POST", "/v1/api/workspaces/update"): about_things(
        "workspace.manage", body(workspace_id=_workspace, archived=False), places=INSIDE
    ),
    ("POST", "/v1/api/workspaces/add_user"): about_things(
        "workspace.manage", _member(user_type="COLLABORATOR"), places=INSIDE
    ),
    ("POST", "/v1/api/workspaces/remove_user"): about_things("workspace.manage", _member(), places=INSIDE),
    ("POST", "/v1/api/workspaces/list_users"): about_things("workspace.read", _IN_WORKSPACE, places=INSIDE),
    # models
    ("POST", "/v1/api/models/upload"): about_things("model.edit", _upload, places=INSIDE),
    ("POST", "/v1/api/models/upload_and_convert"): about_things("model.edit", _upload, success=202, places=INSIDE),
    ("POST", "/v1/api/models/upload_stream"): about_things("model.edit", _upload_stream, places=INSIDE),
    ("POST", "/v1/api/models/list"): [
        Case("model.read", "list", _NOTHING),
        Case("model.read", "thing", _IN_WORKSPACE, places=INSIDE),
        Case("model.read", "thing", body(workspace_name=lambda t: t.workspace_name), places=INSIDE),
    ],
    ("POST", "/v1/api/models/list_versions_for_model"): about_things("model.read", _NAMED_MODEL),
    ("POST", "/v1/api/models/list_versions"): [
        Case("model.read", "list", body(model_id=lambda t: t.model_name)),
        Case("model.read", "list", body(models_pk_id=lambda t: t.model_id)),
    ],
    ("POST", "/v1/api/models/get"): about_things("model.read", _MODEL),
    ("POST", "/v1/api/models/get_by_id"): about_things("model.read", _MODEL),
    ("POST", "/v1/api/models/get_version_by_id"): about_things("model.read", _VERSION),
    ("POST", "/v1/api/models/get_model_version_by_id"): about_things("model.read", _VERSION),
    ("POST", "/v1/api/models/insert_model_config"): about_things("model.edit", _VERSION),
    ("POST", "/v1/api/models/get_config_by_id"): about_things("model.read", body(model_id=_version)),
    ("POST", "/v1/api/models/get_upload_logs"): about_things("model.read", _VERSION),
    ("POST", "/v1/api/models/delete_model"): about_things("model.edit", _NAMED_MODEL, spare="model"),
    ("POST", "/v1/api/models/delete_model_versions"): about_things(
        "model.edit", body(model_versions=lambda t: [t.version_uuid]), spare="model"
    ),
    # pipelines
    ("POST", "/v1/api/pipelines/create"): about_things("pipeline.edit", _create_pipeline),
    ("POST", "/v1/api/pipelines/copy"): about_things(
        "pipeline.edit",
        body(name="copied", workspace_id=_workspace, source_pipeline=_pipeline),
        places=("workspace", "thing"),
    ),
    ("POST", "/v1/api/pipelines/list_pipelines"): [
        Case("pipeline.read", "list", _NOTHING),
        Case("pipeline.read", "thing", _IN_WORKSPACE, places=INSIDE),
        Case("pipeline.read", "thing", body(workspace_name=lambda t: t.workspace_name), places=INSIDE),
    ],
    ("POST", "/v1/api/pipelines/list_pipeline_versions"): about_things("pipeline.read", _OLD_NAMED_PIPELINE),
    ("POST", "/v1/api/pipelines/get_pipeline_by_name"): about_things("pipeline.read", _NAMED_PIPELINE),
    ("POST", "/v1/api/pipelines/get_version"): about_things(
        "pipeline.read", body(version=_pipeline_uuid)
    ),
    ("POST", "/v1/api/pipelines/delete_pipeline"): about_things("pipeline.edit", _OLD_NAMED_PIPELINE, spare="pipeline"),
    ("POST", "/v1/api/pipelines/delete_pipeline_versions"): about_things(
        "pipeline.edit", body(pipeline_versions=lambda t: [t.pipeline_version_uuid]), spare="pipeline"
    ),
    ("POST", "/v1/api/pipelines/deploy"): [
        Case("pipeline.deploy", "thing", body(deploy_id="x", pipeline_id=_pipeline), spare="pipeline"),
        Case("pipeline.deploy", "thing", body(deploy_id="x", pipeline_version_pk_id=_variant), spare="pipeline"),
        Case("pipeline.deploy", "thing", body(deploy_id="x", pipeline_version=_pipeline_uuid), spare="pipeline"),
    ],
    ("POST", "/v1/api/pipelines/undeploy"): [
        Case("pipeline.deploy", "thing", body(deployment_id=lambda t: t.deployment_id), spare="deployment"),
        Case("pipeline.deploy", "thing", body(pipeline_id=_pipeline), spare="deployment"),
    ],
    ("POST", "/v1/api/status/get_deployment"): about_things("pipeline.read", body(name=lambda t: t.namespace)),
    ("POST", "/v1/api/admin/get_pipeline_external_url"): about_things("pipeline.read", _NAMED_PIPELINE),
    ("POST", "/v1/api/admin/get_pipeline_internal_url"): about_things("pipeline.read", _NAMED_PIPELINE),
    # logs
    ("POST", "/v1/api/pipelines/get_logs"): about_things("logs.read", _NAMED_PIPELINE),
    ("GET", "/v1/logs/topic/{topic}"): about_things("logs.read", lambda things, _: {"path": {"topic": things.topic}}),
    ("POST", "/v1/logs/topic/{topic}/records"): about_things("logs.read", _records),
    ("POST", "/v1/api/plateau/get_topic_name"): [
        Case("logs.read", "thing", _TOPIC),
        Case("logs.read", "thing", _NAMED_PIPELINE),
    ],
    ("POST", "/v1/api/plateau/get_pipeline_topic_name"): about_things("logs.read", _NAMED_PIPELINE),
}  # fmt: skip


def inference(things: Things, _: World) -> Parts:
    """The one call that is served before the router."""
    return {"path": {"namespace": things.namespace, "pipeline": things.pipeline_name}, "json": ROW}
