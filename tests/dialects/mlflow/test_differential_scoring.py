"""Scoring: MLflow's own server and a deployment of ours answer the same requests about the same model alike."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import requests
from onnx import TensorProto, helper
from scoring_stand import Scoring, stock_server

from dialects.wallaroo import deploying
from running import RunningServer
from wire import Caller, Person, invite, sign_in

ROWS = np.random.default_rng(3).normal(size=(4, 29)).round(3).tolist()
NAMES = [f"c{number}" for number in range(29)]
PAIRS = [{"a": 1.5, "b": 2.0}, {"a": -1.0, "b": 4.0}]


class Stand:
    """A deployment of our server, of a model file, and its owner."""

    def __init__(self, server: RunningServer, file: Path) -> None:
        self.person: Person = invite(server, "score")
        self.caller: Caller = sign_in(server, self.person.email, self.person.password)
        workspace = deploying.workspace(self.caller)
        query = {"name": "model", "filename": file.name, "workspace_id": workspace, "visibility": "private"}
        made = self.caller.call("POST", "/v1/api/models/upload_stream", params=query, data=file.read_bytes()).json()
        version = made["insert_models"]["returning"][0]["models"][0]["id"]
        shown = self.caller.post("/v1/api/models/get_version_by_id", {"model_version_id": version})
        info = shown["model_version"]["model_version"]["file_info"]
        model = {"name": "model", "version": info["version"], "sha": info["sha"]}
        namespace = deploying.deploy(self.caller, deploying.pipeline(self.caller, workspace, model))
        deploying.wait(self.caller, namespace, "Running")
        spaces = self.caller.call("GET", "/seldon-deploy/api/v1alpha1/cluster").json()["Namespaces"]
        slug = next(space["name"] for space in spaces if space["uid"] == str(workspace))
        self.path = f"/deployments/{slug}/fraud"


@pytest.fixture(scope="module")
def fraud(live_server: RunningServer) -> Stand:
    return Stand(live_server, deploying.MODELS / "ccfraud.onnx")


@pytest.fixture(scope="module")
def wide(
    fraud: Stand, live_server: RunningServer, mlflow_317_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scoring]:
    """The fraud network: one input of 29 numbers a row."""
    folder = tmp_path_factory.mktemp("wide")
    with stock_server(mlflow_317_python, deploying.MODELS / "ccfraud.onnx", folder) as url:
        yield Scoring(url, live_server.url + fraud.path, (fraud.person.email, fraud.person.password))


@pytest.fixture(scope="module")
def pair(
    live_server: RunningServer, mlflow_317_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scoring]:
    """Two numbers a row, and what they are added and multiplied."""
    folder = tmp_path_factory.mktemp("pair")
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in ("a", "b", "sum", "product")]
    nodes = [helper.make_node("Add", ["a", "b"], ["sum"]), helper.make_node("Mul", ["a", "b"], ["product"])]
    graph = helper.make_graph(nodes, "g", tensors[:2], tensors[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    (folder / "pair.onnx").write_bytes(model.SerializeToString())
    onnx.checker.check_model(model)
    stand = Stand(live_server, folder / "pair.onnx")
    with stock_server(mlflow_317_python, folder / "pair.onnx", folder) as url:
        yield Scoring(url, live_server.url + stand.path, (stand.person.email, stand.person.password))


def same(scoring: Scoring, **request: Any) -> Any:
    theirs, ours = scoring.both(**request)
    assert (theirs.status_code, ours.status_code) == (200, 200), f"{theirs.text}\n{ours.text}"
    assert ours.headers["content-type"] == theirs.headers["content-type"] == "application/json"
    assert shape(ours.json()) == shape(theirs.json())
    np.testing.assert_allclose(numbers(ours.json()), numbers(theirs.json()), rtol=1e-5, atol=1e-7)
    return ours.json()


def shape(value: Any) -> Any:
    """The value without its numbers."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    return [shape(each) for each in value] if isinstance(value, list) else type(value).__name__


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict | list):
        return [number for each in (value.values() if isinstance(value, dict) else value) for number in numbers(each)]
    return [float(value)]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": NAMES, "data": ROWS}},
        {"dataframe_split": {"columns": NAMES, "index": [3, 2, 1, 0], "data": ROWS}},
        {"dataframe_split": {"data": ROWS}},
        {"dataframe_records": [dict(zip(NAMES, row, strict=True)) for row in ROWS]},
        {"instances": ROWS},
        {"instances": [{"tensor": row} for row in ROWS]},
        {"inputs": ROWS},
        {"inputs": {"tensor": ROWS}},
    ],
)
def test_the_only_input_takes_every_format(wide: Scoring, body: Any) -> None:
    assert len(numbers(same(wide, json=body))) == 4
    same(wide, data=json.dumps(body), headers={"Content-Type": "application/json; charset=utf-8"})


