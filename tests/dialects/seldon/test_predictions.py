"""Seldon's protocol of inference by plain HTTP: encodings, metadata of a reply, graphs, refusals, the log."""

import json
import re
import time
from collections import Counter
from typing import Any

import numpy as np
import onnxruntime
import planned
import pytest
import requests

from dialects.wallaroo import deploying
from modelyard.core.serving.graph.plan import branch, by_model, by_value, by_weight, chain, model, plan, target
from running import RunningServer, StartServer
from wire import Caller, administrator, invite, sign_in

ROWS = [[0.01 * (row + column) for column in range(29)] for row in range(3)]
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Deployed:
    """The fraud network as a Wallaroo pipeline, and its owner."""

    def __init__(self, server: RunningServer, *files: str) -> None:
        person = invite(server, "seldon")
        self.caller = sign_in(server, person.email, person.password)
        self.workspace = deploying.workspace(self.caller)
        self.namespace = deploying.running(self.caller, self.workspace, *files)
        self.path = f"{planned.place(self.caller, self.workspace)}/fraud"

    def predict(self, message: Any = None, status: int = 200, path: str | None = None, **request: Any) -> Any:
        return self.answer(message, status, path, **request).json()

    def answer(
        self, message: Any = None, status: int = 200, path: str | None = None, **request: Any
    ) -> requests.Response:
        sent = request if message is None else request | {"json": message}
        answer = self.caller.call("POST", f"{path or self.path}/api/v1.0/predictions", **sent)
        assert answer.status_code == status, answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"
        return answer


@pytest.fixture(scope="module")
def fraud(live_server: RunningServer) -> Deployed:
    return Deployed(live_server, "ccfraud.onnx")


@pytest.fixture(scope="module")
def root(live_server: RunningServer) -> tuple[Caller, int]:
    """The administrator, and a workspace of theirs for deployments of plans."""
    caller = administrator(live_server)
    return caller, deploying.workspace(caller)


def run(file: str, rows: Any) -> Any:
    session = onnxruntime.InferenceSession(deploying.MODELS / file)
    tensor = np.array(rows, dtype=np.float32)
    return session.run(None, {session.get_inputs()[0].name: tensor})[0]


def tensor(rows: list[list[float]]) -> dict[str, Any]:
    return {"data": {"tensor": {"shape": [len(rows), 29], "values": np.ravel(rows).tolist()}}}


def test_the_reply_has_the_encoding_and_the_numbers(fraud: Deployed) -> None:
    wanted = run("ccfraud.onnx", ROWS)
    found = fraud.predict({"data": {"names": [], "ndarray": ROWS}})["data"]
    assert found["names"] == ["t:0"]
    np.testing.assert_allclose(found["ndarray"], wanted, rtol=1e-6)
    found = fraud.predict(tensor(ROWS))["data"]["tensor"]
    assert found["shape"] == [3, 1]
    np.testing.assert_allclose(found["values"], wanted.ravel(), rtol=1e-6)
    proto = {
        "dtype": "DT_DOUBLE",
        "tensorShape": {"dim": [{"size": "3"}, {"size": "29"}]},
        "doubleVal": np.ravel(ROWS).tolist(),
    }
    found = fraud.predict({"data": {"tftensor": proto}})["data"]["tftensor"]
    assert found["tensorShape"] == {"dim": [{"size": "3"}, {"size": "1"}]}
    np.testing.assert_allclose(found["floatVal"], wanted.ravel(), rtol=1e-6)
    found = fraud.predict({"jsonData": [{"tensor": row} for row in ROWS]})["data"]["tensor"]
    np.testing.assert_allclose(found["values"], wanted.ravel(), rtol=1e-6)


def test_the_older_name_and_forms_answer_alike(fraud: Deployed) -> None:
    message = {"data": {"ndarray": ROWS}}
    wanted = fraud.predict(message)["data"]
    old = fraud.caller.call("POST", f"{fraud.path}/api/v0.1/predictions", json=message)
    assert old.json()["data"] == wanted
    text = json.dumps(message)
    assert fraud.predict(data={"json": text})["data"] == wanted
    assert fraud.predict(params={"json": text})["data"] == wanted
    assert fraud.predict(files={"data": (None, json.dumps(message["data"]))})["data"] == wanted


