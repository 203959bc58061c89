"""Logging to a run: the use-cases."""

from collections.abc import Iterable, Sequence

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.store import Tx
from modelyard.core.tracking.entities import Run
from modelyard.core.tracking.logged_models import require_logged_model
from modelyard.core.tracking.recording import (
    Batch,
    DatasetInput,
    check_batch,
    write_datasets,
    write_metrics,
    write_models,
    write_params,
    write_tags,
)
from modelyard.core.tracking.runs import renamed_by_tag, require_active, require_run


def log_batch(tx: Tx, actor: Actor, run_id: str, batch: Batch) -> None:
    """Log metrics, params and tags, all or none of them."""
    run = _run(tx, actor, run_id)
    check_batch(batch)
    _check_models(tx, actor, {metric.model_id for metric in batch.metrics if metric.model_id})
    write_params(tx, run, batch.params)
    write_metrics(tx, run, batch.metrics)
    write_tags(tx, run, batch.tags)
    renamed_by_tag(tx, run, batch.tags)


def log_inputs(tx: Tx, actor: Actor, run_id: str, datasets: Iterable[DatasetInput], models: Sequence[str] = ()) -> None:
    """Log what data and logged models a run took in."""
    run = _run(tx, actor, run_id)
    _check_models(tx, actor, set(models), Permission.EXPERIMENT_READ)
    write_datasets(tx, run, datasets)
    write_models(tx, run, "input", [(model_id, 0) for model_id in models])


def log_outputs(tx: Tx, actor: Actor, run_id: str, models: Sequence[tuple[str, int]]) -> None:
    """Log which logged models a run gave out, and at which step."""
    run = _run(tx, actor, run_id)
    _check_models(tx, actor, {model_id for model_id, _ in models})
    write_models(tx, run, "output", models)


def _run(tx: Tx, actor: Actor, run_id: str) -> Run:
    return require_active(require_run(tx, actor, Permission.EXPERIMENT_EDIT, run_id))


def _check_models(
    tx: Tx, actor: Actor, model_ids: set[str], permission: Permission = Permission.EXPERIMENT_EDIT
) -> None:
    """Models named beside a run may be another's: they are asked for, each."""
    for model_id in sorted(model_ids):
        require_logged_model(tx, actor, permission, model_id)
