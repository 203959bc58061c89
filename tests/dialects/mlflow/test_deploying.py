"""A model that was registered through MLflow is deployed and asked through Wallaroo's API."""

import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import convert_model_to_external_data

from running import RunningServer, eventually
from wire import Caller, invite, sign_in

API = "/api/2.0/mlflow"
WEIGHTS = np.arange(6, dtype=np.float32).reshape(3, 2)
MLMODEL = (
    "flavors:\n  onnx:\n    data: model.onnx\n    onnx_version: 1.19.0\n  python_function:\n    loader_module: x\n"
)
SKLEARN = "flavors:\n  sklearn:\n    pickled_model: model.pkl\n  python_function:\n    loader_module: mlflow.sklearn\n"


@pytest.fixture
def ada(live_server: RunningServer) -> Caller:
    person = invite(live_server, "ada")
    return sign_in(live_server, person.email, person.password)


def model_files(folder: Path) -> dict[str, bytes]:
    """A linear model as MLflow saves it by default: its tensors in a file beside it."""
    nodes = [helper.make_node("MatMul", ["tensor", "w"], ["out"])]
    taken = [helper.make_tensor_value_info("tensor", TensorProto.FLOAT, [None, 3])]
    given = [helper.make_tensor_value_info("out", TensorProto.FLOAT, [None, 2])]
    graph = helper.make_graph(nodes, "g", taken, given, [numpy_helper.from_array(WEIGHTS, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    convert_model_to_external_data(model, location="weights.data", size_threshold=0)
    onnx.save_model(model, folder / "model.onnx")
    return {name: (folder / name).read_bytes() for name in ("model.onnx", "weights.data")}


def registered(caller: Caller, files: dict[str, bytes]) -> tuple[str, Any]:
    """Log the files to a run and register them: (the model's name, the version as Wallaroo lists it)."""
    name = f"fraud-{uuid.uuid4().hex[:8]}"
    experiment = caller.post(f"{API}/experiments/create", {"name": name})["experiment_id"]
    run = caller.post(f"{API}/runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"]
    for file, content in files.items():
        path = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/model/{file}"
        assert caller.call("PUT", path, data=content).status_code == 200
    caller.post(f"{API}/registered-models/create", {"name": name})
    body = {"name": name, "source": f"runs:/{run}/model", "run_id": run}
    caller.post(f"{API}/model-versions/create", body)
    (version,) = caller.post("/v1/api/models/list_versions", {"model_id": name, "models_pk_id": 0})
    return name, version


def pipeline_of(caller: Caller, name: str, version: Any, status: int = 200) -> Any:
    workspace = caller.post("/v1/api/workspaces/create", {"workspace_name": f"w-{uuid.uuid4().hex}"})["workspace_id"]
    model = {"name": name, "version": version["model_version"], "sha": version["sha"]}
    definition = {"id": "linear", "steps": [{"ModelInference": {"models": [model]}}]}
    body = {"pipeline_id": "linear", "workspace_id": workspace, "definition": definition}
    return caller.post("/v1/api/pipelines/create", body, status)


def test_an_onnx_model_with_tensors_beside_it_is_deployed_as_registered(ada: Caller, tmp_path: Path) -> None:
    name, version = registered(ada, {"MLmodel": MLMODEL.encode(), **model_files(tmp_path)})
    assert version["status"] == "ready"
    pipeline = pipeline_of(ada, name, version)
    wanted = {"deploy_id": "linear", "pipeline_version_pk_id": pipeline["pipeline_variant_pk_id"]}
    place = f"linear-{ada.post('/v1/api/pipelines/deploy', wanted)['id']}"
    for _ in range(200):
        if ada.post("/v1/api/status/get_deployment", {"name": place})["status"] == "Running":
            break
        time.sleep(0.05)
    (row,) = ada.post(f"/v1/api/pipelines/infer/{place}/linear", [{"tensor": [1.0, 2.0, 3.0]}])
    np.testing.assert_allclose(row["out"]["out"], np.array([1, 2, 3]) @ WEIGHTS)


NOT_PYTHON = "flavors:\n  sklearn:\n    pickled_model: model.pkl\n"


def deploying(caller: Caller, name: str, version: Any) -> Any:
    """How deploying a pipeline of this version is refused."""
    pipeline = pipeline_of(caller, name, version)
    wanted = {"deploy_id": "linear", "pipeline_version_pk_id": pipeline["pipeline_variant_pk_id"]}
    refused = caller.call("POST", "/v1/api/pipelines/deploy", json=wanted)
    assert refused.status_code == 409
    return refused.text


def test_a_model_that_python_cannot_load_says_what_it_needs(ada: Caller) -> None:
    name, version = registered(ada, {"MLmodel": NOT_PYTHON.encode(), "model.pkl": b"\x80\x04."})
    assert version["status"] == "error"
    said = deploying(ada, name, version)
    assert "sklearn" in said
    assert "mlflow.onnx" in said


def test_a_model_of_another_flavor_is_made_ready_or_says_why_it_cannot_be(ada: Caller) -> None:
    name, version = registered(ada, {"MLmodel": SKLEARN.encode(), "model.pkl": b"\x80\x04."})
    assert version["status"] in ("pending_load_container", "attempting_load_container")
    assert "still being made ready" in deploying(ada, name, version)

    def shown() -> Any:
        answer = ada.post("/v1/api/models/get_version_by_id", {"model_version_id": version["id"]})
        return answer["model_version"]["model_version"]

    assert eventually(lambda: shown()["status"] == "error", 120)
    assert shown()["file_info"]["file_name"] == "model.zip"
    assert "stage loaded" in shown()["error_summary"]
    assert "stage loaded" in deploying(ada, name, version)


def test_who_may_only_read_a_registered_model_cannot_deploy_it(
    ada: Caller, live_server: RunningServer, tmp_path: Path
) -> None:
    name, version = registered(ada, {"MLmodel": MLMODEL.encode(), **model_files(tmp_path)})
    person = invite(live_server, "grace")
    grace = sign_in(live_server, person.email, person.password)
    assert grace.call("GET", f"{API}/registered-models/get", params={"name": name}).status_code == 200
    assert "has no model" in pipeline_of(grace, name, version, 400)["msg"]
    grant = {"name": name, "username": person.email, "permission": "USE"}
    ada.post(f"{API}/registered-models/permissions/create", grant)
    assert pipeline_of(grace, name, version)["pipeline_variant_pk_id"]


def test_the_source_of_a_version_must_be_readable(ada: Caller, live_server: RunningServer, tmp_path: Path) -> None:
    experiment = ada.post(f"{API}/experiments/create", {"name": uuid.uuid4().hex})["experiment_id"]
    run = ada.post(f"{API}/runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"]
    person = invite(live_server, "mallory")
    mallory = sign_in(live_server, person.email, person.password)
    hidden = {"experiment_id": experiment, "username": person.email, "permission": "NO_PERMISSIONS"}
    ada.post(f"{API}/experiments/permissions/create", hidden)
    mine = uuid.uuid4().hex
    mallory.post(f"{API}/registered-models/create", {"name": mine})
    for source in (f"runs:/{run}/model", f"mlflow-artifacts:/{experiment}/{run}/artifacts/model"):
        refused = mallory.call("POST", f"{API}/model-versions/create", json={"name": mine, "source": source})
        assert refused.status_code == 404, source
    for source in ("/etc/passwd", "file:///etc/passwd", f"runs:/{run}/../../other", "mlflow-artifacts:/%2e%2e/keys"):
        refused = mallory.call("POST", f"{API}/model-versions/create", json={"name": mine, "source": source})
        assert refused.status_code in (400, 404), source
