"""``/runs/*``, ``/metrics/*`` and the listing of a run's artifacts."""

import math
from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.search import total_order
from modelyard.core.kernel.store import Part
from modelyard.core.tracking import history, log
from modelyard.core.tracking import runs as core
from modelyard.core.tracking.entities import LatestMetric, Metric, Run
from modelyard.core.tracking.recording import Batch, DatasetInput, Measurement
from modelyard.core.tracking.run_views import RunView
from modelyard.core.tracking.runs import NewRun, RunChange
from modelyard.dialects.mlflow import grammar
from modelyard.dialects.mlflow.dialect import (
    API,
    answer,
    body,
    mlflow,
    next_token,
    page_of,
    pairs,
    present,
    query,
    renamed,
)
from modelyard.dialects.mlflow.experiments import Pair, view
from modelyard.web.call import Call

_PAGE, _PAGE_MAX = 1000, 50_000
_HISTORY_MAX = 25_000
_BULK_MAX = 2500
_NAMES = {"run_id": "id", "run_name": "name", "user_id": "user_name"}
_STATUSES = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}


class CreateRun(msgspec.Struct):
    """What a run begins with."""

    experiment_id: str = "0"
    user_id: str = ""
    run_name: str = ""
    start_time: int | None = None
    tags: list[Pair] = []


class RunId(msgspec.Struct):
    """Which run; older clients say ``run_uuid``."""

    run_id: str = ""
    run_uuid: str = ""

    @property
    def id(self) -> str:
        """The run's id, or ``INVALID``."""
        chosen = self.run_id or self.run_uuid
        if not chosen:
            raise invalid("Missing value for required parameter 'run_id'.")
        return chosen


class UpdateRun(RunId):
    """How a run goes on."""

    status: Any = None
    end_time: int | None = None
    run_name: str | None = None


class MetricBody(msgspec.Struct):
    """A measurement; ``value`` may be a text like NaN or Infinity."""

    key: str
    value: float | str
    timestamp: int
    step: int = 0
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class LogMetric(RunId, kw_only=True):
    """One measurement for a run."""

    key: str
    value: float | str
    timestamp: int
    step: int = 0
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class LogPair(RunId, kw_only=True):
    """One param or tag for a run."""

    key: str
    value: str = ""


class TagKey(RunId, kw_only=True):
    """A tag to take off."""

    key: str


class LogBatch(RunId):
    """Many things for a run."""

    metrics: list[MetricBody] = []
    params: list[Pair] = []
    tags: list[Pair] = []


class DatasetBody(msgspec.Struct):
    """Data."""

    name: str
    digest: str
    source_type: str = ""
    source: str = ""
    schema: str | None = None
    profile: str | None = None


class DatasetInputBody(msgspec.Struct):
    """Data that was taken in."""

    dataset: DatasetBody
    tags: list[Pair] = []


class ModelBody(msgspec.Struct):
    """A logged model that was taken in or given out."""

    model_id: str
    step: int = 0


class LogInputs(RunId):
    """What a run took in."""

    datasets: list[DatasetInputBody] = []
    models: list[ModelBody] = []


class LogOutputs(RunId):
    """What a run gave out."""

    models: list[ModelBody] = []


class SearchRuns(msgspec.Struct):
    """Which runs, in which order, which part of them."""

    experiment_ids: list[str] = []
    filter: str | None = None
    run_view_type: Any = "ACTIVE_ONLY"
    max_results: int = _PAGE
    order_by: list[str] = []
    page_token: str | None = None


class MetricHistory(RunId, kw_only=True):
    """Which metric of a run, which part of it."""

    metric_key: str
    page_token: str | None = None
    max_results: int | None = None


class BulkHistory(msgspec.Struct):
    """Which metric of which runs."""

    metric_key: str
    run_id: list[str] = []
    run_ids: list[str] = []
    start_step: int | None = None
    end_step: int | None = None
    max_results: int | None = None

    @property
    def runs(self) -> list[str]:
        """The runs' ids, by which of the two names they came."""
        return self.run_ids or self.run_id


@mlflow.post(f"{API}/runs/create", Permission.EXPERIMENT_EDIT, body=CreateRun)
async def create_run(call: Call) -> Response:
    """Begin a run."""
    asked = await body(call, CreateRun)
    tags = tuple((tag.key, tag.value) for tag in asked.tags)
    new = NewRun(asked.experiment_id, asked.user_id, asked.run_name, asked.start_time, tags)
    made = run_json(await call.services.store.write(core.create_run, call.actor, new))
    del made["outputs"]  # as in MLflow, which shows them from then on
    return answer({"run": made})


@mlflow.get(f"{API}/runs/get", Permission.EXPERIMENT_READ)
async def get_run(call: Call) -> Response:
    """One run with what it logged."""
    found = await call.services.store.glance(core.get_run, call.actor, query(call, RunId).id)
    return answer({"run": run_json(found)})


