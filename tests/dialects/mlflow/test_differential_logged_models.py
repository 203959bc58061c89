"""Logged models: MLflow's own server and ours answer the same calls alike."""

from typing import Any

import pytest
from twins import API, Twins


@pytest.fixture(scope="module")
def experiment(twins: Twins) -> str:
    """An experiment of this module."""
    made: str = twins.post("experiments/create", name=twins.name("models"))["experiment_id"]
    return made


@pytest.fixture
def model(twins: Twins, experiment: str) -> str:
    """A new logged model."""
    made: str = twins.post("logged-models", experiment_id=experiment, name="plain")["model"]["info"]["model_id"]
    return made


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"name": "given"},
        {"name": ""},
        {"model_type": "agent"},
        {"params": [{"key": "p", "value": "1"}], "tags": [{"key": "t", "value": "2"}]},
        {"params": [{"key": "p", "value": "x" * 6000}]},
        {"params": [{"key": "p", "value": "x" * 6001}]},
        {"tags": [{"key": "t", "value": "x" * 8001}]},
        {"name": "a/b"},
        {"name": "a:b"},
        {"name": "a.b"},
        {"name": "a%b"},
        {"name": "a'b"},
        {"name": 'a"b'},
        {"name": "a b-c_d é"},
        {"name": "x" * 500},
        {"source_run_id": ""},
    ],
    ids=lambda said: str(said)[:60],
)
def test_a_logged_model_begins(twins: Twins, experiment: str, said: dict[str, Any]) -> None:
    """With what was said of it."""
    made = twins.post("logged-models", experiment_id=experiment, **said)
    if made.status == 200:
        model_id = made["model"]["info"]["model_id"]
        assert twins.get(f"logged-models/{model_id}").body == made.body


def test_a_logged_model_names_its_run(twins: Twins, experiment: str) -> None:
    """Of the same experiment."""
    run = twins.post("runs/create", experiment_id=experiment, start_time=1)["run"]["info"]["run_id"]
    made = twins.post("logged-models", experiment_id=experiment, name="of-run", source_run_id=run)
    assert made["model"]["info"]["source_run_id"] == run


@pytest.mark.parametrize(
    "status", ["LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED", "LOGGED_MODEL_PENDING", 2, 3, None]
)
def test_a_logged_model_is_finished(twins: Twins, model: str, status: Any) -> None:
    """By the name of a status or its number."""
    twins.patch(f"logged-models/{model}", model_id=model, status=status)
    twins.get(f"logged-models/{model}")


def test_params_and_tags_are_added(twins: Twins, model: str) -> None:
    """Tags change and are taken off."""
    twins.post(
        f"logged-models/{model}/params", model_id=model, params=[{"key": "p", "value": "1"}, {"key": "q", "value": ""}]
    )
    twins.get(f"logged-models/{model}")
    for value in ("1", "2"):
        twins.patch(
            f"logged-models/{model}/tags",
            model_id=model,
            tags=[{"key": "t", "value": value}, {"key": "a.b", "value": ""}],
        )
    twins.get(f"logged-models/{model}")
    assert twins.same("DELETE", f"{API}logged-models/{model}/tags/t").status == 200
    assert twins.same("DELETE", f"{API}logged-models/{model}/tags/t").status == 404
    twins.get(f"logged-models/{model}")


def test_a_deleted_logged_model_is_gone(twins: Twins, model: str, experiment: str) -> None:
    """From reads, changes and searches."""
    assert twins.same("DELETE", f"{API}logged-models/{model}").status == 200
    assert twins.get(f"logged-models/{model}").status == 404
    assert twins.same("DELETE", f"{API}logged-models/{model}").status == 200
    twins.post("logged-models/search", experiment_ids=[experiment], filter="name = 'plain'")


def test_metrics_of_runs_show_on_the_model_they_name(twins: Twins, model: str, experiment: str) -> None:
    """With the dataset they were measured on."""
    run = twins.post("runs/create", experiment_id=experiment, start_time=1)["run"]["info"]["run_id"]
    data = {"name": "d", "digest": "1", "source_type": "local", "source": "s"}
    twins.post("runs/log-inputs", run_id=run, datasets=[{"dataset": data}], models=[{"model_id": model}])
    for metric in (
        {"key": "m", "value": 1, "timestamp": 1, "step": 0},
        {"key": "m", "value": 2, "timestamp": 2, "step": 1},
        {"key": "m", "value": 0.5, "timestamp": 1, "step": 1, "dataset_name": "d", "dataset_digest": "1"},
    ):
        assert twins.post("runs/log-metric", run_id=run, model_id=model, **metric).status == 200
        twins.get(f"logged-models/{model}")
    twins.post("runs/log-batch", run_id=run, metrics=[{"key": "b", "value": 3, "timestamp": 1, "model_id": model}])
    twins.get(f"logged-models/{model}")
    twins.get("runs/get", run_id=run)


