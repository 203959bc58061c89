"""A server with two workspaces, one of everything in each, and a caller for each role."""

import base64
import http.client
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import requests
from catalogue_things import with_metadata, with_registry, with_secret
from joserfc import jwt
from joserfc.jwk import RSAKey
from oracle import PEOPLE
from rights import Rights, with_groups, with_person, with_robot
from settling import (
    ROW,
    deployed,
    settle,
    with_core_model,
    with_detectors,
    with_flow,
    with_jobs,
    with_model,
    with_pipeline,
    with_seldon,
)
from things import Things, word
from tracked_things import API, track

from modelyard.core.monitoring.inference_log import Stream
from modelyard.segments.frames import folder_name
from modelyard.segments.index import Index, extend
from running import RunningServer, eventually
from wire import TOKEN, Caller, Person, administrator, invite, sign_in

# Changed by workers that are alive, whoever calls, and the counter of their rows; and what tells of refusals.
_RESTLESS = {"workers", "replicas", "sqlite_sequence", "audit_entries", "audit_heads", "access_tokens"}
_RESTLESS |= {"deployment_events", "detector_progress", "detector_results", "rollouts", "revision_counts", "log_files"}
_TOKENS = "select id, user_id, name, scopes, expires_at, revoked_at from access_tokens"  # but for their last use
_DONE = """select * from audit_entries where outcome = 'ok' and action <> 'log.read' and details not like '%repeats%'"""
"""But for reads: who was granted one pipeline of a workspace may ask for all its logs, and reads that one's."""
_MAKERS = {
    "model": with_model,
    "seldon": with_seldon,
    "core model": with_core_model,
    "secret": with_secret,
    "registry": with_registry,
    "detector": with_detectors,
}