def test_a_reply_tells_which_request_it_answers_and_who_answered(fraud: Deployed) -> None:
    meta = fraud.predict(tensor(ROWS) | {"meta": {"puid": "p-1", "tags": {"who": ["me", 1]}}})["meta"]
    version = meta["requestPath"].pop("ccfraud")
    assert UUID.fullmatch(version.removeprefix("ccfraud:"))
    assert meta == {"puid": "p-1", "tags": {"who": ["me", 1]}, "routing": {}, "requestPath": {}, "metrics": []}


def test_the_id_of_a_request_comes_from_the_body_the_header_or_is_new(fraud: Deployed) -> None:
    header = {"Seldon-Puid": "from-header"}
    answers = [
        fraud.answer(tensor(ROWS) | {"meta": {"puid": "from-body"}}, headers=header),
        fraud.answer(tensor(ROWS), headers=header),
        fraud.answer(tensor(ROWS)),
    ]
    ids = [answer.json()["meta"]["puid"] for answer in answers]
    assert ids == [answer.headers["seldon-puid"] for answer in answers]
    assert ids[:2] == ["from-body", "from-header"]
    assert UUID.fullmatch(ids[2])


@pytest.mark.parametrize("puid", ["a b", "a\r\nset-cookie: x=1", "ü", "x" * 201])
def test_an_id_that_cannot_stand_in_a_header_is_refused(fraud: Deployed, puid: str) -> None:
    answer = fraud.answer(tensor(ROWS) | {"meta": {"puid": puid}}, 400)
    assert "puid must be" in answer.json()["status"]["info"]
    assert "set-cookie" not in answer.headers


def test_an_event_is_answered_by_an_event(fraud: Deployed) -> None:
    event = {"ce-specversion": "1.0", "ce-id": "e1", "ce-source": "test", "ce-type": "t"}
    headers = fraud.answer(tensor(ROWS) | {"meta": {"puid": "p2"}}, headers=event).headers
    assert (headers["ce-specversion"], headers["ce-id"]) == ("1.0", "p2")
    assert headers["ce-type"] == "io.seldon.serving.inference.response"
    assert headers["ce-source"] == "seldon." + fraud.path.removeprefix("/seldon/").replace("/", ".")
    assert "ce-id" not in fraud.answer(tensor(ROWS)).headers


def test_a_refusal_names_the_node_and_the_request(fraud: Deployed) -> None:
    body = fraud.predict({"data": {"ndarray": [[1.0] * 28]}, "meta": {"puid": "p3"}}, 400)
    info = body["status"].pop("info")
    assert body == {
        "status": {"code": 400, "reason": "MICROSERVICE_BAD_DATA", "status": "FAILURE"},
        "meta": {"puid": "p3"},
    }
    for word in ("node 'ccfraud'", "float32 [rows, 29]", "float64 [1, 28]", "(request p3)"):
        assert word in info


@pytest.mark.parametrize("body", [b"", b"{", b'{"data": {"ndarray": ' + b"[" * 100_000, b"\xff", b"[]", b"null"])
def test_bodies_that_are_no_message_are_refused(fraud: Deployed, body: bytes) -> None:
    found = fraud.predict(data=body, headers={"Content-Type": "application/json"}, status=400)
    assert found["status"]["status"] == "FAILURE"


@pytest.mark.parametrize("token", [None, "garbage"])
def test_who_asks_is_decided_before_anything_is_read(fraud: Deployed, token: str | None) -> None:
    answer = Caller(fraud.caller.url, token).call("POST", f"{fraud.path}/api/v1.0/predictions", data=b"not json")
    assert answer.status_code == 401
    assert answer.json()["status"]["code"] == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_other_methods_and_addresses_are_refused(fraud: Deployed) -> None:
    assert fraud.caller.call("GET", f"{fraud.path}/api/v1.0/predictions").status_code == 400
    assert fraud.predict(tensor(ROWS), 404, f"{fraud.path}-other")["status"]["info"].startswith("deployment ")
    assert fraud.caller.call("POST", f"{fraud.path}/api/v2.0/predictions", json={}).status_code == 404


