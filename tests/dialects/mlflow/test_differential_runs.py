"""Runs and what they log: MLflow's own server and ours answer the same calls alike."""

from typing import Any

import pytest
from twins import Answer, Twins


@pytest.fixture(scope="module")
def experiment(twins: Twins) -> str:
    """An experiment of this module."""
    made: str = twins.post("experiments/create", name=twins.name("runs"))["experiment_id"]
    return made


@pytest.fixture
def run(twins: Twins, experiment: str) -> str:
    """A new run."""
    made = twins.post("runs/create", experiment_id=experiment, user_id="ann", start_time=1000, run_name="plain")
    run_id: str = made["run"]["info"]["run_id"]
    return run_id


def _shown(twins: Twins, run: str) -> Any:
    return twins.get("runs/get", run_id=run)["run"]


def _bulk(twins: Twins, **asked: Any) -> Answer:
    """Pages of a browser ask this way; the stock server has the route under their prefix only."""
    return twins.same("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk", params=asked)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"run_name": "a name"},
        {"user_id": "ann"},
        {"tags": [{"key": "k", "value": "v"}]},
        {"tags": [{"key": "mlflow.runName", "value": "by tag"}]},
        {"tags": [{"key": "mlflow.runName", "value": "both"}], "run_name": "both"},
        {"tags": [{"key": "mlflow.runName", "value": "one"}], "run_name": "other"},
        {"tags": [{"key": "mlflow.user", "value": "bob"}, {"key": "empty", "value": ""}]},
        {"start_time": 0},
        {"start_time": "123"},
        {"run_name": "   "},
        {"tags": [{"key": "mlflow.parentRunId", "value": "no run"}]},
    ],
)
def test_a_run_begins(twins: Twins, experiment: str, said: dict[str, Any]) -> None:
    """With what was said of it."""
    made = twins.post("runs/create", experiment_id=experiment, **{"start_time": 7} | said)
    if made.status == 200:
        assert _shown(twins, made["run"]["info"]["run_id"]) == made["run"] | {"outputs": {}}


@pytest.mark.parametrize(
    "said",
    [
        {"status": "FINISHED", "end_time": 2000},
        {"status": "FINISHED", "end_time": 2000, "run_name": "done"},
        {"status": "FAILED"},
        {"status": 3, "end_time": 5},
        {"status": "SCHEDULED"},
        {"status": "KILLED", "end_time": "77"},
        {"run_name": "new name"},
        {"end_time": 5},
        {},
        {"run_name": ""},
    ],
)
def test_a_run_goes_on(twins: Twins, run: str, said: dict[str, Any]) -> None:
    """And its name shows in its tag."""
    twins.post("runs/update", run_id=run, **said)
    _shown(twins, run)


def test_a_run_that_finished_may_run_again(twins: Twins, run: str) -> None:
    """As clients do that resume it."""
    twins.post("runs/update", run_id=run, status="FINISHED", end_time=2000)
    twins.post("runs/update", run_id=run, status="RUNNING")
    assert _shown(twins, run)["info"]["status"] == "RUNNING"


def test_the_older_name_of_a_runs_id_is_understood(twins: Twins, run: str) -> None:
    """``run_uuid``, alone and beside ``run_id``, and names in camel case."""
    assert twins.get("runs/get", run_uuid=run).status == 200
    assert twins.post("runs/set-tag", run_uuid=run, run_id=run, key="k", value="v").status == 200
    assert len(_shown(twins, run)["data"]["tags"]) == 2


def test_a_deleted_run_comes_back(twins: Twins, run: str) -> None:
    """Deleted, it logs nothing; deleting and restoring twice is the same as once."""
    twins.post("runs/log-metric", run_id=run, key="m", value=1, timestamp=1)
    for _ in range(2):
        assert twins.post("runs/delete", run_id=run).body == {}
    assert _shown(twins, run)["info"]["lifecycle_stage"] == "deleted"
    for path, content in (
        ("runs/log-metric", {"key": "m", "value": 2, "timestamp": 1}),
        ("runs/log-parameter", {"key": "p", "value": "1"}),
        ("runs/set-tag", {"key": "t", "value": "1"}),
        ("runs/delete-tag", {"key": "mlflow.runName"}),
        ("runs/update", {"status": "FAILED"}),
        ("runs/log-batch", {"params": [{"key": "p", "value": "1"}]}),
        (
            "runs/log-inputs",
            {"datasets": [{"dataset": {"name": "d", "digest": "1", "source_type": "x", "source": "y"}}]},
        ),
        ("runs/outputs", {"models": []}),
    ):
        twins.post(path, run_id=run, **content)
    _shown(twins, run)
    for _ in range(2):
        assert twins.post("runs/restore", run_id=run).body == {}
    _shown(twins, run)


