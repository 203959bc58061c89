"""``/logged-models/*``."""

from dataclasses import replace
from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.search import Attached, Condition, OnDataset, total_order
from modelyard.core.tracking import artifacts as files
from modelyard.core.tracking import logged_models as core
from modelyard.core.tracking.entities import LoggedModelStatus
from modelyard.core.tracking.logged_models import LoggedModelView, NewLoggedModel
from modelyard.dialects.mlflow import grammar
from modelyard.dialects.mlflow.artifacts import listing
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
from modelyard.dialects.mlflow.experiments import Pair
from modelyard.web.call import Call

_PAGE, _PAGE_MAX = 100, 50_000
_NAMES = {"model_id": "id"}
_STATUSES = dict(enumerate(LoggedModelStatus))
_ONE = f"{API}/logged-models/{{model_id}}"


class CreateLoggedModel(msgspec.Struct):
    """What is said of a model before its files come."""

    experiment_id: str
    name: str = ""
    model_type: str | None = None
    source_run_id: str | None = None
    params: list[Pair] = []
    tags: list[Pair] = []


class Finalize(msgspec.Struct):
    """Whether the files came."""

    status: Any


class Params(msgspec.Struct):
    """Params to add."""

    params: list[Pair] = []


class Tags(msgspec.Struct):
    """Tags to put on."""

    tags: list[Pair] = []


class MeasuredOn(msgspec.Struct):
    """A dataset that metrics were measured on."""

    dataset_name: str
    dataset_digest: str | None = None


class SearchLoggedModels(msgspec.Struct):
    """Which logged models, in which order, which part of them."""

    experiment_ids: list[str] = []
    filter: str | None = None
    datasets: list[MeasuredOn] = []
    max_results: int = 50
    order_by: list[dict[str, Any]] = []
    page_token: str | None = None


class Folder(msgspec.Struct):
    """Which folder of a logged model's artifacts."""

    artifact_directory_path: str = ""


@mlflow.post(f"{API}/logged-models", Permission.EXPERIMENT_EDIT, body=CreateLoggedModel)
async def create_logged_model(call: Call) -> Response:
    """Announce a model."""
    asked = await body(call, CreateLoggedModel)
    new = NewLoggedModel(
        asked.experiment_id,
        asked.name,
        asked.model_type,
        asked.source_run_id,
        tuple((param.key, param.value) for param in asked.params),
        tuple((tag.key, tag.value) for tag in asked.tags),
    )
    made = await call.services.store.write(core.create_logged_model, call.actor, new)
    return answer({"model": logged_model_json(made)})


@mlflow.post(f"{API}/logged-models/search", Permission.EXPERIMENT_READ, body=SearchLoggedModels)
async def search_logged_models(call: Call) -> Response:
    """Logged models that fit a filter."""
    asked = await body(call, SearchLoggedModels)
    page = page_of(asked.page_token, asked.max_results or _PAGE, _PAGE_MAX)
    conditions, orders = grammar.logged_models(asked.filter, asked.order_by)
    conditions = _on_datasets(conditions, asked.datasets)
    order = total_order(orders, grammar.LOGGED_MODELS.default, grammar.LOGGED_MODELS.ties)
    conditions, order = renamed((conditions, order), _NAMES, _status_text)
    found = await call.services.store.read(
        core.search_logged_models, call.actor, asked.experiment_ids, conditions, order, page
    )
    shown = [logged_model_json(model) for model in found[: page.limit - 1]]
    return answer(present(models=shown) | next_token(found, page))


@mlflow.get(_ONE, Permission.EXPERIMENT_READ)
async def get_logged_model(call: Call) -> Response:
    """One logged model."""
    found = await call.services.store.glance(core.get_logged_model, call.actor, _id(call))
    return answer({"model": logged_model_json(found)})


@mlflow.route("PATCH", _ONE, Permission.EXPERIMENT_EDIT, body=Finalize)
async def finalize_logged_model(call: Call) -> Response:
    """Note whether the model's files came."""
    asked = await body(call, Finalize)
    status = str(_STATUSES.get(asked.status, asked.status) if isinstance(asked.status, int) else asked.status)
    found = await call.services.store.write(core.finish_logged_model, call.actor, _id(call), status)
    return answer({"model": logged_model_json(found)})


