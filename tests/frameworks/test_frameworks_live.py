"""A model of every framework as its user brings it: trained, uploaded, deployed and asked, and its answers compared."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import real_clients
from dialects.mlflow.clients import Client
from dialects.wallaroo import deploying
from model_environments import assert_answers, environment, example, framework_environment
from modelyard.core.catalogue.frameworks import FRAMEWORKS, RUNTIME_REQUIREMENTS
from running import eventually
from trying_models import Tried
from wire import administrator

# Where nothing is cached, packages are downloaded first.
pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True)
class Case:
    """An example, the environment it is trained in, how it is uploaded, and what serves it then."""

    script: str
    framework: str
    more: tuple[str, ...] = ()
    by_sdk: bool = True
    options: dict[str, Any] | None = None
    runtime: str = "flight"

    def made(self) -> dict[str, Any]:
        """The example; the server finds the environments that it will want, as far as the framework names them."""
        environment({*RUNTIME_REQUIREMENTS, *FRAMEWORKS[self.framework].requirements})
        return example(self.script, framework_environment(self.framework, *self.more))


CASES = {
    "sklearn": Case("train_sklearn", "sklearn", ("pandas", "skops"), runtime="onnx"),
    "xgboost": Case("train_xgboost", "xgboost", runtime="onnx"),
    "lightgbm": Case("train_lightgbm", "lightgbm", by_sdk=False),
    "tensorflow": Case("train_tensorflow", "tensorflow", by_sdk=False, options={"convert": False}),
    "keras": Case("train_keras", "keras", runtime="onnx"),
    "torchscript": Case("train_pytorch", "pytorch", runtime="onnx"),
    "state dict": Case("train_pytorch_state", "pytorch", by_sdk=False, options={"convert": False}),
    "hugging-face": Case("train_hugging_face", "hugging-face-text-classification"),
    "mlflow": Case("train_mlflow", "mlflow", ("scikit-learn", "cloudpickle"), by_sdk=False, runtime="mlflow"),
    "python": Case("make_python_step", "python"),
    "custom": Case("make_custom", "custom", ("scikit-learn",)),
    "mac": Case("make_mac", "custom", ("scikit-learn",)),
}
"""The SDK knows no lightgbm and no mlflow, and cannot ask for a model to be kept as it is."""


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_model_is_uploaded_deployed_and_answers_as_its_framework_does(tried: Tried, case: Case) -> None:
    made, name = case.made(), f"m-{case.script.replace('_', '-')}"
    given = {"workspace": tried.workspace, "name": name, "keep": True, **{k: made[k] for k in DECLARED}}
    if case.by_sdk:
        given |= {"file": made["path"], "framework": made["framework"]}
    else:
        tried.ready(name, made, options=case.options or {})
    done = tried.sdk("any_framework", **given)
    assert (done["status"], done["error"]) == ("ready", None), "\n".join(done["upload_logs"])
    assert done["runtime"] == case.runtime, "\n".join(done["upload_logs"])
    for way in ("answers", "arrow", "logged"):
        assert_answers({"answers": done[way]}, made)
    rows = rows_of(made)
    assert_answers({"answers": columns_of(tried.infer(done["namespace"], rows), made)}, made)
    sidekicks = done["deployment"]["sidekicks"]
    assert [each["status"] for each in sidekicks] == ([] if case.runtime == "onnx" else ["Running"])
    tried.end(done["namespace"])


DECLARED = ("inputs", "outputs", "rows")


def rows_of(made: dict[str, Any]) -> list[dict[str, Any]]:
    names = list(made["rows"])
    return [dict(zip(names, row, strict=True)) for row in zip(*made["rows"].values(), strict=True)]


def columns_of(answered: list[dict[str, Any]], made: dict[str, Any]) -> dict[str, list[Any]]:
    return {name: [row["out"][name] for row in answered] for name in made["answers"]}


def test_a_model_registered_with_mlflow_is_made_ready_and_deployed(tried: Tried, tmp_path: Path) -> None:
    done = Client(real_clients.mlflow_python(), tried.server, tmp_path).run("flavors", name="planes")
    caller = administrator(tried.server)
    (version,) = caller.post("/v1/api/models/list_versions", {"model_id": done["name"], "models_pk_id": 0})

    def shown() -> Any:
        found = caller.post("/v1/api/models/get_version_by_id", {"model_version_id": version["id"]})
        return found["model_version"]["model_version"]

    assert eventually(lambda: shown()["status"] in ("ready", "error"), 400)
    assert shown()["status"] == "ready", shown()["error_summary"]
    model = {"name": done["name"], "version": version["model_version"], "sha": shown()["file_info"]["sha"]}
    namespace = deploying.deploy(caller, deploying.pipeline(caller, deploying.workspace(caller), model))
    deploying.wait(caller, namespace, "Running", 60)
    answered = caller.post(deploying.path(namespace), [{"inputs": row} for row in done["rows"]])
    (name,) = answered[0]["out"]
    assert [row["out"][name] for row in answered] == pytest.approx(done["answers"])
