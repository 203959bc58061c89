"""Wrong types, huge bodies, and ids of nobody or of others, on the routes of versions, logs, replays and retention."""

import json
import random
from pathlib import Path
from typing import Any

import psutil
import pytest

from dialects.wallaroo import deploying
from modelyard.engines.sandbox import Level, available_level
from running import RunningServer
from wire import Caller, administrator, invite, sign_in

_ODD: list[Any] = [
    *(None, True, -1, 0, 2**63, 1e308, "", "\0", "\ud800", "x" * 100_000, "../..", "%2e%2e", "'; DROP TABLE model; --"),
    *([], {}, [[]], [None] * 1000, {"a": {"b": {}}}, "2026-01-01T00:00:00Z", "9999-99-99", "0001-01-01T00:00:00+23:59"),
]
_FIELDS = {
    "/api/v1/logs/search": (
        "workspace",
        "pipelines",
        "start",
        "end",
        "request_id",
        "columns",
        "where",
        "limit",
        "cursor",
    ),
    "/api/v1/logs/sql": ("sql", "workspace", "start", "end", "request_id"),
    "/api/v1/logs/export": ("sql", "format", "columns", "where", "limit", "cursor", "workspace"),
    "/api/v1/deployments/{workspace}/{pipeline}/replay": ("version", "start", "end", "limit", "model"),
}
_STATEMENTS = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "COPY logs TO '/tmp/stolen'",
    "ATTACH '/tmp/x.db'",
    "INSTALL httpfs; LOAD httpfs",
    "SELECT * FROM glob('/**')",
    "SELECT getenv('HOME')",
    "SET enable_external_access = true",
    "PRAGMA database_list",
    "SELECT * FROM duckdb_settings()",
    "SELECT repeat('x', 10000000000)",
    "SELECT " + "(" * 5000 + "1" + ")" * 5000,
    "SELECT 1; SELECT 2",
    "\0",
]


@pytest.fixture(scope="module")
def caller(live_server: RunningServer) -> Caller:
    return administrator(live_server)


@pytest.fixture(scope="module")
def stranger(live_server: RunningServer) -> Caller:
    person = invite(live_server, "odd")
    return sign_in(live_server, person.email, person.password)


@pytest.fixture(scope="module")
def namespace(caller: Caller) -> str:
    found = deploying.running(caller, deploying.workspace(caller), "ccfraud.onnx")
    caller.post(deploying.path(found), [{"tensor": [0.1] * 29}])
    return found


@pytest.mark.parametrize("path", _FIELDS)
def test_whatever_comes_is_refused_and_never_a_failure_of_the_server(caller: Caller, namespace: str, path: str) -> None:
    place = path.format(workspace=1, pipeline=namespace.rpartition("-")[0])
    draw = random.Random(path)  # noqa: S311  # the same odd things each time
    bodies = [dict.fromkeys([field], value) for field in _FIELDS[path] for value in _ODD]
    bodies += [{field: draw.choice(_ODD) for field in _FIELDS[path]} for _ in range(20)]
    for body in bodies:
        answer = caller.call("POST", place, data=json.dumps(body), headers={"Content-Type": "application/json"})
        assert answer.status_code < 500 or answer.status_code == 504, (body, answer.text[:300])


@pytest.mark.parametrize("path", _FIELDS)
@pytest.mark.parametrize("body", [b"[", b"\xff", b"[" * 100_000, b'{"a":' * 50_000, b"1e999", b" " * (65 * 2**20)])
def test_what_is_no_body_is_refused(caller: Caller, path: str, body: bytes) -> None:
    place = path.format(workspace=1, pipeline="fraud")
    answer = caller.call("POST", place, data=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text[:300]


@pytest.mark.parametrize("sql", _STATEMENTS)
def test_no_statement_leaves_the_logs(caller: Caller, namespace: str, sql: str) -> None:
    answer = caller.call("POST", "/api/v1/logs/sql", json={"sql": sql})
    assert answer.status_code in (200, 400, 413, 422, 504), answer.text[:300]
    for secret in ("root:", "/tmp", "modelyard.db"):  # noqa: S108
        assert secret not in answer.text.replace(sql, "")


_PATHS = [
    ("GET", "/api/v1/models/{workspace}/{name}/versions/{version}"),
    ("GET", "/api/v1/deployments/{workspace}/{name}/replay"),
    ("GET", "/api/v1/deployments/{workspace}/{name}/replay/{version}"),
    ("DELETE", "/api/v1/deployments/{workspace}/{name}/replay/{version}"),
    ("GET", "/api/v1/workspaces/{workspace}/log-retention"),
]
_IDS = [
    "0",
    "-1",
    "99999999999999999999",
    "1",
    "x",
    "%00",
    "..%2f..",
    "%252e",
    "1e9",
    "a" * 3000,
    "%F0%9F%92%A3",
    "'--",
]


@pytest.mark.parametrize(("method", "path"), _PATHS)
def test_ids_of_nobody_and_of_others_are_not_found(
    caller: Caller, stranger: Caller, namespace: str, method: str, path: str
) -> None:
    for one in _IDS:
        for place in (
            path.format(workspace=one, name="n", version="latest"),
            path.format(workspace=1, name=one, version=one),
        ):
            for who in (caller, stranger):
                answer = who.call(method, place)
                assert answer.status_code < 500, (place, answer.text)
                assert who is caller or answer.status_code in (400, 403, 404, 405), (place, answer.text)


def test_a_stranger_sees_nothing_of_the_logs(stranger: Caller, namespace: str) -> None:
    for path, body in (("search", {}), ("sql", {"sql": "SELECT * FROM logs"})):
        answer = stranger.call("POST", f"/api/v1/logs/{path}", json=body)
        assert answer.status_code in (403, 404) or answer.json()["rows"] == [], answer.text
    answer = stranger.call("POST", "/api/v1/logs/search", json={"pipelines": [namespace.rpartition("-")[0]]})
    assert answer.status_code in (400, 403, 404) or answer.json()["rows"] == [], answer.text


@pytest.mark.skipif(available_level() < Level.RESTRICTED, reason="this machine cannot lock processes in")
def test_the_process_that_searches_is_locked_in(live_server: RunningServer, caller: Caller, namespace: str) -> None:
    caller.post("/api/v1/logs/sql", {"sql": "SELECT count(*) AS n FROM logs"})
    (*_, searching) = [each for each in live_server.processes() if "modelyard.log_search.child" in _command(each)]
    status = Path(f"/proc/{searching.pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
