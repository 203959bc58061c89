"""Inference and its log by plain HTTP: formats, datasets, refusals."""

import io
import json
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import deploying
import numpy as np
import onnxruntime
import pyarrow as pa
import pytest
import requests

from running import RunningServer
from wire import Caller, administrator, invite, sign_in

DATA = deploying.MODELS.parent / "data"
ROWS: list[dict[str, Any]] = json.loads((DATA / "ccfraud_smoke.df.json").read_text())
ARROW = "application/vnd.apache.arrow.file"
FLAT = {"dataset[]": "*", "dataset.exclude[]": "metadata", "dataset.separator": "."}


class Deployed:
    """A running deployment of the fraud network, and its owner."""

    def __init__(self, server: RunningServer, *files: str) -> None:
        person = invite(server, "infer")
        self.caller = sign_in(server, person.email, person.password)
        self.workspace = deploying.workspace(self.caller)
        self.namespace = deploying.running(self.caller, self.workspace, *files)
        self.path = deploying.path(self.namespace)

    def infer(self, status: int = 200, path: str | None = None, **request: Any) -> requests.Response:
        answer = self.caller.call("POST", path or self.path, **request)
        assert answer.status_code == status, answer.text
        return answer

    def refused(self, status: int = 400, **request: Any) -> str:
        body = self.infer(status, **request).json()
        assert body["code"] == status
        assert body["status"] == "error"
        assert body["error"] == body["msg"]
        return str(body["error"])


@pytest.fixture(scope="module")
def fraud(live_server: RunningServer) -> Deployed:
    return Deployed(live_server, "ccfraud.onnx")


def expected(rows: list[dict[str, Any]]) -> list[float]:
    session = onnxruntime.InferenceSession(deploying.MODELS / "ccfraud.onnx")
    tensor = np.array([row["tensor"] for row in rows], dtype=np.float32)
    answer: list[float] = session.run(None, {"tensor": tensor})[0][:, 0].tolist()
    return answer


def arrow(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as file:
        file.write_table(table)
    return sink.getvalue()


def table(**columns: Any) -> bytes:
    return arrow(pa.table(columns))


def test_records_answer_nested_with_metadata_unless_asked_otherwise(fraud: Deployed) -> None:
    (row,) = fraud.infer(json=ROWS[:1]).json()
    assert set(row) == {"time", "in", "out", "anomaly", "metadata"}
    assert row["out"]["dense_1"] == pytest.approx(expected(ROWS[:1]), rel=1e-5)
    assert row["in"]["tensor"] == pytest.approx(ROWS[0]["tensor"], rel=1e-6)
    assert row["anomaly"] == {"count": 0}
    assert json.loads(row["metadata"]["last_model"])["model_name"] == "ccfraud"
    assert abs(row["time"] - time.time() * 1000) < 60_000


def test_all_formats_give_the_same_numbers(fraud: Deployed) -> None:
    body = table(tensor=pa.array([row["tensor"] for row in ROWS], pa.list_(pa.float32())))
    sent = [
        fraud.infer(params=FLAT, json=ROWS),
        fraud.infer(params=FLAT, json={"tensor": [row["tensor"] for row in ROWS]}),
        fraud.infer(params=FLAT, data=body, headers={"Content-Type": ARROW}),
        fraud.infer(params=FLAT, json=ROWS, headers={"Accept": "application/json; format=wallaroo"}),
    ]
    for answer in sent:
        assert [row["out.dense_1"][0] for row in answer.json()] == pytest.approx(expected(ROWS), rel=1e-5)
    columns = fraud.infer(params=FLAT, json=ROWS, headers={"Accept": ARROW})
    found = pa.ipc.open_file(columns.content).read_all()
    assert found.column_names == ["time", "in.tensor", "out.dense_1", "anomaly.count"]
    assert [value[0] for value in found["out.dense_1"].to_pylist()] == pytest.approx(expected(ROWS), rel=1e-5)


def test_a_large_arrow_batch_is_right_to_the_last_row(fraud: Deployed) -> None:
    tensor = np.random.default_rng(1).normal(size=(10_000, 29)).astype(np.float32)
    body = table(tensor=pa.FixedSizeListArray.from_arrays(pa.array(tensor.ravel()), 29))
    answer = fraud.infer(params=FLAT, data=body, headers={"Content-Type": ARROW, "Accept": ARROW})
    found = pa.ipc.open_file(answer.content).read_all()["out.dense_1"].combine_chunks().flatten().to_numpy()
    session = onnxruntime.InferenceSession(deploying.MODELS / "ccfraud.onnx")
    np.testing.assert_allclose(found, session.run(None, {"tensor": tensor})[0][:, 0], rtol=1e-5, atol=1e-7)


def test_steps_run_one_after_another(live_server: RunningServer) -> None:
    chain = Deployed(live_server, "ccfraud.onnx", "fraud_threshold.onnx")
    rows = chain.infer(params=FLAT, json=ROWS).json()
    assert [row["out.probability"][0] for row in rows] == pytest.approx(expected(ROWS), rel=1e-5)
    assert [row["out.fraud"][0] for row in rows] == [int(value > 0.5) for value in expected(ROWS)]
    assert len(chain.infer(json=ROWS[:1]).json()[0]["metadata"]["elapsed"]) == 3


def test_columns_that_no_model_takes_pass_through(fraud: Deployed) -> None:
    (row,) = fraud.infer(params=FLAT, json=[ROWS[0] | {"customer": "Zoë", "tags": [1, "two", None]}]).json()
    assert row["in.customer"] == "Zoë"
    assert row["in.tags"] == [1, "two", None]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], ["no rows"]),
        ({}, ["array of records"]),
        ("text", ["array of records"]),
        ([1, 2], ["array of records"]),
        ([{"tensor": [0.1] * 28}], ["'tensor'", "float32 [rows, 29]", "[1, 28]"]),
        ([{"tensor": ["a"] * 29}], ["'tensor'", "float32", "string"]),
        ([{"tensor": [None] * 29}], ["'tensor'", "null"]),
        ([{"tensor": [True] * 29}], ["'tensor'", "bool"]),
        ([{"tensor": 1.0}], ["'tensor'", "[1]"]),
        ([{"tensor": [0.1] * 29}, {"tensor": [0.1] * 3}], ["'tensor'", "different lengths"]),
        ([{"tensor": [0.1] * 29}, {"other": 1}], ["row 1", "'other'"]),
        ([{"features": [0.1] * 29}], ["'tensor' is missing", "'features'", "tensor_fields"]),
    ],
)
def test_bad_rows_are_refused_by_name_type_and_shape(fraud: Deployed, body: Any, words: list[str]) -> None:
    message = fraud.refused(json=body)
    for word in words:
        assert word in message


