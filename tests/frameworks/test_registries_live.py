"""Models of MLflow's own server, uploaded from there with the Wallaroo SDK and deployed."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import real_clients
import uploading_models
from dialects.mlflow.clients import Client
from mlflow_server import MlflowServer, mlflow_server
from trying_models import Tried

# Where nothing is cached, packages are downloaded first.
pytestmark = pytest.mark.timeout(600)

PASSWORD = "a-password-for-tests"
INPUTS = [{"name": "inputs", "dtype": "float64", "shape": [None, 2]}]
OUTPUTS = [{"name": "predictions", "dtype": "float64", "shape": [None]}]


@dataclass(frozen=True)
class Stand:
    """MLflow's own server, and what is registered on it."""

    server: MlflowServer
    name: str
    rows: list[list[float]]
    answers: list[float]

    @property
    def token(self) -> str:
        return f"{self.server.admin_username}:{self.server.admin_password}"


def stand(folder: Path, *options: str) -> Iterator[Stand]:
    python = real_clients.mlflow_python()
    with mlflow_server(python, folder, *options, admin_password=PASSWORD) as server:
        done = Client(python, server, folder).run("registering")
        yield Stand(server, done["name"], done["rows"], done["answers"])


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A server that hands its artifacts out."""
    folder = tmp_path_factory.mktemp("proxied")
    yield from stand(folder, "--artifacts-destination", str(folder / "artifacts"))


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A server without a proxy for artifacts: clients write to its folder themselves."""
    folder = tmp_path_factory.mktemp("closed")
    yield from stand(folder, "--no-serve-artifacts", "--default-artifact-root", str(folder / "artifacts"))


def given(tried: Tried, at: Stand, name: str, path: str, **more: Any) -> dict[str, Any]:
    return {
        "workspace": tried.workspace,
        "registry": f"registry of {name}",
        "registry_url": at.server.url,
        "token": at.token,
        "name": name,
        "path": path,
        "framework": "sklearn",
        "inputs": INPUTS,
        "outputs": OUTPUTS,
        "rows": {"inputs": at.rows},
    } | more


def flat(answers: list[Any]) -> list[float]:
    return np.asarray(answers, dtype=float).ravel().tolist()


def test_the_sdk_looks_through_a_registry_and_deploys_a_version_of_it(tried: Tried, proxied: Stand) -> None:
    before = time.time()
    path = f"models:/{proxied.name}/1"
    done = tried.sdk("from_registry", **given(tried, proxied, "looked", path, registered=proxied.name))
    assert done["models"] == [proxied.name, f"{proxied.name}-onnx"]
    assert done["latest"] == done["versions"] == ["1"]
    assert abs(done["created"] - before) < 3600
    assert {f"{path}/MLmodel", f"{path}/model.pkl", f"{path}/requirements.txt"} <= done["files"].keys()
    assert done["files"][f"{path}/model.pkl"] > 100
    assert done["shared"] == ["beside-looked", tried.workspace]
    assert done["after"] == []
    assert PASSWORD not in str(done)
    assert all("<table" in shown for shown in done["shown"])
    assert (done["status"], done["error"], done["file_name"]) == ("ready", None, "model.pkl"), done["upload_logs"]
    assert flat(done["answers"]) == pytest.approx(proxied.answers)


def test_an_onnx_model_in_several_files_is_deployed_as_one(tried: Tried, proxied: Stand) -> None:
    done = tried.sdk("from_registry", **onnx(tried, proxied, "folded", f"models:/{proxied.name}-onnx/1"))
    assert (done["status"], done["error"], done["file_name"]) == ("ready", None, "model.onnx"), done["upload_logs"]
    assert flat(done["answers"]) == pytest.approx(proxied.answers)


def onnx(tried: Tried, at: Stand, name: str, path: str) -> dict[str, Any]:
    inputs, outputs = ([{**tensors[0], "name": n}] for n, tensors in (("X", INPUTS), ("variable", OUTPUTS)))
    more = {"framework": "onnx", "inputs": inputs, "outputs": outputs, "rows": {"X": at.rows}}
    return given(tried, at, name, path) | more


def test_a_version_s_whole_folder_is_deployed_as_mlflow_saved_it(tried: Tried, proxied: Stand) -> None:
    named = {"name": "theirs", "url": proxied.server.url, "token": proxied.token, "workspace_id": tried.workspace_id}
    body = {
        "registry_id": tried.caller.post("/v1/api/models/create_registry", named)["id"],
        "workspace_id": tried.workspace_id,
        "name": "whole",
        "path": f"models:/{proxied.name}/1",
        "visibility": "private",
        "conversion": {"framework": "mlflow", "requirements": []},
        "input_schema": uploading_models.schema_text(INPUTS),
        "output_schema": uploading_models.schema_text(OUTPUTS),
    }
    version = tried.caller.post("/v1/api/models/upload_from_registry", body)["model_id"]
    ready = uploading_models.ready(tried.caller, tried.workspace_id, "whole")
    assert (ready["id"], ready["file"]["name"]) == (version, "model.zip")
    namespace = tried.running("whole", {"ModelInference": {"models": [uploading_models.step(ready)]}})
    answered = tried.infer(namespace, [{"inputs": row} for row in proxied.rows])
    assert flat([row["out"]["predictions"] for row in answered]) == pytest.approx(proxied.answers)
    tried.end(namespace)


def test_a_wrong_password_is_told_as_the_registry_says_it(tried: Tried, proxied: Stand) -> None:
    wrong = onnx(tried, proxied, "wrong", f"models:/{proxied.name}-onnx/1") | {"token": "admin:another"}
    done = tried.sdk("from_registry", **wrong)
    assert (done["status"], "status 401" in done["error"]) == ("error", True)
    assert any("connect it again with a token" in line for line in done["upload_logs"])


def test_files_that_the_registry_reads_from_its_own_store_are_downloaded(tried: Tried, closed: Stand) -> None:
    path = f"models:/{closed.name}@champion"
    done = tried.sdk("from_registry", **given(tried, closed, "unproxied", path, registered=closed.name))
    assert f"models:/{closed.name}/1/model.pkl" in done["files"]
    assert (done["status"], done["error"]) == ("ready", None), done["upload_logs"]
    assert flat(done["answers"]) == pytest.approx(closed.answers)


def test_this_server_is_a_registry_for_another_one(tried: Tried, tmp_path: Path) -> None:
    done = Client(real_clients.mlflow_python(), tried.server, tmp_path).run("registering")
    own = MlflowServer(tried.server.url, tried.server.admin_username, tried.server.admin_password)
    at = Stand(own, done["name"], done["rows"], done["answers"])
    made = tried.sdk("from_registry", **onnx(tried, at, "own", f"models:/{at.name}-onnx/1") | {"registered": at.name})
    assert f"models:/{at.name}/1/MLmodel" in made["files"]
    assert (made["status"], made["error"]) == ("ready", None), made["upload_logs"]
    assert flat(made["answers"]) == pytest.approx(at.answers)
