"""What a training script logs, and how it is found again."""

import contextlib
import math

import mlflow
import pandas as pd
from mlflow.entities import Metric, Param, RunTag, ViewType


def run(given):
    """Log runs of all kinds, search them, delete and restore one."""
    experiment = mlflow.set_experiment(given["name"])
    client = mlflow.MlflowClient()
    client.set_experiment_tag(experiment.experiment_id, "team", "fraud")
    frame = pd.DataFrame({"amount": [1.0, 2.5], "fraud": [0, 1]})
    with mlflow.start_run(run_name="first", tags={"stage": "dev"}, description="the first") as first:
        for step in range(5):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_metrics({"accuracy": 0.9, "odd": math.nan, "huge": math.inf}, step=4)
        mlflow.log_params({"rate": 0.1, "layers": [1, 2], "long": "x" * 7000})
        mlflow.set_tags({"a": 1, "b": "two"})
        mlflow.log_input(mlflow.data.from_pandas(frame, name="payments", targets="fraud"), context="training")
        with mlflow.start_run(run_name="child", nested=True):
            mlflow.log_metric("accuracy", 0.7)
    _batch(client, first.info.run_id)
    with contextlib.suppress(ZeroDivisionError), mlflow.start_run(run_name="broken"):
        1 / 0  # noqa: B018  # the run must see it
    return {
        "run": _shown(client, first.info.run_id),
        "history": [(m.step, m.value) for m in client.get_metric_history(first.info.run_id, "loss")],
        "experiments": [e.name for e in mlflow.search_experiments(filter_string=f"name = '{given['name']}'")],
        "tags": dict(client.get_experiment(experiment.experiment_id).tags),
        "searches": _searches(experiment.experiment_id),
        "resumed": _resumed(client, first.info.run_id),
        "deleted": _deleted(client, experiment.experiment_id, first.info.run_id),
    }


def _batch(client, run_id):
    client.log_batch(
        run_id,
        metrics=[Metric("batch", float(step), 1_700_000_000_000 + step, step) for step in range(1500)],
        params=[Param(f"p{number}", str(number)) for number in range(150)],
        tags=[RunTag("by", "batch")],
    )


def _shown(client, run_id):
    run = client.get_run(run_id)
    data = run.inputs.dataset_inputs[0]
    return {
        "name": run.info.run_name,
        "status": run.info.status,
        "metrics": {k: str(v) for k, v in run.data.metrics.items()},
        "params": len(run.data.params),
        "rate": run.data.params["rate"],
        "long": len(run.data.params["long"]),
        "tags": {k: v for k, v in run.data.tags.items() if k in ("a", "b", "by", "stage", "mlflow.note.content")},
        "dataset": [data.dataset.name, data.dataset.source_type, {tag.key: tag.value for tag in data.tags}],
        "user": run.info.user_id != "",
    }


def _searches(experiment_id):
    found = {}
    for text in (
        "metrics.accuracy > 0.8",
        "params.rate = '0.1' AND tags.stage LIKE 'd%'",
        "attributes.status = 'FAILED'",
        "attributes.run_name ILIKE 'CHI%'",
        "dataset.name = 'payments'",
        "tags.stage IS NULL",
    ):
        rows = mlflow.search_runs([experiment_id], filter_string=text, order_by=["attributes.run_name ASC"])
        found[text] = rows["tags.mlflow.runName"].tolist()
    frame = mlflow.search_runs([experiment_id], order_by=["metrics.accuracy DESC"])
    found["by accuracy"] = frame["tags.mlflow.runName"].tolist()
    found["columns"] = sorted(name for name in frame.columns if name.startswith("metrics."))
    pages, token = [], None
    while token is not None or not pages:
        page = mlflow.MlflowClient().search_runs([experiment_id], max_results=1, page_token=token)
        pages.append(len(page))
        token = page.token
    found["pages"] = pages
    return found


def _resumed(client, run_id):
    with mlflow.start_run(run_id=run_id):
        mlflow.log_metric("late", 1)
    run = client.get_run(run_id)
    return [run.info.status, run.data.metrics["late"]]


def _deleted(client, experiment_id, run_id):
    def names(view):
        return sorted(run.info.run_name for run in client.search_runs([experiment_id], run_view_type=view))

    client.delete_run(run_id)
    gone = [names(ViewType.ACTIVE_ONLY), names(ViewType.DELETED_ONLY)]
    client.restore_run(run_id)
    client.delete_tag(run_id, "a")
    client.rename_experiment(experiment_id, f"{client.get_experiment(experiment_id).name} renamed")
    client.delete_experiment(experiment_id)
    stage = client.get_experiment(experiment_id).lifecycle_stage
    client.restore_experiment(experiment_id)
    return {"gone": gone, "back": names(ViewType.ALL), "tag": "a" in client.get_run(run_id).data.tags, "stage": stage}