@pytest.mark.parametrize("body", [b"", b"{", b"[{]", b'[{"tensor": NaN}]', b"\xff\xfe", b"[" * 100_000])
def test_malformed_json_is_refused(fraud: Deployed, body: bytes) -> None:
    assert "JSON" in fraud.refused(data=body, headers={"Content-Type": "application/json"})


def bad_tables() -> Iterator[tuple[bytes, list[str]]]:
    good = table(tensor=pa.array([[0.1] * 29]))
    yield b"", ["Arrow IPC file"]
    yield b"ARROW1\0\0 garbage", ["Arrow IPC file"]
    yield good[: len(good) // 2], ["Arrow IPC file"]
    yield table(tensor=pa.array([], pa.list_(pa.float32()))), ["no rows"]
    yield table(tensor=pa.array([["x"] * 29])), ["'tensor'", "float32"]
    yield table(tensor=pa.array([[0.1] * 28])), ["'tensor'", "[1, 28]"]
    yield table(tensor=pa.array([[0.1] * 29, [0.1]])), ["'tensor'", "different lengths"]
    yield table(tensor=pa.array([[0.1] * 28 + [None]])), ["'tensor'", "null"]
    yield table(tensor=pa.array([[0.1] * 28 + [float("nan")]])), ["'tensor'", "NaN"]
    yield table(other=pa.array([[0.1] * 29])), ["'tensor' is missing", "'other'"]
    yield table(tensor=pa.array([0.1])), ["'tensor'", "[1]"]


@pytest.mark.parametrize(("body", "words"), list(bad_tables()))
def test_bad_arrow_is_refused_by_name_type_and_shape(fraud: Deployed, body: bytes, words: list[str]) -> None:
    message = fraud.refused(data=body, headers={"Content-Type": ARROW})
    for word in words:
        assert word in message


def test_who_asks_is_decided_before_anything_is_read(live_server: RunningServer, fraud: Deployed) -> None:
    for token in (None, "garbage", "a.b.c"):
        answer = Caller(live_server.url, token).call("POST", fraud.path, data=b"not json")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["code"] == 401


def test_foreign_unknown_and_stopped_deployments_look_alike(live_server: RunningServer, fraud: Deployed) -> None:
    person = invite(live_server, "stranger")
    stranger = sign_in(live_server, person.email, person.password)
    gone = Deployed(live_server, "house_price.onnx")
    gone.caller.post("/v1/api/pipelines/undeploy", {"deployment_id": int(gone.namespace.rpartition("-")[2])})
    deploying.wait(gone.caller, gone.namespace, "gone")
    answers = [
        stranger.call("POST", path, json=ROWS).json() | {"msg": "", "error": ""}
        for path in (fraud.path, "/v1/api/pipelines/infer/nothing-1/nothing", gone.path)
    ]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["code"] == 404
    assert gone.refused(404, json=ROWS).startswith("deployment")
    assert fraud.refused(404, path=f"{fraud.path}-other", json=ROWS)


def test_a_client_by_itself_may_infer_and_nothing_else(live_server: RunningServer, fraud: Deployed) -> None:
    form = {"grant_type": "client_credentials", "client_id": "api-client", "client_secret": live_server.client_secret}
    token = Caller(live_server.url).call("POST", "/auth/realms/master/protocol/openid-connect/token", data=form)
    service = Caller(live_server.url, token.json()["access_token"])
    assert service.call("POST", fraud.path, json=ROWS).status_code == 200
    assert service.post("/v1/api/workspaces/list", {}) == {"workspaces": []}
    service.post("/v1/api/workspaces/create", {"workspace_name": "mine"}, 403)


def test_a_body_over_the_limit_is_refused_before_it_is_sent(live_server: RunningServer, fraud: Deployed) -> None:
    head = (
        f"POST {fraud.path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {fraud.caller.token}\r\n"
        f"content-type: application/json\r\ncontent-length: {2 * 2**30}\r\n\r\n"
    )
    with socket.create_connection((urlsplit(live_server.url).hostname, urlsplit(live_server.url).port), 10) as raw:
        raw.sendall(head.encode())
        assert raw.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_chunked_body_over_the_limit_is_refused_on_the_way(fraud: Deployed) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(200):
            yield b" " * 2**20

    try:
        answer = fraud.caller.call("POST", fraud.path, data=endless())
    except requests.ConnectionError:
        return  # the server answered and closed while the client was still sending
    assert answer.status_code == 413


def test_other_methods_are_refused(fraud: Deployed) -> None:
    assert fraud.caller.call("GET", fraud.path).status_code == 400


def test_rows_are_in_the_log_at_once_in_both_orders(live_server: RunningServer) -> None:
    own = Deployed(live_server, "ccfraud.onnx")
    for row in ROWS:
        own.infer(json=[row])
    own.infer(json=ROWS)
    wanted = expected(ROWS) * 2
    for order, values in (("asc", wanted), ("desc", wanted[::-1])):
        assert pages(own, order, size=5) == pytest.approx(values, rel=1e-5)


def pages(own: Deployed, order: str, size: int) -> list[float]:
    body: dict[str, Any] = {"pipeline_name": "fraud", "workspace_id": own.workspace, "order": order, "page_size": size}
    values: list[float] = []
    while True:
        answer = own.caller.call("POST", "/v1/api/pipelines/get_logs", json=body)
        rows = answer.json()
        assert len(rows) <= size
        values += [row["out"]["dense_1"][0] for row in rows]
        cursor = answer.headers.get("x-iteration-cursor")
        assert (cursor is None) == (answer.headers["x-iteration-status"] == "All")
        if cursor is None:
            return values
        body["cursor"] = cursor


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"cursor": "?"}, "cursor"),
        ({"start_time": "2026-01-01T00:00:00Z"}, "together"),
        ({"order": "sideways"}, "order"),
        ({"page_size": 0}, "page_size"),
        ({"pipeline_name": "other"}, "not found"),
    ],
)
def test_bad_questions_to_the_log_are_refused(fraud: Deployed, change: dict[str, Any], word: str) -> None:
    body = {"pipeline_name": "fraud", "workspace_id": fraud.workspace} | change
    answer = fraud.caller.call("POST", "/v1/api/pipelines/get_logs", json=body)
    assert answer.status_code in (400, 404)
    assert word in answer.json()["msg"]


def test_administrators_see_every_log_and_strangers_none(live_server: RunningServer, fraud: Deployed) -> None:
    topic = f"/v1/logs/topic/workspace-{fraud.workspace}-pipeline-fraud-inference"
    assert administrator(live_server).call("GET", topic).status_code == 200
    person = invite(live_server, "stranger")
    stranger = sign_in(live_server, person.email, person.password)
    assert stranger.call("GET", topic).status_code == 404
    assert stranger.call("POST", f"{topic}/records", json={}).status_code == 404