_HUGE = 1.7976931348623157e308


@pytest.mark.parametrize(
    "logged",
    [
        [(1, 0, 0)],
        [(1, 0, 0), (2, 1, 1), (3, 2, 2)],
        [(1, 0, 0), (2, 0, 0), (0, 0, 0)],
        [(1, 5, 0), (2, 4, 0), (3, 3, 0)],
        [(1, 0, 5), (2, 9, 4), (3, 9, 3)],
        [(1, 0, 0), (1, 0, 0), (1, 0, 0)],
        [("NaN", 0, 0)],
        [("NaN", 0, 0), (1, 0, 0)],
        [(1, 0, 0), ("NaN", 0, 0)],
        [(-1, 0, 0), ("NaN", 0, 0)],
        [("Infinity", 0, 0), ("-Infinity", 0, 1)],
        [(_HUGE, 0, 0), (-_HUGE, 0, 1), (5e-324, 0, 2)],
        [(1.5, 1, -1), (2.5, 1, -7)],
        [("1.25", "3", "4")],
        [(1, 0, None), (2, 0, 0)],
        [(0.1, 2**40, 2**40)],
        [(-0.0, 0, 0)],
    ],
)
@pytest.mark.parametrize("way", ["one by one", "at once"])
def test_the_latest_of_a_metric_and_its_history_are_the_same(
    twins: Twins, run: str, logged: list[tuple[Any, Any, Any]], way: str
) -> None:
    """Whatever order the values come in, whether they are numbers or not."""
    metrics = [
        {"key": "m", "value": value, "timestamp": time} | ({} if step is None else {"step": step})
        for value, time, step in logged
    ]
    if way == "one by one":
        for metric in metrics:
            twins.post("runs/log-metric", run_id=run, **metric)
    else:
        twins.post("runs/log-batch", run_id=run, metrics=metrics)
    _shown(twins, run)
    twins.get("metrics/get-history", run_id=run, metric_key="m")
    _bulk(twins, run_id=run, metric_key="m")
    twins.get("metrics/get-history-bulk-interval", run_ids=run, metric_key="m")


def test_params_are_written_once(twins: Twins, run: str) -> None:
    """The same value again is no change; another one is refused and changes nothing."""
    assert twins.post("runs/log-parameter", run_id=run, key="p", value="1").body == {}
    assert twins.post("runs/log-parameter", run_id=run, key="p", value="1").body == {}
    assert twins.post("runs/log-parameter", run_id=run, key="p", value="2").status == 400
    assert twins.post("runs/log-parameter", run_id=run, key="empty", value="").status == 200
    assert twins.post("runs/log-parameter", run_id=run, key="absent").status == 200
    assert twins.post("runs/log-parameter", run_id=run, key="long", value="x" * 6000).status == 200
    assert twins.post("runs/log-parameter", run_id=run, key="ä/é.ü d-e_f:g", value="é").status == 200
    batch = [{"key": "new", "value": "1"}, {"key": "p", "value": "3"}]
    assert twins.post("runs/log-batch", run_id=run, params=batch).status == 400
    _shown(twins, run)


def test_tags_are_set_changed_and_taken_off(twins: Twins, run: str) -> None:
    """The tag with the run's name is its name."""
    for key, value in (
        ("k", "1"),
        ("k", "2"),
        ("empty", ""),
        ("mlflow.runName", "by tag"),
        ("mlflow.note.content", "n"),
    ):
        assert twins.post("runs/set-tag", run_id=run, key=key, value=value).body == {}
        _shown(twins, run)
    assert twins.post("runs/delete-tag", run_id=run, key="k").body == {}
    assert twins.post("runs/delete-tag", run_id=run, key="k").status == 404
    twins.post("runs/delete-tag", run_id=run, key="mlflow.runName")
    _shown(twins, run)