@mlflow.route("DELETE", _ONE, Permission.EXPERIMENT_MANAGE)
async def delete_logged_model(call: Call) -> Response:
    """Mark a logged model as deleted."""
    await call.services.store.write(core.delete_logged_model, call.actor, _id(call))
    return answer()


@mlflow.post(f"{_ONE}/params", Permission.EXPERIMENT_EDIT, body=Params)
async def log_model_params(call: Call) -> Response:
    """Add params to a logged model."""
    params = [(param.key, param.value) for param in (await body(call, Params)).params]
    await call.services.store.write(core.add_params, call.actor, _id(call), params)
    return answer()


@mlflow.route("PATCH", f"{_ONE}/tags", Permission.EXPERIMENT_EDIT, body=Tags)
async def set_logged_model_tags(call: Call) -> Response:
    """Put tags on a logged model."""
    tags = [(tag.key, tag.value) for tag in (await body(call, Tags)).tags]
    await call.services.store.write(core.set_tags, call.actor, _id(call), tags)
    return answer()


@mlflow.route("DELETE", f"{_ONE}/tags/{{tag_key}}", Permission.EXPERIMENT_EDIT)
async def delete_logged_model_tag(call: Call) -> Response:
    """Take a tag off a logged model."""
    key: str = call.request.path_params["tag_key"]
    await call.services.store.write(core.delete_logged_model_tag, call.actor, _id(call), key)
    return answer()


@mlflow.get(f"{_ONE}/artifacts/directories", Permission.EXPERIMENT_READ)
async def list_logged_model_artifacts(call: Call) -> Response:
    """What lies directly in one folder of a logged model's artifacts."""
    folder = query(call, Folder).artifact_directory_path
    found = await call.services.store.glance(core.get_logged_model, call.actor, _id(call))
    return await listing(call, found.model.artifact_uri, files.checked_path(folder) if folder else "")


def logged_model_json(found: LoggedModelView) -> dict[str, Any]:
    """A logged model as MLflow writes it."""
    model = found.model
    info = present(
        model_id=model.id,
        experiment_id=model.experiment_id,
        name=model.name,
        creation_timestamp_ms=model.creation_timestamp,
        last_updated_timestamp_ms=model.last_updated_timestamp,
        artifact_uri=model.artifact_uri,
        status=model.status,
        model_type=model.model_type,
        source_run_id=model.source_run_id,
        status_message=model.status_message,
        tags=pairs(found.tags),
        registrations=[{"name": name, "version": str(number)} for name, number in found.registrations],
    )
    metrics = [
        present(
            key=metric.key,
            value="NaN" if metric.is_nan else metric.value,
            timestamp=metric.timestamp,
            step=metric.step,
            dataset_name=metric.dataset_name,
            dataset_digest=metric.dataset_digest,
            model_id=model.id,
            run_id=metric.run_id,
        )
        for metric in found.metrics
    ]
    return {"info": info, "data": present(params=pairs(found.params), metrics=metrics)}


def _on_datasets(conditions: tuple[Condition, ...], datasets: list[MeasuredOn]) -> tuple[Condition, ...]:
    """The conditions on metrics for values on these datasets only; without one, there must be such a value at all."""
    if not datasets:
        return conditions
    on = tuple(OnDataset(each.dataset_name, each.dataset_digest or None) for each in datasets)
    if not all(each.name for each in on):
        raise invalid("Missing value for required parameter 'dataset_name' in datasets")
    narrowed = tuple(replace(c, on=on) if isinstance(c, Attached) and c.what == "metric" else c for c in conditions)
    return (*narrowed, Attached("metric", "", "IS NOT NULL", None, on)) if narrowed == conditions else narrowed


def _id(call: Call) -> str:
    model_id: str = call.request.path_params["model_id"]
    return model_id


def _status_text(field: str, value: Any) -> Any:
    """A status may be written short: READY."""
    if field != "status":
        return value
    if isinstance(value, tuple):
        return tuple(_status_text(field, each) for each in value)
    return value if value.startswith("LOGGED_MODEL_") or "%" in value else f"LOGGED_MODEL_{value}"
