"""ModelMetadataService: what people say of models, by project and URI."""

import ast
from collections.abc import Callable

from starlette.datastructures import QueryParams
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import ModelMetadata
from modelyard.core.catalogue.metadata_query import FIELDS, field_named, read_query
from modelyard.core.catalogue.model_metadata import (
    DEFAULT_PROJECT,
    MetadataFilter,
    create_metadata,
    delete_metadata,
    list_metadata,
    update_metadata,
)
from modelyard.core.kernel.errors import invalid
from modelyard.dialects.seldon.dialect import BASE, json, seldon
from modelyard.dialects.seldon.masks import read_mask
from modelyard.dialects.seldon.metadata_bodies import ModelBody, number, read_model, shown
from modelyard.dialects.seldon.paging import page_of
from modelyard.web.call import Call

_PATH = f"{BASE}/model/metadata"
_BODY_BYTES = 512 * 1024
_PRINTED_MAX = 2000
_UNSAID = ("", "UNKNOWN", "PROTOCOL_UNKNOWN")
_FILTERS = {
    "URI": "uri",
    "name": "name",
    "version": "version",
    "artifactType": "artifact_type",
    "taskType": "task_type",
    "project": "project",
    "defaultProtocol": "default_protocol",
}
_FIELDS = (
    *("URI", "name", "version", "artifactType", "taskType", "tags", "metrics", "creationTime", "predictionSchema"),
    *("project", "runtimeDefaults"),
)


@seldon.get(_PATH, Permission.MODEL_READ)
async def read_metadata(call: Call) -> Response:
    """The entries that fit, page by page. A ``query`` counts in place of the other filters."""
    asked = call.request.query_params
    wanted, order, mask = (
        _filter(asked),
        _order(asked.get("orderBy", "")),
        read_mask(asked.get("listMask", ""), _FIELDS, "URI"),
    )
    page = page_of(asked)
    found = await call.services.store.read(list_metadata, call.actor, wanted)
    chosen = order(found)[page.after : page.after + page.size + 1]
    token = str(page.after + page.size) if len(chosen) > page.size else ""
    return json({"models": [mask(shown(entry)) for entry in chosen[: page.size]], "nextPageToken": token})


@seldon.post(_PATH, Permission.MODEL_EDIT, body=ModelBody)
async def add_metadata(call: Call) -> Response:
    """Add an entry."""
    new = read_model(await call.body(_BODY_BYTES))
    await call.services.store.write(create_metadata, call.actor, new)
    return json({})


@seldon.route("PUT", _PATH, Permission.MODEL_EDIT, body=ModelBody)
async def change_metadata(call: Call) -> Response:
    """Replace an entry."""
    new = read_model(await call.body(_BODY_BYTES))
    await call.services.store.write(update_metadata, call.actor, new)
    return json({})


@seldon.route("DELETE", _PATH, Permission.MODEL_EDIT)
async def remove_metadata(call: Call) -> Response:
    """Remove an entry."""
    asked = call.request.query_params
    if not asked.get("URI"):
        raise invalid("URI is missing: name the model", field="URI")
    project = asked.get("project") or DEFAULT_PROJECT
    await call.services.store.write(delete_metadata, call.actor, project, asked["URI"])
    return json({})


def _filter(asked: QueryParams) -> MetadataFilter:
    query = asked.get("query", "").strip()
    fields = {field: asked[name] for name, field in _FILTERS.items() if asked.get(name, "") not in _UNSAID}
    metrics = {key: number(f"metrics[{key}]", value) for key, value in _keyed(asked, "metrics").items()}
    return MetadataFilter(fields, _keyed(asked, "tags"), metrics, read_query(query) if query else None)


def _keyed(asked: QueryParams, name: str) -> dict[str, str]:
    """``name[key]=value`` of the query by key, or what the Python SDK sends instead: ``name={'key': 'value'}``."""
    opening = f"{name}["
    found = {key[len(opening) : -1]: asked[key] for key in asked if key.startswith(opening) and key.endswith("]")}
    return found | (_printed(name, asked[name]) if asked.get(name) else {})


def _printed(name: str, text: str) -> dict[str, str]:
    """A dictionary as Python prints it."""
    try:
        read = ast.literal_eval(text[:_PRINTED_MAX])
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        read = None
    if not isinstance(read, dict):
        raise invalid(f"{name} is not understood: write {name}[key]=value", field=name)
    return {str(key): str(value) for key, value in read.items()}


def _order(text: str) -> Callable[[list[ModelMetadata]], list[ModelMetadata]]:
    """As SQL's ORDER BY: ``name, version desc``; entries that are equal stay in the order they were made."""
    orders = [_one_order(part) for part in text.split(",")] if text.strip() else []

    def sort(entries: list[ModelMetadata]) -> list[ModelMetadata]:
        ordered = list(entries)
        for field, descending in reversed(orders):
            ordered.sort(key=lambda entry: getattr(entry, field), reverse=descending)
        return ordered

    return sort


def _one_order(part: str) -> tuple[str, bool]:
    field, *direction = part.split()[:3] or [""]
    name = field_named(field)
    word = direction[0].lower() if direction else "asc"
    if name is None or len(direction) > 1 or word not in ("asc", "desc"):
        raise invalid(
            f"orderBy {part.strip()[:60]!r} is not understood: use fields ({', '.join(FIELDS)}) separated by commas, "
            "each with asc or desc behind it or nothing",
            field="orderBy",
        )
    return name, word == "desc"
