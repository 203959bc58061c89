"""``/experiments/*``."""

from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.search import total_order
from modelyard.core.tracking import experiments as core
from modelyard.core.tracking.entities import Lifecycle
from modelyard.core.tracking.experiments import ExperimentView
from modelyard.dialects.mlflow import grammar
from modelyard.dialects.mlflow.dialect import (
    API,
    WORKSPACE,
    answer,
    body,
    mlflow,
    next_token,
    page_of,
    pairs,
    query,
    renamed,
)
from modelyard.web.call import Call

_PAGE_MAX = 50_000
_NAMES = {"experiment_id": "id"}
VIEWS = {
    "ACTIVE_ONLY": {Lifecycle.ACTIVE},
    "DELETED_ONLY": {Lifecycle.DELETED},
    "ALL": {Lifecycle.ACTIVE, Lifecycle.DELETED},
}
"""View types; an unknown one is read as the first."""


class Pair(msgspec.Struct):
    """A key and value."""

    key: str
    value: str = ""


class CreateExperiment(msgspec.Struct):
    """What an experiment begins with."""

    name: str
    artifact_location: str = ""
    tags: list[Pair] = []


class ExperimentId(msgspec.Struct):
    """Which experiment."""

    experiment_id: str


class ExperimentName(msgspec.Struct):
    """Which experiment."""

    experiment_name: str


class UpdateExperiment(msgspec.Struct):
    """A new name."""

    experiment_id: str
    new_name: str | None = None


class SearchExperiments(msgspec.Struct):
    """Which experiments, in which order, which part of them."""

    max_results: int = 0
    page_token: str | None = None
    filter: str | None = None
    order_by: list[str] = []
    view_type: Any = "ACTIVE_ONLY"


class ExperimentTagBody(msgspec.Struct):
    """A tag to put on."""

    experiment_id: str
    key: str
    value: str = ""


class ExperimentTagKey(msgspec.Struct):
    """A tag to take off."""

    experiment_id: str
    key: str


@mlflow.post(f"{API}/experiments/create", Permission.EXPERIMENT_CREATE, body=CreateExperiment)
async def create_experiment(call: Call) -> Response:
    """Make an experiment."""
    asked = await body(call, CreateExperiment)
    tags = {tag.key: tag.value for tag in asked.tags}
    made = await call.services.store.write(
        core.create_experiment, call.actor, asked.name, asked.artifact_location, tags
    )
    return answer({"experiment_id": made.id})


@mlflow.get(f"{API}/experiments/get", Permission.EXPERIMENT_READ)
async def get_experiment(call: Call) -> Response:
    """One experiment by its id."""
    asked = query(call, ExperimentId)
    found = await call.services.store.glance(core.get_experiment, call.actor, asked.experiment_id)
    return answer({"experiment": experiment_json(found)})


@mlflow.get(f"{API}/experiments/get-by-name", Permission.EXPERIMENT_READ)
async def get_experiment_by_name(call: Call) -> Response:
    """One experiment by its name."""
    asked = query(call, ExperimentName)
    found = await call.services.store.glance(core.experiment_named, call.actor, asked.experiment_name)
    return answer({"experiment": experiment_json(found)})


@mlflow.post(f"{API}/experiments/search", Permission.EXPERIMENT_READ, body=SearchExperiments)
async def search_experiments(call: Call) -> Response:
    """Experiments that fit a filter."""
    return await _search(call, await body(call, SearchExperiments))


@mlflow.get(f"{API}/experiments/search", Permission.EXPERIMENT_READ)
async def list_experiments(call: Call) -> Response:
    """The same by GET."""
    return await _search(call, query(call, SearchExperiments))


@mlflow.post(f"{API}/experiments/update", Permission.EXPERIMENT_EDIT, body=UpdateExperiment)
async def update_experiment(call: Call) -> Response:
    """Rename an experiment."""
    asked = await body(call, UpdateExperiment)
    await call.services.store.write(core.rename_experiment, call.actor, asked.experiment_id, asked.new_name)
    return answer()


@mlflow.post(f"{API}/experiments/delete", Permission.EXPERIMENT_MANAGE, body=ExperimentId)
async def delete_experiment(call: Call) -> Response:
    """Mark an experiment as deleted."""
    asked = await body(call, ExperimentId)
    await call.services.store.write(core.delete_experiment, call.actor, asked.experiment_id)
    return answer()


@mlflow.post(f"{API}/experiments/restore", Permission.EXPERIMENT_MANAGE, body=ExperimentId)
async def restore_experiment(call: Call) -> Response:
    """Bring a deleted experiment back."""
    asked = await body(call, ExperimentId)
    await call.services.store.write(core.restore_experiment, call.actor, asked.experiment_id)
    return answer()


@mlflow.post(f"{API}/experiments/set-experiment-tag", Permission.EXPERIMENT_EDIT, body=ExperimentTagBody)
async def set_experiment_tag(call: Call) -> Response:
    """Put a tag on an experiment."""
    asked = await body(call, ExperimentTagBody)
    await call.services.store.write(core.set_experiment_tag, call.actor, asked.experiment_id, asked.key, asked.value)
    return answer()


@mlflow.post(f"{API}/experiments/delete-experiment-tag", Permission.EXPERIMENT_EDIT, body=ExperimentTagKey)
async def delete_experiment_tag(call: Call) -> Response:
    """Take a tag off an experiment."""
    asked = await body(call, ExperimentTagKey)
    await call.services.store.write(core.delete_experiment_tag, call.actor, asked.experiment_id, asked.key)
    return answer()


async def _search(call: Call, asked: SearchExperiments) -> Response:
    page = page_of(asked.page_token, asked.max_results, _PAGE_MAX)
    conditions, orders = grammar.experiments(asked.filter, asked.order_by)
    order = total_order(orders, grammar.EXPERIMENTS.default, grammar.EXPERIMENTS.ties)
    conditions, order = renamed((conditions, order), _NAMES, _as_text)
    lifecycles = view(asked.view_type)
    found = await call.services.store.read(core.search_experiments, call.actor, conditions, order, lifecycles, page)
    shown = [experiment_json(each) for each in found[: page.limit - 1]]
    return answer(({"experiments": shown} if shown else {}) | next_token(found, page))


def view(asked: Any) -> set[Lifecycle]:
    """The lifecycles behind a view type, which may be given by number."""
    by_number = dict(zip("123", VIEWS.values(), strict=True))
    return (VIEWS | by_number).get(str(asked), VIEWS["ACTIVE_ONLY"])


def experiment_json(found: ExperimentView) -> dict[str, Any]:
    """An experiment as MLflow writes it."""
    experiment = found.experiment
    shown = {
        "experiment_id": experiment.id,
        "name": experiment.name,
        "artifact_location": experiment.artifact_location,
        "lifecycle_stage": experiment.lifecycle,
        "last_update_time": experiment.last_update_time,
        "creation_time": experiment.creation_time,
    }
    return shown | ({"tags": pairs(found.tags)} if found.tags else {}) | {"workspace": WORKSPACE}


def _as_text(field: str, value: Any) -> Any:
    """Experiment ids are texts here, and numbers in the grammar."""
    if field != "experiment_id":
        return value
    return tuple(str(each) for each in value) if isinstance(value, tuple) else str(value)