def _metrics(count: int) -> list[dict[str, Any]]:
    return [{"key": f"m{number}", "value": number, "timestamp": 1, "step": 0} for number in range(count)]


def _pairs(count: int, of: str) -> list[dict[str, str]]:
    return [{"key": f"{of}{number}", "value": str(number)} for number in range(count)]


@pytest.mark.parametrize(
    "batch",
    [
        {},
        {"metrics": [], "params": [], "tags": []},
        {"metrics": _metrics(2), "params": _pairs(2, "p"), "tags": _pairs(2, "t")},
        {"metrics": _metrics(1000)},
        {"metrics": _metrics(1001)},
        {"params": _pairs(100, "p")},
        {"params": _pairs(101, "p")},
        {"tags": _pairs(100, "t")},
        {"tags": _pairs(101, "t")},
        {"metrics": _metrics(800), "params": _pairs(100, "p"), "tags": _pairs(100, "t")},
        {"metrics": _metrics(801), "params": _pairs(100, "p"), "tags": _pairs(100, "t")},
        {"params": [{"key": "p", "value": "1"}, {"key": "p", "value": "1"}]},
        {"params": [{"key": "p", "value": "1"}, {"key": "p", "value": "2"}]},
        {"tags": [{"key": "t", "value": "1"}, {"key": "t", "value": "2"}]},
        {"tags": [{"key": "mlflow.runName", "value": "by batch"}]},
        {"metrics": [{"key": "m", "value": 1, "timestamp": 1}], "params": [{"key": "", "value": "1"}]},
        {"metrics": [{"key": "m", "value": 1}]},
        {"metrics": [{"key": "m", "timestamp": 1}]},
        {"metrics": [{"value": 1, "timestamp": 1}]},
        {"metrics": [{"key": "m", "value": None, "timestamp": 1}]},
        {"params": [{"key": "p"}]},
        {"params": [{"value": "p"}]},
        {"tags": [{"key": "t"}]},
        {"params": [{"key": "p", "value": "x" * 6001}]},
        {"tags": [{"key": "t", "value": "x" * 8000}]},
        {"tags": [{"key": "t", "value": "x" * 8001}]},
        {"tags": {"key": "t"}},
        {"metrics": "none"},
    ],
)
def test_batches_are_logged_or_refused_whole(twins: Twins, run: str, batch: dict[str, Any]) -> None:
    """What is refused leaves nothing behind."""
    twins.post("runs/log-batch", run_id=run, **batch)
    _shown(twins, run)


def _data(name: str, digest: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "digest": digest, "source_type": "local", "source": "{}"} | more


def test_datasets_are_taken_in(twins: Twins, run: str) -> None:
    """The same again is noted once; another context is not noted either."""
    context = [{"key": "mlflow.data.context", "value": "train"}]
    for datasets in (
        [{"dataset": _data("a", "1", schema="s", profile="p"), "tags": context}],
        [{"dataset": _data("a", "1", schema="other"), "tags": [{"key": "mlflow.data.context", "value": "eval"}]}],
        [{"dataset": _data("a", "2")}, {"dataset": _data("b", "1"), "tags": [{"key": "x", "value": "y"}]}],
        [],
    ):
        assert twins.post("runs/log-inputs", run_id=run, datasets=datasets).body == {}
        _shown(twins, run)


@pytest.mark.parametrize(
    "dataset",
    [
        _data("a" * 500, "d" * 36),
        _data("a" * 501, "d"),
        _data("a", "d" * 37),
        _data("", "d"),
        _data("a", ""),
        {"name": "a", "digest": "d"},
        {"name": "a", "digest": "d", "source_type": "t"},
        _data("a", "d", source="x" * 65_535),
        _data("a", "d", source="x" * 65_536),
        _data("a", "d", schema="x" * 1_048_576),
        _data("a", "d", source_type=""),
    ],
)
def test_datasets_have_limits(twins: Twins, run: str, dataset: dict[str, Any]) -> None:
    """What is missing or too long is refused."""
    twins.post("runs/log-inputs", run_id=run, datasets=[{"dataset": dataset}])
    shown = _shown(twins, run)
    assert "dataset_inputs" not in shown["inputs"] or shown["inputs"]["dataset_inputs"]