def test_metadata_tells_what_the_deployment_takes_and_gives(fraud: Deployed) -> None:
    found = fraud.caller.call("GET", f"{fraud.path}/api/v1.0/metadata").json()
    takes = [{"messagetype": "tensor", "schema": {"names": ["tensor"], "shape": [29]}, "datatype": "float32"}]
    gives = [{"messagetype": "tensor", "schema": {"names": ["dense_1"], "shape": [1]}, "datatype": "float32"}]
    assert (found["name"], found["graphinputs"], found["graphoutputs"]) == ("fraud", takes, gives)
    assert list(found["models"]) == ["ccfraud"]
    assert (found["models"]["ccfraud"]["inputs"], found["models"]["ccfraud"]["outputs"]) == (takes, gives)
    one = fraud.caller.call("GET", f"{fraud.path}/api/v1.0/metadata/ccfraud").json()
    assert one == found["models"]["ccfraud"]
    missing = fraud.caller.call("GET", f"{fraud.path}/api/v1.0/metadata/nobody")
    assert missing.status_code == 404
    assert "nobody" in missing.json()["status"]["info"]


@pytest.mark.parametrize("path", ["status", "status/ccfraud", "health/status"])
def test_a_loaded_deployment_is_well(fraud: Deployed, path: str) -> None:
    answer = fraud.caller.call("GET", f"{fraud.path}/api/v1.0/{path}", headers={"Seldon-Puid": "p4"})
    assert answer.json()["status"]["status"] == "SUCCESS"
    assert answer.json()["meta"] == {"puid": "p4"}
    assert fraud.caller.call("GET", f"{fraud.path}-no/api/v1.0/{path}").status_code == 404
    assert fraud.caller.call("GET", f"{fraud.path}/api/v1.0/status/nobody").status_code == 404


def test_the_document_names_the_deployments_own_addresses(fraud: Deployed) -> None:
    found = fraud.caller.call("GET", f"{fraud.path}/api/v1.0/doc/").json()
    assert found["openapi"] == "3.1.0"
    assert f"{fraud.path}/api/v1.0/predictions" in found["paths"]


def test_rows_are_in_the_log_of_the_pipeline(live_server: RunningServer) -> None:
    own = Deployed(live_server, "ccfraud.onnx")
    own.predict(tensor(ROWS))
    own.predict(tensor(ROWS), headers={"Seldon-Skip-Logging": "true"})  # no setting allows it here
    assert len(logged(own)) == 6
    np.testing.assert_allclose(logged(own)[:3], run("ccfraud.onnx", ROWS), rtol=1e-5)


def test_requests_stay_out_of_the_log_where_a_setting_lets_them(start_server: StartServer) -> None:
    own = Deployed(start_server(skip_logging="true"), "ccfraud.onnx")
    own.predict(tensor(ROWS), headers={"Seldon-Skip-Logging": "true"})
    assert logged(own) == []
    own.predict(tensor(ROWS))
    assert len(logged(own)) == 3


def logged(own: Deployed) -> list[Any]:
    body = {"pipeline_name": "fraud", "workspace_id": own.workspace, "order": "asc"}
    answer = own.caller.call("POST", "/v1/api/pipelines/get_logs", json=body)
    assert answer.status_code == 200, answer.text
    return [row["out"]["dense_1"] for row in answer.json() or []]


def predictor(live_server: RunningServer, root: tuple[Caller, int], name: str, served: Any, *files: str) -> Any:
    caller, workspace = root
    path = planned.deployed(live_server, caller, workspace, served, *files, name=name)

    def predict(rows: Any = ROWS, status: int = 200, **data: Any) -> Any:
        answer = caller.call("POST", f"{path}/api/v1.0/predictions", json={"data": {"ndarray": rows, **data}})
        assert answer.status_code == status, answer.text
        return answer.json()

    return predict