@pytest.fixture(scope="module")
def searched(twins: Twins) -> str:
    """An experiment with four logged models."""
    made: str = twins.post("experiments/create", name=twins.name("models"))["experiment_id"]
    run = twins.post("runs/create", experiment_id=made, start_time=1)["run"]["info"]["run_id"]
    data = {"name": "d", "digest": "1", "source_type": "local", "source": "s"}
    twins.post("runs/log-inputs", run_id=run, datasets=[{"dataset": data}])
    for number, name in enumerate(("a", "B", "b", "c")):
        begun = twins.post(
            "logged-models",
            experiment_id=made,
            name=name,
            model_type="agent" if number % 2 else None,
            params=[{"key": "p", "value": str(number)}] if number else [],
            tags=[{"key": "t", "value": "x" if number < 2 else "y"}],
        )
        model = begun["model"]["info"]["model_id"]
        if number < 3:
            on = {"dataset_name": "d", "dataset_digest": "1"} if number == 2 else {}
            twins.post("runs/log-metric", run_id=run, model_id=model, key="m", value=10 - number, timestamp=1, **on)
        if number == 3:
            twins.patch(f"logged-models/{model}", model_id=model, status="LOGGED_MODEL_READY")
    return made


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"filter": "name = 'b'"},
        {"filter": "name ILIKE 'B'"},
        {"filter": "name LIKE '%'"},
        {"filter": "name != 'b'"},
        {"filter": "name IN ('a', 'c')"},
        {"filter": "attributes.name NOT IN ('a', 'c')"},
        {"filter": "model_type = 'agent'"},
        {"filter": "model_type != 'agent'"},
        {"filter": "params.p = '1'"},
        {"filter": "params.p != '1'"},
        {"filter": "tags.t = 'x' AND name = 'a'"},
        {"filter": "metrics.m > 8"},
        {"filter": "metrics.m >= 8 AND tags.t = 'y'"},
        {"filter": "creation_timestamp > 0"},
        {"filter": "source_run_id = ''"},
        {"order_by": [{"field_name": "name"}]},
        {"order_by": [{"field_name": "name", "ascending": False}]},
        {"order_by": [{"field_name": "name", "ascending": True}]},
        {"order_by": [{"field_name": "metrics.m", "ascending": True}]},
        {"order_by": [{"field_name": "metrics.m", "ascending": False}]},
        {"order_by": [{"field_name": "metrics.m", "ascending": True, "dataset_name": "d"}]},
        {"order_by": [{"field_name": "metrics.m", "ascending": True, "dataset_name": "d", "dataset_digest": "1"}]},
        {"order_by": [{"field_name": "creation_timestamp", "ascending": True}]},
        {"order_by": [{"field_name": "last_updated_timestamp", "ascending": False}]},
        {"datasets": [{"dataset_name": "d", "dataset_digest": "1"}], "filter": "metrics.m > 0"},
        {"datasets": [{"dataset_name": "d", "dataset_digest": "1"}], "filter": "metrics.m > 8"},
        {"datasets": [{"dataset_name": "d", "dataset_digest": "2"}], "filter": "metrics.m > 0"},
        {"datasets": [{"dataset_name": "d", "dataset_digest": "1"}]},
        {"datasets": [{"dataset_name": "x", "dataset_digest": "1"}, {"dataset_name": "d", "dataset_digest": "1"}]},
        {"datasets": [{"dataset_name": "d", "dataset_digest": "1"}], "filter": "tags.t = 'x'"},
        {"datasets": []},
        {"max_results": 0},
    ],
    ids=str,
)
def test_searches_find_the_same(twins: Twins, searched: str, asked: dict[str, Any]) -> None:
    """Whole and page by page."""
    whole = twins.pages("POST", "logged-models/search", "models", experiment_ids=[searched], **asked)
    if "max_results" not in asked:
        asked = asked | {"max_results": 1}
        parts = twins.pages("POST", "logged-models/search", "models", experiment_ids=[searched], **asked)
        assert [each for part in parts for each in part] == whole[0]