@pytest.mark.parametrize("datasets", ["x", {"a": 1}, None])
def test_inputs_need_their_shape(twins: Twins, run: str, datasets: Any) -> None:
    """A list of objects with a dataset each."""
    twins.post("runs/log-inputs", run_id=run, datasets=datasets)
    _shown(twins, run)


def test_models_are_taken_in_and_given_out(twins: Twins, run: str, experiment: str) -> None:
    """At a step, once each."""
    models = [
        twins.post("logged-models", experiment_id=experiment, name=f"m{number}")["model"]["info"]["model_id"]
        for number in range(2)
    ]
    assert twins.post("runs/log-inputs", run_id=run, models=[{"model_id": models[0]}]).status == 200
    for models_out in ([{"model_id": models[1], "step": 3}], [{"model_id": models[0]}]):
        assert twins.post("runs/outputs", run_id=run, models=models_out).status == 200
        _shown(twins, run)


def test_a_history_comes_in_pages(twins: Twins, run: str) -> None:
    """In the order of time, step and value."""
    metrics = [{"key": "m", "value": n % 3, "timestamp": n % 5, "step": n % 7} for n in range(20)]
    twins.post("runs/log-batch", run_id=run, metrics=metrics)
    whole = twins.get("metrics/get-history", run_id=run, metric_key="m")["metrics"]
    parts = twins.pages("GET", "metrics/get-history", "metrics", run_id=run, metric_key="m", max_results=6)
    assert sorted(map(str, whole)) == sorted(str(each) for part in parts for each in part)
    for most in (20, 21, 1):
        twins.pages("GET", "metrics/get-history", "metrics", run_id=run, metric_key="m", max_results=most)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"max_results": 5},
        {"max_results": 1},
        {"max_results": 2},
        {"max_results": 3},
        {"start_step": 3, "end_step": 9},
        {"start_step": 3, "end_step": 3},
        {"start_step": 30, "end_step": 90},
        {"start_step": 0, "end_step": 20, "max_results": 4},
        {"max_results": 2500},
    ],
)
def test_histories_of_several_runs_are_thinned_alike(twins: Twins, experiment: str, asked: dict[str, Any]) -> None:
    """First and last step stay."""
    runs = []
    for number in range(2):
        made = twins.post("runs/create", experiment_id=experiment, start_time=number)["run"]["info"]["run_id"]
        metrics = [{"key": "m", "value": n + number, "timestamp": n, "step": n * (number + 1)} for n in range(21)]
        twins.post("runs/log-batch", run_id=made, metrics=metrics)
        runs.append(made)
    _bulk(twins, run_id=runs[0], metric_key="m", **asked)
    twins.get("metrics/get-history-bulk-interval", run_ids=runs, metric_key="m", **asked)


def test_histories_of_several_runs_come_together(twins: Twins, experiment: str) -> None:
    """Run by run, in the order of their ids, which the servers made up."""
    runs = [twins.post("runs/create", experiment_id=experiment, start_time=1)["run"]["info"]["run_id"] for _ in "ab"]
    for run in runs:
        twins.post("runs/log-metric", run_id=run, key="m", value=1, timestamp=1)
    query = {"run_id": runs, "metric_key": "m"}
    stock, ours = twins.both("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk", params=query)
    assert {each["run_id"] for each in ours["metrics"]} == {each["run_id"] for each in stock["metrics"]} == set(runs)


def test_a_metric_that_nobody_logged_has_no_history(twins: Twins, run: str) -> None:
    """An empty answer, not an error."""
    twins.get("metrics/get-history", run_id=run, metric_key="none")
    _bulk(twins, run_id=run, metric_key="none")
    twins.get("metrics/get-history-bulk-interval", run_ids=run, metric_key="none")


def test_the_other_prefixes_lead_to_the_same(twins: Twins, run: str) -> None:
    """Pages of a browser call them."""
    assert twins.same("GET", "/ajax-api/2.0/mlflow/runs/get", params={"run_id": run}).body == {
        "run": _shown(twins, run)
    }
