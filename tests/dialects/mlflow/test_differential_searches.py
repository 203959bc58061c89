"""Searches for runs: MLflow's own server and ours find the same, in the same order."""

from typing import Any

import pytest
from twins import Twins

_RUNS: list[dict[str, Any]] = [
    {"name": "alpha", "metrics": {"m": 1, "n": 5}, "params": {"p": "1", "q": "x"}, "tags": {"t": "red"}, "start": 10},
    {"name": "Beta", "metrics": {"m": 2}, "params": {"p": "10"}, "tags": {"t": "Red", "u": ""}, "start": 20, "end": 99},
    {"name": "beta", "metrics": {"m": "NaN"}, "params": {"p": "9"}, "tags": {"t": "blue"}, "start": 20, "end": 50},
    {"name": "gamma", "metrics": {"m": "Infinity"}, "params": {"p": ""}, "start": 30, "status": "FAILED"},
    {"name": "delta", "metrics": {"m": "-Infinity"}, "tags": {"t": ""}, "start": 30, "end": 30, "status": "KILLED"},
    {
        "name": "alpha",
        "metrics": {"m": 2, "n": -1},
        "params": {"p": "1"},
        "start": 5,
        "data": ("train-set", "d1", "train"),
    },
    {"name": "100%_\\'odd\"", "params": {"with space": "v", "a.b/c": "w"}, "tags": {"with.dot": "1"}, "start": 0},
    {"name": "gone", "metrics": {"m": 3}, "tags": {"t": "red"}, "start": 40, "deleted": True},
    {"name": "data", "metrics": {"m": 1.5}, "start": 50, "data": ("eval-set", "d2", "eval")},
]


@pytest.fixture(scope="module")
def experiment(twins: Twins) -> str:
    """An experiment with runs of all kinds."""
    made: str = twins.post("experiments/create", name=twins.name("searches"))["experiment_id"]
    for asked in _RUNS:
        begun = twins.post(
            "runs/create", experiment_id=made, run_name=asked["name"], start_time=asked["start"], user_id="u"
        )
        run = begun["run"]["info"]["run_id"]
        twins.post(
            "runs/log-batch",
            run_id=run,
            metrics=[{"key": k, "value": v, "timestamp": 1, "step": 0} for k, v in asked.get("metrics", {}).items()],
            params=[{"key": k, "value": v} for k, v in asked.get("params", {}).items()],
            tags=[{"key": k, "value": v} for k, v in asked.get("tags", {}).items()],
        )
        if "data" in asked:
            name, digest, context = asked["data"]
            data = {"name": name, "digest": digest, "source_type": "local", "source": "s"}
            tags = [{"key": "mlflow.data.context", "value": context}]
            twins.post("runs/log-inputs", run_id=run, datasets=[{"dataset": data, "tags": tags}])
        if "end" in asked or "status" in asked:
            twins.post("runs/update", run_id=run, status=asked.get("status", "FINISHED"), end_time=asked.get("end", 1))
        if asked.get("deleted"):
            twins.post("runs/delete", run_id=run)
    return made


