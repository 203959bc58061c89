"""Making uploads ready on a running server: killed in the middle, and without conversion."""

import json
import pickle
import time
from pathlib import Path
from typing import Any

import deploying
import joblib
import numpy as np
import psutil
import pytest
from sklearn.linear_model import LogisticRegression

from model_environments import use_environments
from running import RunningServer, StartServer, eventually
from wire import Caller, administrator


class Sleeps:
    """Takes ten minutes to be unpickled."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return time.sleep, (600,)


def uploaded(caller: Caller, content: bytes, **conversion: Any) -> int:
    said = {"framework": "sklearn", "requirements": [], **conversion}
    metadata = {"name": "churn", "workspace_id": 1, "visibility": "private", "conversion": said}
    parts = {"metadata": (None, json.dumps(metadata), "application/json"), "file": ("churn.pkl", content)}
    answer = caller.call("POST", "/v1/api/models/upload_and_convert", files=parts)
    assert answer.status_code == 202, answer.text
    return int(answer.json()["insert_models"]["returning"][0]["models"][0]["id"])


def details(caller: Caller) -> Any:
    answer = caller.call("GET", "/api/v1/models/1/churn/versions/latest")
    assert answer.status_code == 200, answer.text
    return answer.json()


def states(caller: Caller) -> dict[str, str]:
    return {stage["stage"]: stage["state"] for stage in details(caller)["stages"]}


def processes(server: RunningServer, module: str) -> list[psutil.Process]:
    def runs(process: psutil.Process) -> bool:
        try:
            return module in process.cmdline()
        except psutil.NoSuchProcess:
            return False

    return [process for process in server.processes() if runs(process)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder whose server finds the environments of all tests."""
    use_environments(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def server(start_server: StartServer, data: Path) -> RunningServer:
    return start_server(workers=1, job_runners=1, data=data)


def test_a_killed_preparation_is_done_again_and_given_up_after_three_times(server: RunningServer) -> None:
    caller = administrator(server)
    version_id = uploaded(caller, pickle.dumps(Sleeps()))
    for _ in range(3):
        assert eventually(lambda: states(caller).get("loaded") == "running", 120), details(caller)
        assert eventually(lambda: bool(processes(server, "modelyard_runtime")))
        loading = processes(server, "modelyard_runtime")
        (runner,) = processes(server, "modelyard.server.runner")
        runner.kill()
        assert eventually(lambda gone=loading: not any(process.is_running() for process in gone))
        assert eventually(lambda: states(caller).get("loaded") != "running")
    assert eventually(lambda: details(caller)["status"] == "error")
    assert "ended 3 times before it was done" in details(caller)["error"]
    shown = caller.post("/v1/api/models/get_version_by_id", {"model_version_id": version_id})
    assert shown["model_version"]["model_version"]["status"] == "error"
    assert list((server.data / "run" / "preparing").iterdir()) == []


def answers(caller: Caller, ready: Any, rows: Any) -> Any:
    """What a deployment of the version answers."""
    step = {"name": "churn", "version": ready["version"], "sha": ready["file"]["sha256"]}
    namespace = deploying.deploy(caller, deploying.pipeline(caller, 1, step))
    deploying.wait(caller, namespace, "Running", 60)
    (taken,), (given,) = ready["signature"]["inputs"], ready["signature"]["outputs"]
    asked = [{taken["name"]: row} for row in rows.tolist()]
    answer = caller.call("POST", deploying.path(namespace), json=asked)
    assert answer.status_code == 200, answer.text
    return np.ravel([row["out"][given["name"]] for row in answer.json()]).tolist()


def test_a_preparation_outlives_the_server_and_its_model_is_served_as_it_is(
    start_server: StartServer, data: Path, tmp_path: Path
) -> None:
    first = start_server(workers=1, data=data)
    rows = np.arange(8.0).reshape(4, 2)
    model = LogisticRegression().fit(rows, [0, 0, 1, 1])
    joblib.dump(model, tmp_path / "m.pkl")
    uploaded(administrator(first), (tmp_path / "m.pkl").read_bytes(), options={"convert": False})
    assert details(administrator(first))["status"] in ("pending", "preparing")
    first.kill()
    caller = administrator(start_server(workers=1, data=data))
    assert eventually(lambda: details(caller)["status"] in ("ready", "error"), 120)
    ready = details(caller)
    assert (ready["status"], ready["runtime"]["kind"]) == ("ready", "process"), ready
    assert states(caller)["parity"] == "skipped"
    assert "scikit-learn==" in ready["environment"]["lock"]
    assert ready["environment"]["requested"] == sorted(ready["environment"]["requested"])
    assert answers(caller, ready, rows) == model.predict(rows).tolist()