def test_the_only_input_takes_csv(wide: Scoring) -> None:
    text = "\n".join([",".join(NAMES), *(",".join(map(str, row)) for row in ROWS)])
    assert len(same(wide, data=text, headers={"Content-Type": "text/csv"})["predictions"]) == 4


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["b", "a"], "data": [[2.0, 1.5], [4.0, -1.0]]}},
        {"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1.5, 2.0, "x"], [-1.0, 4.0, "y"]]}},
        {"dataframe_records": PAIRS},
        {"inputs": {"a": [1.5, -1.0], "b": [2.0, 4.0]}},
        {"instances": PAIRS},
    ],
)
def test_several_inputs_are_found_by_name(pair: Scoring, body: Any) -> None:
    found = same(pair, json=body)["predictions"]
    assert numbers([row["sum"] for row in found] if isinstance(found, list) else found["sum"]) == [3.5, 3.0]


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[1]", "application/json", 400),
        (b"5", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"{}", "application/json", 400),
        (b'{"columns": ["a"], "data": [[1]]}', "application/json", 400),
        (b'{"inputs": [[1]], "instances": [[1]]}', "application/json", 400),
        (b'{"inputs": [[1.0, 2.0]]}', "application/json", 400),
        (b'{"inputs": [["a"]]}', "application/json", 400),
        (b'{"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}', "application/json", 400),
        (b'{"dataframe_split": {"columns": ["a"], "data": [[1]], "extra": 1}}', "application/json", 400),
        (b'{"dataframe_records": []}', "application/json", 400),
        (b"", "text/csv", 400),
        (b"\xff,\xfe\n1,2", "text/csv", 400),
        (b"{}", "text/plain", 415),
        (b"{}", "application/json; charset=latin-1", 415),
        (b"a\n1", "text/csv; header=present", 415),
    ],
)
def test_the_same_requests_are_refused(wide: Scoring, content: bytes, content_type: str, status: int) -> None:
    theirs, ours = wide.both(data=content, headers={"Content-Type": content_type})
    assert (theirs.status_code, ours.status_code) == (status, status), f"{theirs.text[:500]}\n{ours.text}"
    assert ours.json()["error_code"] == "BAD_REQUEST"
    assert ours.json()["message"]


@pytest.mark.parametrize("body", [{"inputs": ROWS, "note": 1}, {"inputs": ROWS, "params": {"k": 1}}])
def test_what_stock_drops_without_a_word_is_refused(wide: Scoring, body: Any) -> None:
    theirs, ours = wide.both(json=body)
    assert (theirs.status_code, ours.status_code) == (200, 400)


def test_it_says_that_it_answers_and_what_it_is(fraud: Stand, wide: Scoring) -> None:
    for path in ("ping", "health"):
        theirs = requests.get(f"{wide.stock}/{path}", timeout=30)
        ours = fraud.caller.call("GET", f"{fraud.path}/{path}")
        assert (ours.status_code, ours.content) == (theirs.status_code, theirs.content) == (200, b"\n")
    assert fraud.caller.call("GET", f"{fraud.path}/version").text == "3.18.0"
    assert fraud.caller.call("GET", f"{fraud.path}-no/ping").status_code == 404


def test_bearer_tokens_and_passwords_open_it_and_nothing_else_does(fraud: Stand, live_server: RunningServer) -> None:
    address, body = f"{fraud.path}/invocations", {"instances": ROWS}
    assert fraud.caller.call("POST", address, json=body).status_code == 200
    for password, status in ((fraud.person.password, 200), ("wrong", 401)):
        answer = requests.post(live_server.url + address, json=body, auth=(fraud.person.email, password), timeout=30)
        assert answer.status_code == status
    nobody = Caller(live_server.url).call("POST", address, json=body)
    assert nobody.status_code == 401
    assert nobody.headers["www-authenticate"].startswith("Basic")
    assert nobody.json()["error_code"] == "UNAUTHENTICATED"
    stranger = invite(live_server, "stranger")
    answer = requests.post(live_server.url + address, json=body, auth=(stranger.email, stranger.password), timeout=30)
    assert answer.status_code == 404
    assert answer.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"


def test_scored_rows_are_in_the_log_of_the_pipeline(live_server: RunningServer) -> None:
    own = Stand(live_server, deploying.MODELS / "ccfraud.onnx")
    own.caller.post(f"{own.path}/invocations", {"instances": ROWS})
    spaces = own.caller.post("/v1/api/workspaces/list", {})["workspaces"]
    home = next(space["id"] for space in spaces if space["pipelines"])
    body = {"pipeline_name": "fraud", "workspace_id": home, "order": "asc"}
    assert len(own.caller.call("POST", "/v1/api/pipelines/get_logs", json=body).json()) == 4