def test_chains_and_averages_give_the_numbers_of_their_models(live_server: RunningServer, root: Any) -> None:
    both = branch("mean", [model("one", 0), model("two", 1)], combine="average")
    predict = predictor(live_server, root, "mean", plan(both), "ccfraud.onnx", "ccfraud_v2.onnx")
    mean = (run("ccfraud.onnx", ROWS).astype(np.float64) + run("ccfraud_v2.onnx", ROWS)) / 2
    found = predict()
    np.testing.assert_allclose(found["data"]["ndarray"], mean, rtol=1e-5)
    assert set(found["meta"]["requestPath"]) == {"one", "two"}
    steps = chain([model("score", 0), model("threshold", 1)])
    found = predictor(live_server, root, "steps", plan(steps), "ccfraud.onnx", "fraud_threshold.onnx")()
    assert found["data"]["names"] == ["fraud", "probability"]
    np.testing.assert_allclose([row[1] for row in found["data"]["ndarray"]], run("ccfraud.onnx", ROWS)[:, 0], rtol=1e-5)


def test_shares_are_exact_and_the_reply_tells_the_way(live_server: RunningServer, root: Any) -> None:
    split = branch("ab", [model("one", 0), model("two", 1)], by_weight([30, 70]))
    predict = predictor(live_server, root, "ab", plan(split), "ccfraud.onnx", "ccfraud_v2.onnx")
    wanted = [run(file, ROWS[:1]) for file in ("ccfraud.onnx", "ccfraud_v2.onnx")]
    seen = Counter[int]()
    for _ in range(200):
        found = predict(ROWS[:1])
        way = found["meta"]["routing"]["ab"]
        seen[way] += 1
        np.testing.assert_allclose(found["data"]["ndarray"], wanted[way], rtol=1e-5)
        assert list(found["meta"]["requestPath"]) == ["one" if way == 0 else "two"]
    assert 30 <= seen[0] <= 95  # binomial(200, 0.3): five standard deviations around 60


def test_a_predictor_without_weight_never_answers(live_server: RunningServer, root: Any) -> None:
    targets = [target("main", 100, model("one", 0)), target("canary", 0, model("two", 1))]
    served = {"targets": targets, "shadow": None}
    predict = predictor(live_server, root, "canary", served, "ccfraud.onnx", "ccfraud_v2.onnx")
    assert {tuple(predict(ROWS[:1])["meta"]["requestPath"]) for _ in range(60)} == {("one",)}


def test_a_router_that_chooses_a_branch_that_is_not_there_is_named(live_server: RunningServer, root: Any) -> None:
    # the threshold model answers 0 or 1: of one branch, place 1 is out of range
    routed = branch("router", [model("one", 1)], by_model(0))
    predict = predictor(live_server, root, "routed", plan(routed), "fraud_threshold.onnx", "fraud_threshold.onnx")
    found = predict([[0.1]])
    assert found["meta"]["routing"] == {"router": 0}
    assert set(found["meta"]["requestPath"]) == {"router", "one"}
    info = predict([[0.9]], 400)["status"]["info"]
    assert "node 'router' chose branch 1" in info


def test_rows_may_go_different_ways_by_a_named_column(live_server: RunningServer, root: Any) -> None:
    keyed = branch("keyed", [model("one", 0), model("two", 1)], by_value("kind", ["special"]))
    predict = predictor(live_server, root, "keyed", plan(keyed), "fraud_threshold.onnx", "fraud_threshold.onnx")
    found = predict([[0.9, "usual"], [0.2, "special"]], names=["dense_1", "kind"])
    assert found["meta"]["routing"] == {"keyed": [0, 1]}
    np.testing.assert_allclose([row[1] for row in found["data"]["ndarray"]], [0.9, 0.2], rtol=1e-6)
    assert "'kind' is missing" in predict([[0.9]], 400)["status"]["info"]


def test_text_that_no_model_takes_is_refused_at_once(fraud: Deployed) -> None:
    began = time.monotonic()
    info = fraud.predict({"strData": "x" * 100_000}, 400)["status"]["info"]
    assert "takes tensor: float32 [any, 29]" in info
    assert time.monotonic() - began < 5
