"""What the client raises, and that it does not try again what cannot succeed."""

import time

import mlflow
from mlflow.exceptions import MlflowException


def run(given):
    """The code and the words of each failure, and how long all took, in seconds."""
    client = mlflow.MlflowClient()
    experiment_id = client.create_experiment(given["name"])
    run_id = client.create_run(experiment_id).info.run_id
    client.log_param(run_id, "p", "1")
    began = time.monotonic()
    failures = {
        "experiment exists": _failure(client.create_experiment, given["name"]),
        "no such run": _failure(client.get_run, "0" * 32),
        "no such model": _failure(client.get_registered_model, "no such model"),
        "param changed": _failure(client.log_param, run_id, "p", "2"),
        "bad filter": _failure(client.search_runs, [experiment_id], "nonsense ~ 1"),
        "bad key": _failure(client.log_metric, run_id, "a//b", 1),
        "no such file": _failure(client.download_artifacts, run_id, "none.txt"),
        "no such alias": _failure(client.get_model_version_by_alias, "no such model", "champion"),
    }
    return {"failures": failures, "seconds": time.monotonic() - began, "absent": client.get_experiment_by_name("none")}


def _failure(function, *arguments):
    try:
        function(*arguments)
    except MlflowException as error:
        return [error.error_code, str(error)]
    return None
