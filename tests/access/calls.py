"""A minimal valid request for every route but MLflow's, and what it needs. What is missing here fails the test."""

import uuid
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from cases import MEMBERS_DENIED, Case, Parts
from cases import about_platform as _platform
from cases import about_things as _things
from cases import body as _json
from cases import fresh as _fresh
from cases import public as _public
from settling import ROW, batch, load_test, upload
from things import Things
from world import World


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


INSIDE = ("workspace",)
_IN_WORKSPACE = _json(workspace_id=_workspace)
_VERSION = _json(model_version_id=_version)
_MODEL = _json(id=lambda t: t.model_id)
_NAMED_MODEL = _json(model_id=lambda t: t.model_name, workspace_id=_workspace)
_NAMED_PIPELINE = _json(pipeline_name=_pipeline_name, workspace_id=_workspace)
_OLD_NAMED_PIPELINE = _json(pipeline_id=_pipeline_name, workspace_id=_workspace)
_TOPIC = _json(pipeline_pk_id=_pipeline)
_NOTHING = _json()


def _form(success: int, **fields: str) -> list[Case]:
    """A form of the token service; anybody may send it, and what is wrong with it is told."""
    return [Case("public", "platform", lambda *_: {"path": {"realm": "master"}, "data": fields}, success=success)]


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


def _logs(**more: Any) -> list[Case]:
    """The log of the pipeline, and the logs of all in its workspace that the caller may read."""
    inside = {"workspace": lambda t: t.workspace_name, **more}
    return [
        Case("logs.read", "thing", _json(pipelines=lambda t: [t.pipeline_name], **inside)),
        Case("logs.read", "list", _json(**inside)),
    ]


def _nothing(*_: object) -> Parts:
    return {}


def _invite(*_: object) -> Parts:
    return {"json": {"email": f"{_fresh()}@example.com", "roles": [], "password": "long enough 17"}}


def _in_realm(json: Any = None, **path: str) -> Callable[[Things, World], Parts]:
    """A call of Keycloak's administration."""
    body = {} if json is None else {"json": json}
    return lambda *_: {"path": {"realm": "master", **path}, **body}


def _named(**more: Any) -> Callable[[Things, World], Parts]:
    """One that makes something: its ``name`` is a new one each time."""
    return lambda *_: {"path": {"realm": "master"}, "json": {"name": _fresh(), **more}}


def _group_path(json: Any = None) -> Callable[[Things, World], Parts]:
    body = {} if json is None else {"json": json}
    return lambda _, world: {"path": {"realm": "master", "group_id": world.group}, **body}


def _membership(_: Things, world: World) -> Parts:
    return {"path": {"realm": "master", "group_id": world.group, "user_id": world.victim.id}}


def _of_client(**more: str) -> Callable[[Things, World], Parts]:
    """About the victim and the client ``admin-cli``, which hold nothing of each other."""
    path = {"realm": "master", "client_id": "admin-cli", **more}
    return lambda _, world: {"path": {"user_id": world.victim.id, **path}}


def _robot(things: Things, _: World) -> Parts:
    return {"path": {"account": things.robot}}


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


def _seldon(kind: str, rest: str) -> str:
    return f"/seldon-deploy/api/v1alpha1/namespaces/{{namespace}}/{kind}/{{name}}{rest}"


def _at(job: str | None = None, **more: Callable[[World], Any] | Any) -> Callable[[Things, World], Parts]:
    """A call of Seldon's API about the deployment, or about one of its jobs."""

    def parts(things: Things, world: World) -> Parts:
        path = {"namespace": things.workspace_name, "name": things.pipeline_name}
        named = {"jobName": getattr(things, job)} if job else {}
        return {"path": path | named} | {key: value(world) if callable(value) else value for key, value in more.items()}

    return parts


