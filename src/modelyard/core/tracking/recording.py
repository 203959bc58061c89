"""What runs log: metrics, params, tags, and the data and models they took in and gave out."""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.store import Existing, Tx
from modelyard.core.tracking.entities import (
    Dataset,
    LatestMetric,
    LoggedModelMetric,
    Metric,
    Run,
    RunDataset,
    RunModel,
    RunParam,
    RunTag,
)
from modelyard.core.tracking.limits import (
    BATCH_MAX,
    BATCH_TOTAL_MAX,
    INPUT_TAG_KEY_MAX,
    INPUT_TAG_MAX,
    PARAM_MAX,
    RUN_TAG_MAX,
    check_integer,
    check_key,
    check_length,
    shortened,
)

NAME_TAG = "mlflow.runName"
CONTEXT_TAG = "mlflow.data.context"

_LARGEST = 1.7976931348623157e308
_DATASET_LENGTHS = {"name": 500, "digest": 36, "source": 65_535, "schema": 1_048_575, "profile": 16_777_215}


@dataclass(frozen=True, slots=True)
class Measurement:
    """A metric as it is logged: any float, ``timestamp`` in milliseconds since 1970.

    With ``model_id`` it is one of a logged model too, perhaps on the dataset named.
    """

    key: str
    value: float
    timestamp: int
    step: int = 0
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What one call logs."""

    metrics: Sequence[Measurement] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DatasetInput:
    """Data that a run takes in, with tags on the taking in."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None = None
    profile: str | None = None
    tags: tuple[tuple[str, str], ...] = ()


def check_batch(batch: Batch) -> None:
    """Whether a call logs no more at once than it may."""
    counts = {"metrics": len(batch.metrics), "params": len(batch.params), "tags": len(batch.tags)}
    for what, count in counts.items():
        if count > BATCH_MAX[what]:
            raise invalid(f"A batch logging request can contain at most {BATCH_MAX[what]} {what}. Got {count} {what}.")
    if sum(counts.values()) > BATCH_TOTAL_MAX:
        raise invalid(
            f"A batch logging request can contain at most {BATCH_TOTAL_MAX} metrics, params and tags together. "
            f"Got {sum(counts.values())}. Split up the request."
        )


def write_metrics(tx: Tx, run: Run, measurements: Sequence[Measurement]) -> None:
    """Add measurements and keep the latest of each key at hand; logging one twice is the same as once."""
    if not measurements:
        return
    rows = [_metric(run, number, each) for number, each in enumerate(measurements)]
    tx.insert_all(rows, existing=Existing.KEEP)
    newest: dict[str, Metric] = {}
    for row in rows:
        if row.key not in newest or _age(row) >= _age(newest[row.key]):
            newest[row.key] = row
    known = {latest.key: latest for latest in tx.find(LatestMetric, run_id=run.id, key=sorted(newest))}
    newer = [row for key, row in newest.items() if key not in known or _age(row) >= _age(known[key])]
    tx.insert_all(
        [LatestMetric(0, run.id, m.key, m.value, m.timestamp, m.step, m.is_nan) for m in newer],
        existing=Existing.REPLACE,
    )
    of_models = [_of_model(run, row, each) for row, each in zip(rows, measurements, strict=True) if each.model_id]
    tx.insert_all(of_models, existing=Existing.REPLACE)


def write_params(tx: Tx, run: Run, params: Mapping[str, str]) -> None:
    """Add params; one that is there with another value cannot be changed. Values that are too long are cut."""
    if not params:
        return
    params = {check_key("param", key): value[:PARAM_MAX] for key, value in params.items()}
    rows = [RunParam(0, run.id, key, value) for key, value in params.items()]
    known = dict(tx.values(RunParam, ("key", "value"), run_id=run.id, key=sorted(params)))
    for key, value in known.items():
        if params[key] != value:
            raise invalid(
                f"Changing param values is not allowed. Param with key='{shortened(key)}' was already logged with "
                f"value='{shortened(value)}' for run ID='{run.id}'. Attempted logging new value "
                f"'{shortened(params[key])}'."
            )
    tx.insert_all([row for row in rows if row.key not in known])


def write_tags(tx: Tx, run: Run, tags: Mapping[str, str]) -> None:
    """Put tags on a run, in place of those with the same keys. Values that are too long are cut."""
    rows = [RunTag(0, run.id, check_key("tag", key), value[:RUN_TAG_MAX]) for key, value in tags.items()]
    tx.insert_all(rows, existing=Existing.REPLACE)


def write_datasets(tx: Tx, run: Run, inputs: Iterable[DatasetInput]) -> None:
    """Note what data a run took in; the same data twice is noted once."""
    for each in inputs:
        for name, most in _DATASET_LENGTHS.items():
            check_length(f"dataset.{name}", getattr(each, name) or "", most)
        for key, value in each.tags:
            check_length("tags.key", key, INPUT_TAG_KEY_MAX)
            check_length("tags.value", value, INPUT_TAG_MAX)
        identity = hashlib.sha256(f"{run.experiment_id}\n{each.name}\n{each.digest}".encode()).hexdigest()[:32]
        dataset = Dataset(
            identity,
            run.experiment_id,
            each.name,
            each.digest,
            each.source_type,
            each.source,
            each.schema,
            each.profile,
        )
        tx.insert_all([dataset], existing=Existing.KEEP)
        tags = [{"key": key, "value": value} for key, value in each.tags]
        context = dict(each.tags).get(CONTEXT_TAG)
        tx.insert_all([RunDataset(0, run.id, identity, context, tags)], existing=Existing.KEEP)


def write_models(tx: Tx, run: Run, direction: str, models: Iterable[tuple[str, int]]) -> None:
    """Note which logged models, at which step, a run took in or gave out."""
    rows = [RunModel(0, run.id, model_id, direction, check_integer("models.step", step)) for model_id, step in models]
    tx.insert_all(rows, existing=Existing.KEEP)


def _metric(run: Run, number: int, each: Measurement) -> Metric:
    key = check_key(f"metrics[{number}]", each.key)
    check_integer(f"metrics[{number}].timestamp", each.timestamp, least=0)
    check_integer(f"metrics[{number}].step", each.step)
    not_a_number = math.isnan(each.value)
    value = 0.0 if not_a_number else max(-_LARGEST, min(_LARGEST, each.value))
    return Metric(0, run.id, key, value, each.timestamp, each.step, not_a_number)


def _age(metric: Any) -> tuple[int, int, float]:
    return metric.step, metric.timestamp, metric.value


def _of_model(run: Run, row: Metric, each: Measurement) -> LoggedModelMetric:
    return LoggedModelMetric(
        0,
        each.model_id or "",
        run.id,
        row.key,
        row.value,
        row.timestamp,
        row.step,
        row.is_nan,
        None,
        each.dataset_name,
        each.dataset_digest,
    )
