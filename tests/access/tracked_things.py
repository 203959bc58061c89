"""What MLflow tracks, for the world: an experiment with a run, an artifact and a logged model; a registered model."""

from typing import Any

from wire import Caller

API = "/api/2.0/mlflow"
ARTIFACTS = "/api/2.0/mlflow-artifacts"


def track(owner: Caller, name: str) -> dict[str, Any]:
    """One of everything, as fields of ``Things``; all that has a name has this one."""
    experiment_id = owner.post(f"{API}/experiments/create", {"name": name, "tags": _tags()})["experiment_id"]
    run = {"experiment_id": experiment_id, "run_name": name, "tags": _tags()}
    run_id = owner.post(f"{API}/runs/create", run)["run"]["info"]["run_id"]
    metric = {"run_id": run_id, "key": "loss", "value": 0.5, "timestamp": 1, "step": 0}
    owner.post(f"{API}/runs/log-metric", metric)
    path = f"{experiment_id}/{run_id}/artifacts/notes.txt"
    assert owner.call("PUT", f"{ARTIFACTS}/artifacts/{path}", data=b"notes").status_code == 200
    logged = {"experiment_id": experiment_id, "name": name, "tags": _tags()}
    logged_id = owner.post(f"{API}/logged-models", logged)["model"]["info"]["model_id"]
    owner.post(f"{API}/registered-models/create", {"name": name, "tags": _tags()})
    owner.post(f"{API}/model-versions/create", {"name": name, "source": f"runs:/{run_id}/notes.txt", "run_id": run_id})
    owner.post(f"{API}/registered-models/alias", {"name": name, "alias": "best", "version": "1"})
    return {
        "experiment_id": experiment_id,
        "run_id": run_id,
        "logged_id": logged_id,
        "tracked_name": name,
        "artifact": path,
    }


def _tags() -> list[dict[str, str]]:
    return [{"key": "team", "value": "risk"}]