def _jobs(kind: str) -> dict[tuple[str, str], list[Case]]:
    """Jobs of a deployment, as it is found among SeldonDeployments and among pipelines."""
    batches, loads = _seldon(kind, "/batchjobs"), _seldon(kind, "/loadtestjobs")
    made = {"json": lambda world: batch(world.data)}
    return {
        ("POST", _seldon(kind, "/explain")): [  # without the package it needs, it is answered that it is missing
            Case("pipeline.infer", "thing", _at(json=ROW), success=200 if find_spec("shap") else 424)
        ],
        ("POST", batches): _things("pipeline.edit", _at(**made)),
        ("GET", batches): _things("pipeline.read", _at()),
        ("GET", f"{batches}/{{jobName}}"): _things("pipeline.read", _at("batch_job"), spare="job"),
        ("DELETE", f"{batches}/{{jobName}}"): _things("pipeline.edit", _at("batch_job"), spare="job"),
        ("POST", loads): _things("pipeline.edit", _at(**load_test())),
        ("GET", loads): _things("pipeline.read", _at()),
        ("DELETE", f"{loads}/{{jobName}}"): _things("pipeline.edit", _at("load_test"), spare="job"),
    }


def _replays() -> dict[tuple[str, str], list[Case]]:
    """Replays of the log of a deployment."""
    path = "/api/v1/deployments/{workspace}/{pipeline}/replay"

    def of(job: str = "", **more: Any) -> Callable[[Things, World], Parts]:
        def parts(things: Things, _: World) -> Parts:
            named = {"job": getattr(things, job)} if job else {}
            return {"path": {"workspace": things.workspace_name, "pipeline": things.pipeline_name, **named}, **more}

        return parts

    return {
        ("POST", path): _things("pipeline.edit", of(json={}), success=201),
        ("GET", path): _things("pipeline.read", of()),
        ("GET", f"{path}/{{job}}"): _things("logs.read", of("replay"), spare="job"),
        ("DELETE", f"{path}/{{job}}"): _things("pipeline.edit", of("replay"), spare="job", success=204),
    }


def _rollouts() -> dict[tuple[str, str], list[Case]]:
    """How a deployment is, its guard, its rollouts, and going back."""
    place = "/api/v1/deployments/{workspace}/{pipeline}"

    def at(**more: Any) -> Callable[[Things, World], Parts]:
        return lambda things, _: {
            "path": {"workspace": things.workspace_name, "pipeline": things.pipeline_name},
            **more,
        }

    return {
        ("GET", place): _things("pipeline.read", at()),
        ("GET", f"{place}/rollout-guard"): _things("pipeline.read", at()),
        ("PUT", f"{place}/rollout-guard"): _things("pipeline.deploy", at(json={"bake_seconds": 1})),
        ("DELETE", f"{place}/rollout-guard"): _things("pipeline.deploy", at(), success=204),
        ("GET", f"{place}/rollouts"): _things("pipeline.read", at()),
        ("POST", f"{place}/rollback"): _things("pipeline.deploy", at(), spare="redeployed"),
    }


def _model(**more: Callable[[Things], str]) -> Callable[[Things, World], Parts]:
    """A deployment as the Open Inference Protocol names it."""
    parts = {"model": _pipeline_name, **more}
    return lambda things, _: {"path": {name: value(things) for name, value in parts.items()}, "json": {}}


def _below(**more: Callable[[Things], str]) -> Callable[[Things, World], Parts]:
    """The same below its namespace, which is called as the workspace."""
    return _model(namespace=lambda t: t.workspace_name, deployment=_pipeline_name, **more)


_BELOW = "/seldon/{namespace}/{deployment}/v2"
_USERS = "/auth/admin/realms/{realm}/users"
_USER = f"{_USERS}/{{user_id}}"
_GROUPS = "/auth/admin/realms/{realm}/groups"
_GROUP = f"{_GROUPS}/{{group_id}}"
_ROLES = "/auth/admin/realms/{realm}/roles"
_ROLE = f"{_ROLES}/{{role_name}}"
_ROLE_BY_ID = "/auth/admin/realms/{realm}/roles-by-id/{role_id}"
_CLIENTS = "/auth/admin/realms/{realm}/clients"
_CLIENT = f"{_CLIENTS}/{{client_id}}"
_NOBODY = "00000000-0000-4000-8000-000000000000"
_FAILURES = "/auth/admin/realms/{realm}/attack-detection/brute-force/users"
_OPENID = "/auth/realms/{realm}/protocol/openid-connect"