@mlflow.post(f"{API}/runs/update", Permission.EXPERIMENT_EDIT, body=UpdateRun)
async def update_run(call: Call) -> Response:
    """Note how a run goes on."""
    asked = await body(call, UpdateRun)
    change = RunChange(_status(asked.status), asked.end_time, asked.run_name)
    run = await call.services.store.write(core.change_run, call.actor, asked.id, change)
    return answer({"run_info": info_json(run)})


@mlflow.post(f"{API}/runs/delete", Permission.EXPERIMENT_MANAGE, body=RunId)
async def delete_run(call: Call) -> Response:
    """Mark a run as deleted."""
    asked = await body(call, RunId)
    await call.services.store.write(core.delete_run, call.actor, asked.id)
    return answer()


@mlflow.post(f"{API}/runs/restore", Permission.EXPERIMENT_MANAGE, body=RunId)
async def restore_run(call: Call) -> Response:
    """Bring a deleted run back."""
    asked = await body(call, RunId)
    await call.services.store.write(core.restore_run, call.actor, asked.id)
    return answer()


@mlflow.post(f"{API}/runs/log-metric", Permission.EXPERIMENT_EDIT, body=LogMetric)
async def log_metric(call: Call) -> Response:
    """Log one measurement."""
    asked = await body(call, LogMetric)
    batch = Batch(metrics=[_measurement(asked)])
    await call.services.store.write(log.log_batch, call.actor, asked.id, batch)
    return answer()


@mlflow.post(f"{API}/runs/log-parameter", Permission.EXPERIMENT_EDIT, body=LogPair)
async def log_parameter(call: Call) -> Response:
    """Log one param."""
    asked = await body(call, LogPair)
    await call.services.store.write(log.log_batch, call.actor, asked.id, Batch(params={asked.key: asked.value}))
    return answer()


@mlflow.post(f"{API}/runs/set-tag", Permission.EXPERIMENT_EDIT, body=LogPair)
async def set_tag(call: Call) -> Response:
    """Put a tag on a run."""
    asked = await body(call, LogPair)
    await call.services.store.write(log.log_batch, call.actor, asked.id, Batch(tags={asked.key: asked.value}))
    return answer()


@mlflow.post(f"{API}/runs/delete-tag", Permission.EXPERIMENT_EDIT, body=TagKey)
async def delete_tag(call: Call) -> Response:
    """Take a tag off a run."""
    asked = await body(call, TagKey)
    await call.services.store.write(core.delete_tag, call.actor, asked.id, asked.key)
    return answer()


@mlflow.post(f"{API}/runs/log-batch", Permission.EXPERIMENT_EDIT, body=LogBatch)
async def log_batch(call: Call) -> Response:
    """Log many things, all or none of them."""
    asked = await body(call, LogBatch)
    _refuse_double(asked.params)
    batch = Batch(
        [_measurement(metric) for metric in asked.metrics],
        {param.key: param.value for param in asked.params},
        {tag.key: tag.value for tag in asked.tags},
    )
    await call.services.store.write(log.log_batch, call.actor, asked.id, batch)
    return answer()


@mlflow.post(f"{API}/runs/log-inputs", Permission.EXPERIMENT_EDIT, body=LogInputs)
async def log_inputs(call: Call) -> Response:
    """Log what a run took in."""
    asked = await body(call, LogInputs)
    datasets = [_dataset(each) for each in asked.datasets]
    models = [model.model_id for model in asked.models]
    await call.services.store.write(log.log_inputs, call.actor, asked.id, datasets, models)
    return answer()


@mlflow.post(f"{API}/runs/outputs", Permission.EXPERIMENT_EDIT, body=LogOutputs)
async def log_outputs(call: Call) -> Response:
    """Log which models a run gave out."""
    asked = await body(call, LogOutputs)
    models = [(model.model_id, model.step) for model in asked.models]
    await call.services.store.write(log.log_outputs, call.actor, asked.id, models)
    return answer()


@mlflow.post(f"{API}/runs/search", Permission.EXPERIMENT_READ, body=SearchRuns)
async def search_runs(call: Call) -> Response:
    """Runs that fit a filter."""
    asked = await body(call, SearchRuns)
    page = page_of(asked.page_token, asked.max_results, _PAGE_MAX)
    conditions, orders = grammar.runs(asked.filter, asked.order_by)
    order = total_order(orders, grammar.RUNS.default, grammar.RUNS.ties)
    conditions, order = renamed((conditions, order), _NAMES)
    lifecycles = view(asked.run_view_type)
    found = await call.services.store.read(
        core.search_runs, call.actor, asked.experiment_ids, conditions, order, lifecycles, page
    )
    return answer(present(runs=[run_json(run) for run in found[: page.limit - 1]]) | next_token(found, page))


