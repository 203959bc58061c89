"""A server with two workspaces, one of everything in each, and a caller for each role."""

import base64
import http.client
import json
import re
import sqlite3
import time
import uuid
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from joserfc import jwt
from joserfc.jwk import RSAKey
from oracle import PEOPLE
from tracked_things import API, track

from running import RunningServer, eventually
from wire import TOKEN, Caller, Person, administrator, invite, sign_in

MODEL = (Path(__file__).parents[2] / "examples" / "models" / "ccfraud.onnx").read_bytes()
ROW = [{"tensor": [0.5] * 29}]

# Changed by workers that are alive, whoever calls, and the counter of their rows; and what tells of refusals.
_RESTLESS = {"workers", "replicas", "sqlite_sequence", "audit_entries", "audit_heads"}
_DONE = "select * from audit_entries where outcome = 'ok' and details not like '%repeats%'"


@dataclass(frozen=True)
class Things:
    """What a request can be about. All names of one workspace carry its canary."""

    canary: str
    workspace_id: int
    workspace_name: str
    model_id: int
    model_name: str
    version_id: int
    version_uuid: str
    config_id: int
    pipeline_id: int
    pipeline_name: str
    pipeline_version_id: int
    pipeline_version_uuid: str
    deployment_id: int
    namespace: str
    topic: str
    tag_id: int
    experiment_id: str
    run_id: str
    logged_id: str
    tracked_name: str
    artifact: str
    person: str
    role_id: int
    role_permission_id: int
    group: str

    def hidden_in(self, text: str) -> str:
        """The text with every mention of these things blotted out."""
        names = sorted((str(getattr(self, field.name)) for field in fields(self)), key=len, reverse=True)
        return re.sub("|".join(rf"\b{re.escape(name)}\b" for name in names), "<it>", text)


UNKNOWN = Things(
    canary="never-was",
    workspace_id=900_000_001,
    workspace_name="never-was-space",
    model_id=900_000_002,
    model_name="never-was-model",
    version_id=900_000_003,
    version_uuid="00000000-0000-4000-8000-000000000001",
    config_id=900_000_004,
    pipeline_id=900_000_005,
    pipeline_name="never-was-pipeline",
    pipeline_version_id=900_000_006,
    pipeline_version_uuid="00000000-0000-4000-8000-000000000002",
    deployment_id=900_000_007,
    namespace="never-was-pipeline-900000007",
    topic="workspace-900000001-pipeline-never-was-pipeline-inference",
    tag_id=900_000_008,
    experiment_id="900000000000000009",
    run_id="0" * 31 + "1",
    logged_id="m-" + "0" * 31 + "1",
    tracked_name="never-was-tracked",
    artifact="900000000000000009/" + "0" * 31 + "1/artifacts/notes.txt",
    person="never-was@example.com",
    role_id=900_000_010,
    role_permission_id=900_000_011,
    group="never-was-group",
)


_LEVELS = {
    "granted reader": "READ",
    "granted user": "USE",
    "granted editor": "EDIT",
    "granted manager": "MANAGE",
    "denied": "NO_PERMISSIONS",
}


@dataclass(frozen=True)
class Rights:
    """Gives grants on single things; ``names`` are the usernames of callers."""

    admin: Caller
    things: Things
    names: dict[str, str]

    def give(self, *kinds: str) -> None:
        """What the callers have on each of our things, on these kinds of them."""
        for kind in kinds:
            thing, beginning = self._objects(kind)
            for name, level in _LEVELS.items():
                self.put(self.names[name], thing, level)
            self.put(f"group:above-{self.things.canary}", thing, "EDIT")
            self.put(f"role:role-{self.things.canary}", thing, "READ")
            self.put(self.names["pattern holder"], f"{beginning}*", "EDIT")
            if kind in ("experiment", "tracked model"):
                self.put(self.names["tracking manager"], thing, "DENY")

    def put(self, subject: str, thing: str, role: str) -> None:
        """One grant."""
        body = {"subject": subject, "object": thing, "role": role}
        answer = self.admin.call("PUT", "/api/v1/grants", json=body)
        assert answer.status_code == 200, answer.text

    def _objects(self, kind: str) -> tuple[str, str]:
        things = self.things
        match kind:
            case "model":
                place, name = f"model:{things.workspace_id}", things.model_name
            case "pipeline":
                place, name = f"pipeline:{things.workspace_id}", things.pipeline_name
            case "experiment":
                return f"experiment:{things.experiment_id}", f"experiment:{things.experiment_id[:12]}"
            case _:
                place, name = "model:mlflow", things.tracked_name
        return f"{place}/{name}", f"{place}/{things.canary}"


