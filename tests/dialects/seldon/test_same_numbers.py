"""One deployment, every protocol and encoding: the same numbers."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
import planned
import pyarrow as pa
import pytest

from dialects.wallaroo import deploying
from modelyard.core.serving.tensors import Array
from running import RunningServer
from wire import Caller, administrator

ROWS = np.random.default_rng(7).normal(size=(5, 29)).round(4)
ARROW = "application/vnd.apache.arrow.file"


@dataclass(frozen=True)
class Deployment:
    """The fraud network, and where it answers: Wallaroo's, Seldon's and MLflow's addresses."""

    caller: Caller
    wallaroo: str
    seldon: str
    mlflow: str

    def post(self, path: str, **request: Any) -> Any:
        answer = self.caller.call("POST", path, **request)
        assert answer.status_code == 200, answer.text
        return answer


@pytest.fixture(scope="module")
def deployment(live_server: RunningServer) -> Deployment:
    caller = administrator(live_server)
    workspace = deploying.workspace(caller)
    namespace = deploying.running(caller, workspace, "ccfraud.onnx")
    seldon = f"{planned.place(caller, workspace)}/fraud"
    mlflow = seldon.replace("/seldon/", "/deployments/")
    return Deployment(caller, deploying.path(namespace), f"{seldon}/api/v1.0/predictions", f"{mlflow}/invocations")


def wallaroo_json(at: Deployment) -> Any:
    rows = at.post(at.wallaroo, json=[{"tensor": row} for row in ROWS.tolist()]).json()
    return [row["out"]["dense_1"] for row in rows]


def wallaroo_arrow(at: Deployment) -> Any:
    table, sink = pa.table({"tensor": pa.array(ROWS.tolist())}), io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as file:
        file.write_table(table)
    sent = {"data": sink.getvalue(), "headers": {"Content-Type": ARROW, "Accept": ARROW}}
    answer = at.post(at.wallaroo, params={"dataset[]": "*", "dataset.separator": "."}, **sent)
    return pa.ipc.open_file(answer.content).read_all()["out.dense_1"].to_pylist()


def seldon(message: dict[str, Any], read: Callable[[Any], Any]) -> Callable[[Deployment], Any]:
    return lambda at: read(at.post(at.seldon, json=message).json()["data"])


def mlflow(body: dict[str, Any]) -> Callable[[Deployment], Any]:
    def predictions(at: Deployment) -> Any:
        found = at.post(at.mlflow, json=body).json()["predictions"]
        return [row["dense_1"] for row in found] if isinstance(found, list) else found["dense_1"]

    return predictions


def mlflow_csv(at: Deployment) -> Any:
    lines = [",".join(f"c{number}" for number in range(29)), *(",".join(map(str, row)) for row in ROWS.tolist())]
    answer = at.post(at.mlflow, data="\n".join(lines), headers={"Content-Type": "text/csv"})
    return [row["dense_1"] for row in answer.json()["predictions"]]


SIZES = {"dim": [{"size": "5"}, {"size": "29"}]}
FLAT = ROWS.ravel().tolist()
COLUMNS = [f"c{number}" for number in range(29)]
WAYS: dict[str, Callable[[Deployment], Any]] = {
    "wallaroo json": wallaroo_json,
    "wallaroo arrow": wallaroo_arrow,
    "seldon ndarray": seldon({"data": {"ndarray": ROWS.tolist()}}, lambda data: data["ndarray"]),
    "seldon tensor": seldon(
        {"data": {"tensor": {"shape": [5, 29], "values": FLAT}}}, lambda data: data["tensor"]["values"]
    ),
    "seldon tftensor": seldon(
        {"data": {"tftensor": {"dtype": "DT_DOUBLE", "tensorShape": SIZES, "doubleVal": FLAT}}},
        lambda data: data["tftensor"]["floatVal"],
    ),
    "seldon jsonData": seldon({"jsonData": {"tensor": ROWS.tolist()}}, lambda data: data["tensor"]["values"]),
    "mlflow split": mlflow({"dataframe_split": {"columns": COLUMNS, "data": ROWS.tolist()}}),
    "mlflow records": mlflow({"dataframe_records": [dict(zip(COLUMNS, row, strict=True)) for row in ROWS.tolist()]}),
    "mlflow instances": mlflow({"instances": ROWS.tolist()}),
    "mlflow instances by name": mlflow({"instances": [{"tensor": row} for row in ROWS.tolist()]}),
    "mlflow inputs": mlflow({"inputs": ROWS.tolist()}),
    "mlflow inputs by name": mlflow({"inputs": {"tensor": ROWS.tolist()}}),
    "mlflow csv": mlflow_csv,
}


@pytest.mark.parametrize("way", WAYS)
def test_the_same_deployment_gives_the_same_numbers(deployment: Deployment, way: str) -> None:
    session = onnxruntime.InferenceSession(deploying.MODELS / "ccfraud.onnx")
    wanted: Array = session.run(None, {"tensor": ROWS.astype(np.float32)})[0].ravel()
    found = np.array(WAYS[way](deployment), dtype=np.float32).ravel()
    assert json.dumps(found.tolist()) == json.dumps(wanted.tolist())  # to the last digit
