"""Rows of the wire become values; answers of another shape are told as such."""

from datetime import UTC, datetime

import pytest

from modelyard.client.deployments import DeploymentStatus, LoadedModel, State
from modelyard.client.errors import InvalidRequestError, UnexpectedAnswerError
from modelyard.client.logs import LogRange, Order
from modelyard.client.pipelines import Deployment, Pipeline, Step, StepModel
from modelyard.client.times import format_time, parse_time
from modelyard.client.transport import normal_url, reading

STEP = {"ModelInference": {"models": [{"name": "ccfraud", "version": "v", "sha": "s"}]}}
PIPELINE_ROW = {
    "id": 1,
    "pipeline_id": "ccfraud",
    "created_at": "2026-07-11T16:53:30.02561+00:00",
    "workspace": {"id": 18, "name": "fraud"},
    "pipeline_versions": [
        {"id": 3, "version": "v3", "definition": {"id": "ccfraud", "steps": [STEP]}, "created_at": None},
        {"id": 2, "version": "v2", "definition": {}, "created_at": None},
    ],
    "deployment": {"id": 7, "deploy_id": "ccfraud", "deployed": True},
}


def test_a_pipeline_leaves_out_versions_without_steps() -> None:
    pipeline = Pipeline.of(PIPELINE_ROW)
    assert [version.version for version in pipeline.versions] == ["v3"]
    assert pipeline.versions[0].steps == (Step("ModelInference", (StepModel("ccfraud", "v"),)),)


def test_a_deployment_is_addressed_by_name_and_id() -> None:
    pipeline = Pipeline.of(PIPELINE_ROW)
    assert pipeline.deployment == Deployment(7, "ccfraud", deployed=True)
    assert pipeline.deployment.status_name == "ccfraud-7"


def test_a_pipeline_that_was_never_deployed_has_no_deployment() -> None:
    assert Pipeline.of(PIPELINE_ROW | {"deployment": None}).deployment is None


def test_steps_of_other_kinds_are_read_too() -> None:
    assert Step.of({"MultiOut": {}}) == Step("MultiOut", ())


def test_a_status_gathers_what_all_engines_say_and_says_it_once() -> None:
    model = {"name": "ccfraud", "version": "v", "status": "Running"}
    process = {"details": ["asleep", "what it printed"]}
    engine = {"details": ["loading"], "model_statuses": {"models": [model]}}
    row = {"status": "Starting", "details": ["soon"], "engines": [engine, engine, {}], "sidekicks": [process, {}]}
    status = DeploymentStatus.of(row)
    loaded = LoadedModel("ccfraud", "v", "Running")
    assert status == DeploymentStatus(State.STARTING, ("soon", "loading (2 of 3 engines)", "asleep"), (loaded,))


def test_times_are_aware_and_go_out_in_utc() -> None:
    parsed = parse_time("2026-07-11T18:53:30.02561+02:00")
    assert parsed == datetime(2026, 7, 11, 16, 53, 30, 25610, UTC)
    assert parse_time("2026-07-11T16:53:30") == datetime(2026, 7, 11, 16, 53, 30, tzinfo=UTC)
    assert format_time(parsed) == "2026-07-11T16:53:30.025610Z"


def test_a_log_range_without_times_asks_for_none() -> None:
    body = LogRange(limit=5).request(Pipeline.of(PIPELINE_ROW), page_size=5)
    assert body == {"pipeline_name": "ccfraud", "workspace_id": 18, "order": "desc", "page_size": 5}


def test_a_log_range_with_one_time_sends_both() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    body = LogRange(start=start, order=Order.OLDEST_FIRST).request(Pipeline.of(PIPELINE_ROW), page_size=100)
    assert body["start_time"] == "2026-01-01T00:00:00Z"
    assert body["end_time"] > "2026-01-01"
    assert body["order"] == "asc"


def test_an_answer_of_another_shape_names_the_call() -> None:
    with pytest.raises(UnexpectedAnswerError, match="models/list"), reading("models/list"):
        Pipeline.of({"id": 1})


@pytest.mark.parametrize("url", ["foo", "ftp://host", "http://", "http://host:port", "127.0.0.1:8080"])
def test_what_is_no_address_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(InvalidRequestError):
        normal_url(url)


def test_a_trailing_slash_makes_no_other_server() -> None:
    assert normal_url("http://127.0.0.1:8080/") == "http://127.0.0.1:8080"