@dataclass(frozen=True)
class World:
    """``ours`` is the workspace of "owner", ``theirs`` that of "other owner"; ``victim`` is a user to be changed.

    ``group`` is the id of a group that may be changed.
    ``names`` are the usernames of callers.
    """

    server: RunningServer
    callers: dict[str, Any]
    ours: Things
    theirs: Things
    victim: Person
    group: str
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
        name = f"{self.ours.canary}-{word()}"
        admin = self.callers["admin"]
        things = with_metadata(admin, self.ours, name) if kind == "project" else self._made(kind, name)
        rights = self.rights(things)
        if kind in ("model", "pipeline", "deployment", "redeployed"):
            rights.give("model" if kind == "model" else "pipeline")
        if kind in ("seldon", "core model"):
            rights.give(kind)
        if kind.startswith("flow"):
            rights.give("flow", "flow-canary", "flow-shadow")
        if kind == "project":
            rights.give("project")
            rights.put(self.names["owner"], f"project:{things.project}", "MANAGE")
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
        if kind in _MAKERS:
            return _MAKERS[kind](owner, self.ours, name)
        if kind in ("tracked", "deleted experiment"):
            return replace(self.ours, **track(owner, name))
        if kind.startswith("flow"):
            return with_flow(owner, self.ours, name, kind)
        if kind == "job":
            return with_jobs(owner, self.ours, self.data)
        if kind in ("pipeline", "deployment", "redeployed"):
            things = with_pipeline(owner, self.ours, name)
            things = things if kind == "pipeline" else deployed(owner, things)
            return deployed(owner, things, {"engine": {"cpu": 1}}) if kind == "redeployed" else things
        admin = self.callers["admin"]
        return with_robot(admin, self.ours) if kind == "robot" else with_person(admin, self.ours, kind)

    @property
    def data(self) -> str:
        """Where jobs find a file of one row to read, and may write."""
        folder = self.server.data.parent / "roots"
        folder.mkdir(exist_ok=True)
        (folder / "in.jsonl").write_text(f"{json.dumps([ROW[0]['tensor']])}\n")
        return f"file://{folder}"

    def state(self) -> dict[str, Any]:
        """All rows of the database and the sizes of all kept files, but for what changes by itself; once it is calm."""
        assert eventually(self._calm, 60), (
            "a deployment starts or stops, a job runs or a model is made ready without end"
        )
        with self._reading() as read:
            tables = {name for (name,) in read("select name from sqlite_master where type = 'table'")}
            rows = {name: read(f"select * from {name}") for name in tables - _RESTLESS}  # noqa: S608
            rows |= {"done": read(_DONE), "access_tokens": read(_TOKENS)}
        kept = (file for file in (self.server.data / "blobs").rglob("*") if file.is_file())
        return rows | {str(file): file.stat().st_size for file in kept} | {"logged": self._logged()}

    def _logged(self) -> Counter[str]:
        """Rows in the log of each pipeline's stream, wherever they lie by now: segments end and are archived."""
        logged: Counter[str] = Counter()
        with self._reading() as read:
            archived = read("select pipeline_id, stream, rows from log_files")
        for pipeline, stream, rows in archived:
            logged[folder_name(pipeline, Stream(stream))] += rows
        for segment in (self.server.data / "logs").rglob("*.seg"):
            index = Index()
            extend(segment, index)
            logged[segment.parent.name] += index.rows
        return logged

    def _calm(self) -> bool:
        with self._reading() as read:
            moving = read("select id from deployments where state in ('STARTING', 'STOPPING')")
            working = read("select id from jobs where finished_at is null")
            return moving == working == read("select id from preparations") == []

    @contextmanager
    def _reading(self) -> Iterator[Callable[[str], list[Any]]]:
        """Gives the rows of statements: to connect, and to read the schema, takes longer than most of them."""
        with closing(sqlite3.connect(f"file:{self.server.data}/modelyard.db?mode=ro", uri=True)) as database:
            yield lambda statement: database.execute(statement).fetchall()


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
    ours, theirs = settle(callers["owner"]), settle(callers["other owner"])
    for name, role in (("reader", "READER"), ("editor", "COLLABORATOR"), ("denied", "COLLABORATOR")):
        _join(callers["owner"], ours, people[name], role)
    _join(callers["owner"], ours, people["disabled"], "OWNER")
    admin.post("/v1/api/users/deactivate", {"email": people["disabled"].email})
    names = {name: person.email for name, person in people.items()}
    ours = with_groups(admin, ours, names)
    ours, theirs = (with_metadata(admin, things, things.canary) for things in (ours, theirs))
    ours = with_secret(callers["owner"], ours, ours.canary)
    ours = with_registry(callers["owner"], ours, ours.canary)
    theirs = with_registry(callers["other owner"], theirs, theirs.canary)
    Rights(admin, ours, names).give("model", "pipeline", "seldon", "core model", "flow", "experiment", "tracked model")
    for made in ("made-*", "copied"):  # what questions leave behind names our model, so that their order would matter
        Rights(admin, ours, names).put(names["denied"], f"pipeline:{ours.workspace_id}/{made}", "NO_PERMISSIONS")
    Rights(admin, ours, names).give("project")
    Rights(admin, ours, names).put(names["owner"], f"project:{ours.project}", "MANAGE")
    Rights(admin, ours, names).put("user:" + names["tracking manager"], "workspace:mlflow", "MANAGE")
    ours = with_person(admin, ours, "role")
    ours = with_person(admin, ours, "granted person")
    ours = with_robot(admin, ours)
    return World(server, callers, ours, theirs, invite(server, "victim"), _group(admin), names)


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
    body = {"name": f"{scope}-{word()}", "scopes": [scope]}
    return Caller(caller.url, caller.post("/api/v1/tokens", body, 201)["token"])


def _join(owner: Caller, things: Things, person: Person, role: str) -> None:
    body = {"workspace_id": things.workspace_id, "user_id": person.id, "user_type": role}
    owner.post("/v1/api/workspaces/add_user", body)


def _group(admin: Caller) -> str:
    made = admin.call("POST", "/auth/admin/realms/master/groups", json={"name": f"group-{word()}"})
    return made.headers["location"].rpartition("/")[2]


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