# Orders by an attribute that several runs share end in one that they do not: ids, which break ties, are made up.
_FILTERS = [
    "",
    "metrics.m > 1",
    "metrics.m >= 1.5 and metrics.m < 3",
    "metrics.m != 2",
    "metrics.m = 2",
    "metrics.m < 0",
    "metrics.m > 1e308",
    "metric.`n` <= 5",
    "metrics.none > 0",
    "params.p = '1'",
    "params.p != '1'",
    "params.p LIKE '1%'",
    "params.p ILIKE '1%'",
    "params.p IN ('1', '10')",
    "params.p NOT IN ('1', '10')",
    "params.p = ''",
    "params.p IS NULL",
    "params.p IS NOT NULL",
    "params.`with space` = 'v'",
    'param."a.b/c" = "w"',
    "tags.t = 'red'",
    "tags.t ILIKE 'RED'",
    "tags.t LIKE '%e%'",
    "tags.t != 'red'",
    "tags.t IS NULL",
    "tags.t IS NOT NULL AND tags.u IS NULL",
    "tags.`with.dot` = '1'",
    "tags.t = 'red' AND tags.t = 'blue'",
    "tags.`mlflow.runName` = 'beta'",
    "attributes.status = 'FAILED'",
    "status != 'RUNNING'",
    "attributes.status IN ('FAILED', 'KILLED')",
    "attribute.run_name = 'alpha'",
    "run_name LIKE '%et%'",
    "run_name ILIKE 'BETA'",
    "run_name LIKE '100%'",
    "`run name` = 'alpha'",
    "attributes.`Run Name` = 'alpha'",
    "start_time >= 20",
    "attributes.start_time < 20 AND metrics.m > 0",
    "attributes.created > 20",
    "end_time > 40",
    "end_time != 50",
    "user_id = 'u'",
    "attributes.user_id LIKE 'U'",
    "artifact_uri LIKE 'mlflow-artifacts:/%'",
    "attributes.run_id IN ('0', '1')",
    "run_id = 'none'",
    "dataset.name = 'train-set'",
    "datasets.name LIKE '%-set'",
    "dataset.digest = 'd2' AND dataset.context = 'eval'",
    "dataset.context != 'train'",
    "dataset.name IN ('train-set', 'other')",
    "metrics.m > 0 and params.p = '1' and tags.t = 'red' and attributes.status = 'RUNNING'",
]
_ORDERS = [
    [],
    ["metrics.m"],
    ["metrics.m DESC", "run_name", "start_time"],
    ["metrics.m ASC", "start_time ASC"],
    ["metrics.n DESC", "start_time", "run_name"],
    ["params.p", "start_time DESC"],
    ["params.p DESC", "start_time"],
    ["tags.t", "start_time DESC", "run_name"],
    ["tags.t DESC", "start_time", "attributes.run_name"],
    ["attributes.start_time DESC", "run_name"],
    ["attribute.start_time ASC", "run_name DESC"],
    ["end_time", "start_time", "run_name"],
    ["end_time DESC", "start_time", "run_name"],
    ["status", "start_time", "run_name"],
    ["`run_name` DESC", "start_time"],
    ["run_name", "Created DESC"],
    ["params.`with space`", "start_time", "run_name"],
    ["metrics.none", "start_time", "run_name"],
    ["user_id", "start_time", "run_name DESC"],
    ["dataset.name", "start_time", "run_name"],
]


def _found(twins: Twins, experiment: str, **asked: Any) -> list[list[Any]]:
    return twins.pages("POST", "runs/search", "runs", experiment_ids=[experiment], **asked)


@pytest.mark.parametrize("conditions", _FILTERS)
def test_filters_find_the_same_runs(twins: Twins, experiment: str, conditions: str) -> None:
    """In an order without ties, whole and deleted ones too."""
    order = ["start_time", "run_name"]
    for view in ("ACTIVE_ONLY", "ALL"):
        _found(twins, experiment, filter=conditions, order_by=order, run_view_type=view)


@pytest.mark.parametrize("order", _ORDERS, ids=" ".join)
def test_orders_are_the_same(twins: Twins, experiment: str, order: list[str]) -> None:
    """NaN, infinities and what is absent included; page by page as well."""
    unique = [*order, "start_time", "run_name"] if not order or order == ["metrics.m"] else order
    whole = _found(twins, experiment, order_by=unique, run_view_type="ALL")
    parts = _found(twins, experiment, order_by=unique, run_view_type="ALL", max_results=2)
    assert [run for part in parts for run in part] == whole[0]


@pytest.mark.parametrize("view", ["ACTIVE_ONLY", "DELETED_ONLY", "ALL", 1, 2, 3, "active_only", "NONE", 0, None])
def test_view_types_are_the_same(twins: Twins, experiment: str, view: Any) -> None:
    """By name and by number."""
    _found(twins, experiment, order_by=["start_time", "run_name"], run_view_type=view)


def test_several_experiments_are_searched_at_once(twins: Twins, experiment: str) -> None:
    """Also such that are not there, none, or one twice."""
    other = twins.post("experiments/create", name=twins.name("searches"))["experiment_id"]
    twins.post("runs/create", experiment_id=other, run_name="elsewhere", start_time=15)
    for ids in ([experiment, other], [other, other], ["123456789"], []):
        twins.post("runs/search", experiment_ids=ids, order_by=["start_time", "run_name"])
    twins.post("runs/search", order_by=["start_time", "run_name"])