ROUTES: dict[tuple[str, str], list[Case]] = {
    # health, discovery, sign-in
    ("GET", "/livez"): _public(),
    ("GET", "/readyz"): _public(),
    ("GET", "/auth/realms/{realm}"): _public(realm="master"),
    ("GET", "/auth/realms/{realm}/.well-known/openid-configuration"): _public(realm="master"),
    ("GET", f"{_OPENID}/certs"): _public(realm="master"),
    ("GET", "/.well-known/oauth-authorization-server/auth/realms/{realm}"): _public(realm="master"),
    ("POST", f"{_OPENID}/token"): _form(400, client_id="sdk-client", grant_type="none"),
    ("GET", f"{_OPENID}/auth"): _form(400),
    ("POST", f"{_OPENID}/auth"): _form(303),
    ("POST", f"{_OPENID}/auth/device"): _form(200, client_id="sdk-client"),
    ("GET", "/auth/realms/{realm}/device"): _form(200),
    ("POST", "/auth/realms/{realm}/device"): _form(200),
    ("GET", f"{_OPENID}/logout"): _form(200),
    ("POST", f"{_OPENID}/logout"): _form(303),
    ("POST", f"{_OPENID}/revoke"): _form(200, client_id="sdk-client", token="unknown"),
    ("POST", f"{_OPENID}/token/introspect"): _form(401, client_id="sdk-client", token="unknown"),
    ("GET", f"{_OPENID}/userinfo"): _platform("platform.signed_in", lambda *_: {"path": {"realm": "master"}}),
    ("POST", f"{_OPENID}/userinfo"): _platform("platform.signed_in", lambda *_: {"path": {"realm": "master"}}),
    # users, as Keycloak's administration shows them
    ("GET", _USERS): _platform("users.read", lambda *_: {"path": {"realm": "master"}}),
    ("GET", f"{_USERS}/count"): _platform("users.read", lambda *_: {"path": {"realm": "master"}}),
    ("GET", f"{_USERS}/{{user_id}}"): _platform("users.read", _victim_path()),
    ("POST", _USERS): _platform(
        "users.manage", lambda *_: {"path": {"realm": "master"}, "json": {"username": _fresh()}}, success=201
    ),
    ("PUT", f"{_USERS}/{{user_id}}"): _platform(
        "users.manage", _victim_path(json={"firstName": "Victor", "enabled": True}), success=204
    ),
    ("PUT", f"{_USERS}/{{user_id}}/reset-password"): _platform(
        "users.manage", _victim_path(json={"type": "password", "value": "long enough 19"}), success=204
    ),
    ("DELETE", _USER): _platform("users.manage", _in_realm(user_id=_NOBODY), success=404),
    ("GET", f"{_USER}/credentials"): _platform("users.manage", _victim_path()),
    ("DELETE", f"{_USER}/credentials/{{credential_id}}"): _platform(
        "users.manage", _in_realm(user_id=_NOBODY, credential_id="password"), success=404
    ),
    # groups, as Keycloak's administration shows them
    ("GET", _GROUPS): _platform("groups.manage", _in_realm()),
    ("GET", f"{_GROUPS}/count"): _platform("groups.manage", _in_realm()),
    ("POST", _GROUPS): _platform("groups.manage", _named(), success=201),
    ("GET", "/auth/admin/realms/{realm}/group-by-path/{path:path}"): _platform(
        "groups.manage", _in_realm(path="no/such/group"), success=404
    ),
    ("GET", _GROUP): _platform("groups.manage", _group_path()),
    ("PUT", _GROUP): _platform("groups.manage", _group_path({"description": "changed"}), success=204),
    ("DELETE", _GROUP): _platform("groups.manage", _in_realm(group_id=_NOBODY), success=404),
    ("GET", f"{_GROUP}/children"): _platform("groups.manage", _group_path()),
    ("POST", f"{_GROUP}/children"): _platform("groups.manage", _group_path({"name": "child"}), success=201),
    ("GET", f"{_GROUP}/members"): _platform("groups.manage", _group_path()),
    ("GET", f"{_GROUP}/role-mappings"): _platform("groups.manage", _group_path()),
    ("GET", f"{_GROUP}/role-mappings/realm"): _platform("groups.manage", _group_path()),
    ("POST", f"{_GROUP}/role-mappings/realm"): _platform("groups.manage", _group_path([]), success=404),
    ("GET", f"{_USER}/groups"): _platform("groups.manage", _victim_path()),
    ("GET", f"{_USER}/groups/count"): _platform("groups.manage", _victim_path()),
    ("PUT", f"{_USER}/groups/{{group_id}}"): _platform("groups.manage", _membership, success=204),
    ("DELETE", f"{_USER}/groups/{{group_id}}"): _platform("groups.manage", _membership, success=204),
    # roles, as Keycloak's administration shows them
    ("GET", _ROLES): _platform("groups.manage", _in_realm()),
    ("POST", _ROLES): _platform("groups.manage", _named(), success=201),
    ("GET", _ROLE): _platform("groups.manage", _in_realm(role_name="user")),
    ("PUT", _ROLE): _platform("groups.manage", _in_realm({}, role_name="user"), success=400),  # it is built in
    ("DELETE", _ROLE): _platform("groups.manage", _in_realm(role_name="user"), success=400),
    ("GET", f"{_ROLE}/composites"): _platform("groups.manage", _in_realm(role_name="admin")),
    ("GET", f"{_ROLE}/users"): _platform("groups.manage", _in_realm(role_name="admin")),
    ("GET", f"{_ROLE}/groups"): _platform("groups.manage", _in_realm(role_name="admin")),
    ("GET", _ROLE_BY_ID): _platform("groups.manage", _in_realm(role_id="user")),
    ("PUT", _ROLE_BY_ID): _platform("groups.manage", _in_realm({}, role_id="user"), success=400),
    ("DELETE", _ROLE_BY_ID): _platform("groups.manage", _in_realm(role_id="user"), success=400),
    ("GET", f"{_ROLE_BY_ID}/composites"): _platform("groups.manage", _in_realm(role_id="user")),
    ("GET", f"{_ROLE_BY_ID}/composites/realm"): _platform("groups.manage", _in_realm(role_id="user")),
    ("GET", f"{_USER}/role-mappings"): _platform("groups.manage", _victim_path()),
    ("GET", f"{_USER}/role-mappings/realm"): _platform("groups.manage", _victim_path()),
    ("GET", f"{_USER}/role-mappings/realm/available"): _platform("groups.manage", _victim_path()),
    ("GET", f"{_USER}/role-mappings/realm/composite"): _platform("groups.manage", _victim_path()),
    ("POST", f"{_USER}/role-mappings/realm"): _platform(
        "users.manage", _victim_path(json=[{"name": "user"}]), success=204
    ),
    ("DELETE", f"{_USER}/role-mappings/realm"): _platform(
        "users.manage", _victim_path(json=[{"name": "inference"}]), success=204
    ),
    # clients, as Keycloak's administration shows them
    ("GET", _CLIENTS): _platform("users.manage", _in_realm()),
    ("POST", _CLIENTS): _platform(
        "users.manage", lambda *_: {"path": {"realm": "master"}, "json": {"clientId": _fresh()}}, success=201
    ),
    ("GET", _CLIENT): _platform("users.manage", _in_realm(client_id="admin-cli")),
    ("PUT", _CLIENT): _platform("users.manage", _in_realm({}, client_id="admin-cli"), success=204),
    ("DELETE", _CLIENT): _platform("users.manage", _in_realm(client_id="admin-cli"), success=400),  # it is the server's
    ("GET", f"{_CLIENT}/client-secret"): _platform("users.manage", _in_realm(client_id="api-client"), success=400),
    ("POST", f"{_CLIENT}/client-secret"): _platform("users.manage", _in_realm(client_id="admin-cli"), success=400),
    ("GET", f"{_CLIENT}/service-account-user"): _platform("users.manage", _in_realm(client_id="api-client")),
    ("GET", f"{_CLIENT}/roles"): _platform("users.manage", _in_realm(client_id="admin-cli")),
    # sessions, as Keycloak's administration shows them
    ("GET", f"{_USER}/sessions"): _platform("users.manage", _victim_path()),
    ("GET", f"{_USER}/offline-sessions/{{client_id}}"): _platform("users.manage", _of_client()),
    ("POST", f"{_USER}/logout"): _platform("users.manage", _victim_path(), success=204),
    ("GET", f"{_USER}/consents"): _platform("users.manage", _victim_path()),
    ("DELETE", f"{_USER}/consents/{{client_id}}"): _platform("users.manage", _of_client(), success=404),
    ("DELETE", "/auth/admin/realms/{realm}/sessions/{session_id}"): _platform(
        "users.manage", _in_realm(session_id=_NOBODY), success=404
    ),
    ("GET", f"{_CLIENT}/user-sessions"): _platform("users.manage", _in_realm(client_id="admin-cli")),
    ("GET", f"{_CLIENT}/offline-sessions"): _platform("users.manage", _in_realm(client_id="admin-cli")),
    ("GET", "/auth/admin/realms/{realm}/client-session-stats"): _platform("users.manage", _in_realm()),
    # the realm, as Keycloak's administration shows it
    ("GET", "/auth/admin/realms"): _platform("users.manage", _NOTHING),
    ("GET", "/auth/admin/realms/{realm}"): _platform("users.manage", _in_realm()),
    ("GET", "/auth/admin/realms/{realm}/keys"): _platform("users.manage", _in_realm()),
    ("GET", "/auth/admin/serverinfo"): _platform("users.manage", _NOTHING),
    # failed sign-ins, as Keycloak's administration shows them
    ("GET", _FAILURES): _platform("users.manage", lambda *_: {"path": {"realm": "master"}}),
    ("GET", f"{_FAILURES}/{{user_id}}"): _platform("users.manage", _victim_path()),
    ("DELETE", _FAILURES): _platform("users.manage", lambda *_: {"path": {"realm": "master"}}, success=204),
    ("DELETE", f"{_FAILURES}/{{user_id}}"): _platform("users.manage", _victim_path(), success=204),
    # personal access tokens and service accounts
    ("GET", "/api/v1/tokens"): _platform("tokens.manage", _NOTHING),
    ("POST", "/api/v1/tokens"): _platform("tokens.manage", lambda *_: {"json": {"name": _fresh()}}, success=201),
    ("DELETE", "/api/v1/tokens/{token_id}"): _platform(  # nobody has this one; whose they are is asked elsewhere
        "tokens.manage", lambda *_: {"path": {"token_id": str(uuid.uuid4())}}, success=404
    ),
    ("GET", "/api/v1/service-accounts"): _platform("users.manage", _NOTHING),
    ("POST", "/api/v1/service-accounts"): _platform(
        "users.manage", lambda *_: {"json": {"name": _fresh(), "oauth_client": True}}, success=201
    ),
    ("GET", "/api/v1/service-accounts/{account}"): _platform("users.manage", _robot),
    ("DELETE", "/api/v1/service-accounts/{account}"): _platform("users.manage", _robot, success=204, spare="robot"),
    # groups and grants
    ("GET", "/api/v1/groups"): _platform("groups.manage", _NOTHING),
    ("POST", "/api/v1/groups"): _platform("groups.manage", lambda *_: {"json": {"name": _fresh()}}, success=201),
    ("GET", "/api/v1/groups/{group}"): _platform("groups.manage", _group()),
    ("DELETE", "/api/v1/groups/{group}"): _platform("groups.manage", _group(), spare="group", success=204),
    ("PUT", "/api/v1/groups/{group}/members/{user}"): _platform("groups.manage", _group(True), success=204),
    ("DELETE", "/api/v1/groups/{group}/members/{user}"): _platform(
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
    ("GET", "/api/v1/access/explain"): _platform("platform.signed_in", _explain, really="access.explain"),
    # the Wallaroo API: what a client asks first
    ("GET", "/v1/api/config"): _public(),
    ("GET", "/v1/api/docs"): _public(),
    ("GET", "/v1/api/docs/{asset}"): _public(asset="docs.js"),
    ("GET", "/v1/api/openapi.json"): _public(),
    ("POST", "/v1/api/features/list"): _platform("platform.signed_in", _NOTHING),
    ("POST", "/v1/api/workspaces/validate"): _platform("platform.signed_in", _NOTHING),
    ("POST", "/v1/graphql"): _platform("platform.signed_in", _json(query="{__typename}")),
    # users
    ("POST", "/v1/api/users/query"): _platform("users.read", _NOTHING),
    ("POST", "/v1/api/users/invite"): _platform("users.manage", _invite),
    ("POST", "/v1/api/users/activate"): _platform("users.manage", _victim("email")),
    ("POST", "/v1/api/users/deactivate"): _platform("users.manage", _victim("email")),
    ("POST", "/v1/api/user"): _platform(
        "users.manage", _victim("id", "email", firstName="V", lastName="V", enabled=True, isAdmin=False)
    ),
    # workspaces
    ("POST", "/v1/api/workspaces/create"): _platform(
        "workspace.create", lambda *_: {"json": {"workspace_name": _fresh()}}
    ),
    ("POST", "/v1/api/workspaces/list"): [
        Case("workspace.read", "list", _NOTHING, really="pipeline.read", places=INSIDE)  # with their pipelines
    ],
    ("POST", "/v1/api/workspaces/update"): _things(
        "workspace.manage", _json(workspace_id=_workspace, archived=False), places=INSIDE
    ),
    ("POST", "/v1/api/workspaces/add_user"): _things(
        "workspace.manage", _member(user_type="COLLABORATOR"), places=INSIDE
    ),
    ("POST", "/v1/api/workspaces/remove_user"): _things("workspace.manage", _member(), places=INSIDE),
    ("POST", "/v1/api/workspaces/list_users"): _things("workspace.read", _IN_WORKSPACE, places=INSIDE),
    # models
    ("POST", "/v1/api/models/upload"): _things("model.edit", _upload, places=INSIDE),
    ("POST", "/v1/api/models/upload_and_convert"): _things(
        "model.edit", _upload, success=202, places=INSIDE
    ),
    ("POST", "/v1/api/models/upload_stream"): _things("model.edit", _upload_stream, places=INSIDE),
    ("POST", "/v1/api/models/list"): [
        Case("model.read", "list", _NOTHING),
        Case("model.read", "thing", _IN_WORKSPACE, nothing_to=MEMBERS_DENIED),
        Case("model.read", "thing", _json(workspace_name=lambda t: t.workspace_name), nothing_to=MEMBERS_DENIED),
    ],
    ("POST", "/v1/api/models/list_versions_for_model"): _things("model.read", _NAMED_MODEL, nothing_to=MEMBERS_DENIED),
    ("POST", "/v1/api/models/list_versions"): [
        Case("model.read", "list", _json(model_id=lambda t: t.model_name)),
        Case("model.read", "list", _json(models_pk_id=lambda t: t.model_id)),
    ],
    ("POST", "/v1/api/models/get"): _things("model.read", _MODEL),
    ("POST", "/v1/api/models/get_by_id"): _things("model.read", _MODEL),
    ("POST", "/v1/api/models/get_version_by_id"): _things("model.read", _VERSION),
    ("POST", "/v1/api/models/get_model_version_by_id"): _things("model.read", _VERSION),
    ("POST", "/v1/api/models/insert_model_config"): _things("model.edit", _VERSION),
    ("POST", "/v1/api/models/get_config_by_id"): _things("model.read", _json(model_id=_version)),
    ("POST", "/v1/api/models/get_upload_logs"): _things("model.read", _VERSION),
    ("POST", "/v1/api/models/delete_model"): _things("model.delete", _NAMED_MODEL, spare="model"),
    ("POST", "/v1/api/models/delete_model_versions"): _things(
        "model.delete", _json(model_versions=lambda t: [t.version_uuid]), spare="model"
    ),
    # pipelines
    ("POST", "/v1/api/pipelines/create"): _things("pipeline.edit", _create_pipeline),
    ("POST", "/v1/api/pipelines/copy"): _things(
        "pipeline.edit",
        _json(name="copied", workspace_id=_workspace, source_pipeline=_pipeline),
        places=("workspace", "thing"),
    ),
    ("POST", "/v1/api/pipelines/list_pipelines"): [
        Case("pipeline.read", "list", _NOTHING),
        Case("pipeline.read", "thing", _IN_WORKSPACE, nothing_to=MEMBERS_DENIED),
        Case("pipeline.read", "thing", _json(workspace_name=lambda t: t.workspace_name), nothing_to=MEMBERS_DENIED),
    ],
    ("POST", "/v1/api/pipelines/list_pipeline_versions"): _things("pipeline.read", _OLD_NAMED_PIPELINE),
    ("POST", "/v1/api/pipelines/get_pipeline_by_name"): _things("pipeline.read", _NAMED_PIPELINE),
    ("POST", "/v1/api/pipelines/get_version"): _things(
        "pipeline.read", _json(version=_pipeline_uuid)
    ),
    ("POST", "/v1/api/pipelines/delete_pipeline"): _things("pipeline.edit", _OLD_NAMED_PIPELINE, spare="pipeline"),
    ("POST", "/v1/api/pipelines/delete_pipeline_versions"): _things(
        "pipeline.edit", _json(pipeline_versions=lambda t: [t.pipeline_version_uuid]), spare="pipeline"
    ),
    ("POST", "/v1/api/pipelines/deploy"): [
        Case("pipeline.deploy", "thing", _json(deploy_id="x", pipeline_id=_pipeline), spare="pipeline"),
        Case("pipeline.deploy", "thing", _json(deploy_id="x", pipeline_version_pk_id=_variant), spare="pipeline"),
        Case("pipeline.deploy", "thing", _json(deploy_id="x", pipeline_version=_pipeline_uuid), spare="pipeline"),
    ],
    ("POST", "/v1/api/pipelines/undeploy"): [
        Case("pipeline.deploy", "thing", _json(deployment_id=lambda t: t.deployment_id), spare="deployment"),
        Case("pipeline.deploy", "thing", _json(pipeline_id=_pipeline), spare="deployment"),
    ],
    ("POST", "/v1/api/status/get_deployment"): _things("pipeline.read", _json(name=lambda t: t.namespace)),
    ("POST", "/v1/api/admin/get_pipeline_external_url"): _things("pipeline.read", _NAMED_PIPELINE),
    ("POST", "/v1/api/admin/get_pipeline_internal_url"): _things("pipeline.read", _NAMED_PIPELINE),
    # logs
    ("POST", "/v1/api/pipelines/get_logs"): _things("logs.read", _NAMED_PIPELINE),
    ("GET", "/v1/logs/topic/{topic}"): _things("logs.read", lambda things, _: {"path": {"topic": things.topic}}),
    ("POST", "/v1/logs/topic/{topic}/records"): _things("logs.read", _records),
    ("POST", "/v1/api/plateau/get_topic_name"): [
        Case("logs.read", "thing", _TOPIC),
        Case("logs.read", "thing", _NAMED_PIPELINE),
    ],
    ("POST", "/v1/api/plateau/get_pipeline_topic_name"): _things("logs.read", _NAMED_PIPELINE),
    # the Open Inference Protocol
    ("GET", "/v2"): _public(),
    ("GET", "/v2/health/live"): _public(),
    ("GET", "/v2/health/ready"): _public(),
    ("GET", "/v2/models/{model}"): _things("pipeline.infer", _model()),
    ("GET", "/v2/models/{model}/ready"): _things("pipeline.infer", _model()),
    ("GET", "/v2/models/{model}/versions/{version}"): _things("pipeline.infer", _model(version=_pipeline_uuid)),
    ("GET", "/v2/models/{model}/versions/{version}/ready"): _things("pipeline.infer", _model(version=_pipeline_uuid)),
    ("GET", _BELOW): _things("pipeline.infer", _below()),
    ("GET", f"{_BELOW}/health/live"): _things("pipeline.infer", _below()),
    ("GET", f"{_BELOW}/health/ready"): _things("pipeline.infer", _below()),
    ("GET", f"{_BELOW}/models/{{model}}"): _things("pipeline.infer", _below()),
    ("GET", f"{_BELOW}/models/{{model}}/ready"): _things("pipeline.infer", _below()),
    ("GET", f"{_BELOW}/models/{{model}}/versions/{{version}}"): _things(
        "pipeline.infer", _below(version=_pipeline_uuid)
    ),
    ("GET", f"{_BELOW}/models/{{model}}/versions/{{version}}/ready"): _things(
        "pipeline.infer", _below(version=_pipeline_uuid)
    ),
    ("POST", "/v2/repository/index"): [Case("pipeline.read", "list", _NOTHING)],
    ("POST", "/v2/repository/models/{model}/load"): _things("pipeline.deploy", _model()),
    ("POST", "/v2/repository/models/{model}/unload"): _things("pipeline.deploy", _model(), spare="deployment"),
    # the native API: the audit log
    ("GET", "/api/v1/audit"): _platform("audit.read", _nothing),
    ("GET", "/api/v1/audit/export"): _platform("audit.read", _nothing),
    # the native API: inference logs
    ("POST", "/api/v1/logs/search"): _logs(),
    ("POST", "/api/v1/logs/sql"): _logs(sql="select count(*) as n from logs"),
    ("POST", "/api/v1/logs/export"): _logs(format="csv"),
    # the native API: replays
    **_replays(),
    # the native API: rollouts
    **_rollouts(),
    # jobs, as Seldon Deploy has them
    **_jobs("seldondeployments"),
    **_jobs("pipelines"),
}  # fmt: skip


def _wallaroo(things: Things, _: World) -> Parts:
    return {"path": {"namespace": things.namespace, "pipeline": things.pipeline_name}, "json": ROW}


def _tensors(parts: Callable[[Things, World], Parts]) -> list[Case]:
    given = {"name": "tensor", "shape": [1, 29], "datatype": "FP32", "data": ROW[0]["tensor"]}
    return _things("pipeline.infer", lambda t, world: {**parts(t, world), "json": {"inputs": [given]}})


INFERENCE: dict[tuple[str, str], list[Case]] = {
    ("POST", "/v1/api/pipelines/infer/{namespace}/{pipeline}"): _things("pipeline.infer", _wallaroo),
    ("POST", "/v2/models/{model}/infer"): _tensors(_model()),
    ("POST", "/v2/models/{model}/versions/{version}/infer"): _tensors(_model(version=_pipeline_uuid)),
    ("POST", "/v2/pipelines/{model}/infer"): _tensors(_model()),
    ("POST", f"{_BELOW}/models/infer"): _tensors(_below()),
    ("POST", f"{_BELOW}/models/{{model}}/infer"): _tensors(_below()),
}
"""What is served before the router."""