@dataclass(frozen=True)
class World:
    """``ours`` is the workspace of "owner", ``theirs`` that of "other owner"; ``victim`` is a user to be changed.

    ``robot`` is the id of a service account that may be removed. ``names`` are the usernames of callers.
    """

    server: RunningServer
    callers: dict[str, Any]
    ours: Things
    theirs: Things
    victim: Person
    robot: str
    names: dict[str, str]

    def call(self, role: str, method: str, path: str, **request: Any) -> requests.Response:
        """Send a request as the role."""
        return self.callers[role].call(method, path, **request)

    def raw(self, role: str, method: str, path: str, content: bytes | None = None) -> int:
        """The status of a request whose path is sent byte for byte as it is given."""
        caller = self.callers[role]
        connection = http.client.HTTPConnection(urlsplit(caller.url).netloc, timeout=30)
        try:
            headers = {"Authorization": f"Bearer {caller.token}"} if caller.token else {}
            connection.request(method, path, content, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def spare(self, kind: str) -> Things:
        """Our things, with new ones among them that may be used up; whoever has a grant on ours has it on these."""
        name = f"{self.ours.canary}-{_word()}"
        things = self._made(kind, name)
        rights = self.rights(things)
        if kind in ("model", "pipeline", "deployment"):
            rights.give(kind.replace("deployment", "pipeline"))
        if kind in ("tracked", "deleted experiment"):
            rights.give("experiment", "tracked model")
        if kind == "deleted experiment":
            self.callers["owner"].post(f"{API}/experiments/delete", {"experiment_id": things.experiment_id})
        return things

    def rights(self, things: Things) -> Rights:
        """Gives everybody on these things what they have on ours."""
        return Rights(self.callers["admin"], things, self.names)

    def _made(self, kind: str, name: str) -> Things:
        owner = self.callers["owner"]
        if kind == "model":
            return _with_model(owner, self.ours, name)
        if kind in ("tracked", "deleted experiment"):
            return replace(self.ours, **track(owner, name))
        if kind in ("pipeline", "deployment"):
            things = _with_pipeline(owner, self.ours, name)
            return _deployed(owner, things) if kind == "deployment" else things
        return _with_person(self.callers["admin"], self.ours, kind)

    def state(self) -> dict[str, Any]:
        """All rows of the database and the sizes of all kept files, but for what changes by itself; once it is calm."""
        assert eventually(self._calm), "a deployment starts or stops without end"
        rows = {name: self._rows(f"select * from {name}") for name in self._tables() - _RESTLESS}  # noqa: S608
        rows["done"] = self._rows(_DONE)
        return rows | {str(file): file.stat().st_size for file in _files(self.server.data)}

    def _calm(self) -> bool:
        return self._rows("select id from deployments where state in ('STARTING', 'STOPPING')") == []

    def _tables(self) -> set[str]:
        return {name for (name,) in self._rows("select name from sqlite_master where type = 'table'")}

    def _rows(self, statement: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.server.data}/modelyard.db?mode=ro", uri=True)) as database:
            return database.execute(statement).fetchall()


_PEOPLE = PEOPLE - {"admin"} | {"disabled"}
_SCOPES = {"read token": "read", "mlflow token": "mlflow", "inference token": "infer"}


def build(server: RunningServer) -> World:
    """Everything the matrix needs."""
    admin = administrator(server)
    people = {name: invite(server, name.replace(" ", "-")) for name in sorted(_PEOPLE)}
    callers: dict[str, Any] = {name: sign_in(server, who.email, who.password) for name, who in people.items()}
    callers |= {"nobody": Caller(server.url), "admin": admin, "service": _service(server)}
    callers["expired"] = Caller(server.url, _expired(server, callers["owner"]))
    callers |= {name: _token(callers["owner"], scope) for name, scope in _SCOPES.items()}
    callers["stranger's inference token"] = _token(callers["stranger"], "infer")
    callers["basic"] = BasicCaller(server.url, people["owner"].email, people["owner"].password)
    ours, theirs = _settle(callers["owner"]), _settle(callers["other owner"])
    for name, role in (("reader", "READER"), ("editor", "COLLABORATOR"), ("denied", "COLLABORATOR")):
        _join(callers["owner"], ours, people[name], role)
    _join(callers["owner"], ours, people["disabled"], "OWNER")
    admin.post("/v1/api/users/deactivate", {"email": people["disabled"].email})
    robot = admin.post("/api/v1/service-accounts", {"name": f"robot-{_word()}"}, 201)["id"]
    names = {name: person.email for name, person in people.items()}
    ours = _with_groups(admin, ours, names)
    Rights(admin, ours, names).give("model", "pipeline", "experiment", "tracked model")
    Rights(admin, ours, names).put("user:" + names["tracking manager"], "workspace:mlflow", "MANAGE")
    ours = _with_person(admin, ours, "role")
    ours = _with_person(admin, ours, "granted person")
    return World(server, callers, ours, theirs, invite(server, "victim"), robot, names)


@dataclass(frozen=True)
class BasicCaller:
    """Somebody who sends a name and a password with every request."""

    url: str
    username: str
    password: str

    def call(self, method: str, path: str, **request: Any) -> requests.Response:
        """Send a request; keywords are those of ``requests.request``."""
        text = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        headers = request.pop("headers", {}) | {"Authorization": f"Basic {text}"}
        return Caller(self.url).call(method, path, headers=headers, **request)


def _token(caller: Caller, scope: str) -> Caller:
    body = {"name": f"{scope}-{_word()}", "scopes": [scope]}
    return Caller(caller.url, caller.post("/api/v1/tokens", body, 201)["token"])


def _join(owner: Caller, things: Things, person: Person, role: str) -> None:
    body = {"workspace_id": things.workspace_id, "user_id": person.id, "user_type": role}
    owner.post("/v1/api/workspaces/add_user", body)


def _with_groups(admin: Caller, things: Things, names: dict[str, str]) -> Things:
    """A group of two levels and a custom role, with those who belong to them."""
    above, below, role = (f"{word}-{things.canary}" for word in ("above", "below", "role"))
    admin.post("/api/v1/groups", {"name": above}, 201)
    admin.post("/api/v1/groups", {"name": below, "parent": above}, 201)
    for name in ("group member", "denied"):
        done = admin.call("PUT", f"/api/v1/groups/{below}/members/{names[name]}")
        assert done.status_code == 204, done.text
    made = admin.post(f"{API}/roles/create", {"name": role})["role"]
    admin.post(f"{API}/roles/assign", {"role_id": made["id"], "username": names["role holder"]})
    return replace(things, group=above)


def _with_person(admin: Caller, things: Things, kind: str) -> Things:
    """A new user, by ``kind`` with a grant on the experiment and the registered model, a role or a group to use up."""
    made = admin.post(f"{API}/users/create", {"username": f"p-{_word()}", "password": uuid.uuid4().hex})["user"]
    things = replace(things, person=made["username"])
    if kind == "granted person":
        for thing in (f"experiment:{things.experiment_id}", f"model:mlflow/{things.tracked_name}"):
            Rights(admin, things, {}).put(things.person, thing, "READ")
    if kind == "role":
        role = admin.post(f"{API}/roles/create", {"name": f"role-{_word()}"})["role"]
        body = {"role_id": role["id"], "resource_type": "experiment", "resource_pattern": "1", "permission": "READ"}
        held = admin.post(f"{API}/roles/permissions/add", body)["role_permission"]
        admin.post(f"{API}/roles/assign", {"role_id": role["id"], "username": things.person})
        things = replace(things, role_id=role["id"], role_permission_id=held["id"])
    if kind == "group":
        things = replace(things, group=f"group-{_word()}")
        admin.post("/api/v1/groups", {"name": things.group}, 201)
        done = admin.call("PUT", f"/api/v1/groups/{things.group}/members/{things.person}")
        assert done.status_code == 204, done.text
    return things


def _settle(owner: Caller) -> Things:
    """A workspace with a deployed pipeline and one logged row."""
    canary = f"canary{_word()}"
    name = f"{canary}-space"
    workspace_id = owner.post("/v1/api/workspaces/create", {"workspace_name": name})["workspace_id"]
    things = replace(UNKNOWN, canary=canary, workspace_id=workspace_id, workspace_name=name)
    things = _with_model(owner, things, f"{canary}-model")
    things = _with_pipeline(owner, things, f"{canary}-pipeline")
    things = _deployed(owner, things)
    owner.post(f"/v1/api/pipelines/infer/{things.namespace}/{things.pipeline_name}", ROW)
    tag = owner.ask("mutation ($t: String!) {insert_tag(objects: {tag: $t}) {returning {id}}}", t=f"{canary}-tag")
    tag_id = tag["insert_tag"]["returning"][0]["id"]
    owner.ask(
        """mutation ($tag: bigint!, $model: bigint!, $pipeline: bigint!) {
          insert_model_tag(objects: {tag_id: $tag, model_id: $model}) {returning {tag_id}}
          insert_pipeline_tag(objects: {tag_pk_id: $tag, pipeline_pk_id: $pipeline}) {returning {tag_pk_id}}}""",
        tag=tag_id,
        model=things.version_id,
        pipeline=things.pipeline_id,
    )
    return replace(things, tag_id=tag_id, **track(owner, f"{canary}-tracked"))


def _deployed(owner: Caller, things: Things) -> Things:
    body = {"deploy_id": things.pipeline_name, "pipeline_version_pk_id": things.pipeline_version_id}
    deployment_id = owner.post("/v1/api/pipelines/deploy", body)["id"]
    namespace = f"{things.pipeline_name}-{deployment_id}"
    assert eventually(lambda: _status(owner, namespace) == "Running", seconds=30)
    return replace(things, deployment_id=deployment_id, namespace=namespace)


def _with_model(owner: Caller, things: Things, name: str) -> Things:
    made = owner.call("POST", "/v1/api/models/upload", files=upload(name, things.workspace_id))
    version_id = made.json()["insert_models"]["returning"][0]["models"][0]["id"]
    query = "query ($id: bigint!) {model_by_pk(id: $id) {model_version models_pk_id}}"
    version = owner.ask(query, id=version_id)["model_by_pk"]
    shown = owner.post("/v1/api/models/get_version_by_id", {"model_version_id": version_id})
    return replace(
        things,
        model_id=version["models_pk_id"],
        model_name=name,
        version_id=version_id,
        version_uuid=version["model_version"],
        config_id=shown["model_version"]["config"]["id"],
    )


def _with_pipeline(owner: Caller, things: Things, name: str) -> Things:
    body = {"pipeline_id": name, "workspace_id": things.workspace_id, "definition": definition(name, things)}
    made = owner.post("/v1/api/pipelines/create", body)
    return replace(
        things,
        pipeline_id=made["pipeline_pk_id"],
        pipeline_name=name,
        pipeline_version_id=made["pipeline_variant_pk_id"],
        pipeline_version_uuid=made["pipeline_variant_version"],
        topic=f"workspace-{things.workspace_id}-pipeline-{name}-inference",
    )


def definition(name: str, things: Things) -> dict[str, Any]:
    """A pipeline of the one model."""
    model = {"name": things.model_name, "version": things.version_uuid, "sha": ""}
    return {"id": name, "steps": [{"ModelInference": {"models": [model]}}]}


def upload(name: str, workspace_id: int) -> dict[str, Any]:
    """The parts of a multipart upload."""
    metadata = json.dumps({"name": name, "workspace_id": workspace_id, "visibility": "private"})
    return {"metadata": (None, metadata, "application/json"), "file": ("model.onnx", MODEL)}


def _status(owner: Caller, namespace: str) -> str:
    return str(owner.post("/v1/api/status/get_deployment", {"name": namespace})["status"])


def _service(server: RunningServer) -> Caller:
    form = {"grant_type": "client_credentials"}
    answer = requests.post(server.url + TOKEN, data=form, auth=("api-client", server.client_secret), timeout=30)
    return Caller(server.url, answer.json()["access_token"])


def _expired(server: RunningServer, caller: Caller) -> str:
    """The caller's token as it was an hour ago, in every other respect genuine."""
    key = RSAKey.import_key((server.data / "keys" / "signing.pem").read_bytes())
    token = jwt.decode(str(caller.token), key, algorithms=["RS256"])
    before = int(time.time()) - 3_600
    return jwt.encode(token.header, {**token.claims, "iat": before - 60, "exp": before}, key)


def _files(data: Path) -> list[Path]:
    return [file for folder in ("blobs", "logs") for file in (data / folder).rglob("*") if file.is_file()]


def _word() -> str:
    return uuid.uuid4().hex[:8]