@mlflow.get(f"{API}/metrics/get-history", Permission.EXPERIMENT_READ)
async def get_history(call: Call) -> Response:
    """All measurements of one metric of a run."""
    asked = query(call, MetricHistory)
    whole = asked.max_results is None and not asked.page_token
    most = _HISTORY_MAX if asked.max_results is None else asked.max_results
    page = Part(2**31) if whole else page_of(asked.page_token, most, _HISTORY_MAX)
    found = await call.services.store.read(history.metric_history, call.actor, asked.id, asked.metric_key, page)
    shown = [metric_json(metric) for metric in found[: page.limit - 1]]
    return answer(present(metrics=shown) | ({} if whole else next_token(found, page)))


@mlflow.get(f"{API}/metrics/get-history-bulk", Permission.EXPERIMENT_READ)
async def get_history_bulk(call: Call) -> Response:
    """One metric of several runs."""
    asked = query(call, BulkHistory)
    limit = min(asked.max_results or _HISTORY_MAX, _HISTORY_MAX)
    if limit < 1:
        raise invalid("max_results must be a positive integer")
    found = await call.services.store.read(history.histories, call.actor, asked.runs, asked.metric_key, limit)
    return answer({"metrics": _of_runs(found)})


@mlflow.get(f"{API}/metrics/get-history-bulk-interval", Permission.EXPERIMENT_READ)
async def get_history_bulk_interval(call: Call) -> Response:
    """One metric of several runs between two steps, thinned where there are many."""
    asked = query(call, BulkHistory)
    limit = _BULK_MAX if asked.max_results is None else asked.max_results
    if not 1 <= limit <= _BULK_MAX:
        raise invalid(f"max_results must be between 1 and {_BULK_MAX}")
    steps = (asked.start_step, asked.end_step)
    found = await call.services.store.read(history.samples, call.actor, asked.runs, asked.metric_key, limit, steps)
    return answer(present(metrics=_of_runs(found)))


def _of_runs(found: list[Metric]) -> list[dict[str, Any]]:
    return [metric_json(metric) | {"run_id": metric.run_id} for metric in found]


def run_json(found: RunView) -> dict[str, Any]:
    """A run as MLflow writes it."""
    data = present(
        metrics=[metric_json(metric) for metric in found.metrics],
        params=pairs(found.params),
        tags=pairs(found.tags),
    )
    datasets = [
        present(
            tags=link.tags,
            dataset=present(
                name=dataset.name,
                digest=dataset.digest,
                source_type=dataset.source_type,
                source=dataset.source,
                schema=dataset.schema,
                profile=dataset.profile,
            ),
        )
        for dataset, link in found.datasets
    ]
    taken = [{"model_id": model.model_id} for model in found.models if model.direction == "input"]
    given = [{"model_id": m.model_id, "step": m.step} for m in found.models if m.direction == "output"]
    return {
        "info": info_json(found.run),
        "data": data,
        "inputs": present(dataset_inputs=datasets, model_inputs=taken),
        "outputs": present(model_outputs=given),
    }


def info_json(run: Run) -> dict[str, Any]:
    """What MLflow writes of a run itself."""
    return present(
        run_uuid=run.id,
        experiment_id=run.experiment_id,
        user_id=run.user_name,
        status=run.status,
        start_time=run.start_time,
        end_time=run.end_time,
        artifact_uri=run.artifact_uri,
        lifecycle_stage=run.lifecycle,
        run_id=run.id,
        run_name=run.name,
    )


def metric_json(metric: Metric | LatestMetric) -> dict[str, Any]:
    """A measurement as MLflow writes it; what is no number is the text NaN."""
    value = "NaN" if metric.is_nan else metric.value
    return {"key": metric.key, "value": value, "timestamp": metric.timestamp, "step": metric.step}


def _status(given: Any) -> str | None:
    if given is None:
        return None
    return _STATUSES.get(given, str(given)) if isinstance(given, int) else str(given)


def _measurement(given: MetricBody | LogMetric) -> Measurement:
    return Measurement(
        given.key,
        _number(given.value),
        given.timestamp,
        given.step,
        given.model_id or None,
        given.dataset_name,
        given.dataset_digest,
    )


def _number(value: float | str) -> float:
    try:
        number = float(value)
    except ValueError:
        raise invalid(
            f"Invalid value {str(value)[:60]!r} for parameter 'value' supplied: it must be a number"
        ) from None
    if isinstance(value, str) and not (math.isnan(number) or math.isinf(number)) and "_" in value:
        raise invalid(f"Invalid value {value[:60]!r} for parameter 'value' supplied: it must be a number")
    return number


def _dataset(given: DatasetInputBody) -> DatasetInput:
    data = given.dataset
    tags = tuple((tag.key, tag.value) for tag in given.tags)
    return DatasetInput(data.name, data.digest, data.source_type, data.source, data.schema, data.profile, tags)


def _refuse_double(params: list[Pair]) -> None:
    keys = {param.key for param in params}
    if len(keys) < len(params):
        raise invalid("Duplicate parameter keys have been submitted: each param may stand in a batch once")
