"""An OpenAPI 3.1 description, made of the routes as they are declared: nothing in it is written twice."""

import re
from collections.abc import Iterable
from inspect import getdoc
from typing import Any

import msgspec
from starlette.routing import Route

from modelyard.dialects.wallaroo import inference_reference
from modelyard.web.routing import Endpoint, Public, Shapes

_PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_BINARY = {"type": "string", "format": "binary"}
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "password": {
        "type": "oauth2",
        "flows": {"password": {"tokenUrl": "/auth/realms/master/protocol/openid-connect/token", "scopes": {}}},
    },
}
_ANY_OF: list[dict[str, Any]] = [{name: []} for name in _SECURITY]


class ErrorBody(msgspec.Struct):
    """What any call answers when it does not succeed."""

    code: int
    msg: str
    error: str
    status: str
    source: str


def describe(routes: Iterable[Route], title: str, version: str) -> dict[str, Any]:
    """The description of these routes, each of which must be an ``Endpoint``, and of the inference call."""
    endpoints = [route.endpoint for route in routes if isinstance(route.endpoint, Endpoint)]
    schemas = _Schemas(endpoints)
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        path = paths.setdefault(_PARAMETER.sub(r"{\1}", endpoint.path), {})
        path[endpoint.method.lower()] = _operation(endpoint, schemas)
    paths[inference_reference.PATH] = {"post": inference_reference.operation(_ANY_OF, _failure(schemas))}
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": schemas.components, "securitySchemes": _SECURITY},
    }


class _Schemas:
    """The JSON Schemas of all types that the endpoints name."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        types = {repr(kind): kind for e in endpoints for kind in (e.shapes.body, e.shapes.response) if kind is not None}
        types[repr(ErrorBody)] = ErrorBody
        found = msgspec.json.schema_components(types.values(), ref_template="#/components/schemas/{name}")
        schemas, self.components = _shortly_named(found)
        self._of = dict(zip(types, schemas, strict=True))

    def content(self, kind: Any, media_type: str = "application/json") -> dict[str, Any]:
        """The ``content`` of a body of this type."""
        schema = self._of[repr(kind)] if kind is not None else _BINARY
        if media_type == "multipart/form-data":
            parts = {"metadata": schema, "file": _BINARY}
            schema = {"type": "object", "properties": parts, "required": list(parts)}
        return {media_type: {"schema": schema}}


def _shortly_named(value: Any) -> Any:
    """Types of the same name are told apart by their whole module; its last word does as well: ``modelsListBody``."""
    if isinstance(value, dict):
        return {_short(key): _shortly_named(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shortly_named(item) for item in value]
    return _short(value) if isinstance(value, str) and value.startswith("#/components/schemas/") else value


def _short(name: str) -> str:
    return re.sub(r"modelyard\.[\w.]*?(\w+)\.(\w+)$", r"\1\2", name)


def _operation(endpoint: Endpoint, schemas: _Schemas) -> dict[str, Any]:
    text = (getdoc(endpoint.handler) or endpoint.handler.__name__).replace("``", "`")
    summary, _, description = text.partition("\n")
    public = isinstance(endpoint.permission, Public)
    permission = "public" if public else str(endpoint.permission)
    access = "Anybody may call this." if public else f"Needs the permission `{permission}`."
    return {
        "operationId": re.sub(r"[^A-Za-z0-9]+", "-", f"{endpoint.method.lower()}{endpoint.path}").rstrip("-"),
        "summary": summary.rstrip(".").replace("`", ""),
        "description": f"{description.strip()}\n\n{access}".strip(),
        "tags": [_area(endpoint.path)],
        "parameters": [_parameter(*found) for found in _PARAMETER.findall(endpoint.path)],
        "security": [] if public else _ANY_OF,
        "responses": _responses(endpoint.shapes, schemas, public=public),
        "x-permission": permission,
        **_request_body(endpoint.shapes, schemas),
    }


def _request_body(shapes: Shapes, schemas: _Schemas) -> dict[str, Any]:
    if shapes.body is None and shapes.accepts == "application/json":
        return {}
    return {"requestBody": {"required": True, "content": schemas.content(shapes.body, shapes.accepts)}}


def _responses(shapes: Shapes, schemas: _Schemas, *, public: bool) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Success"}
    if shapes.response is not None:
        success["content"] = schemas.content(shapes.response)
    failure = _failure(schemas)
    refusals = {} if public else {"401": {**failure, "description": "No valid access token"}}
    return {str(shapes.success): success, **refusals, "default": failure}


def _failure(schemas: _Schemas) -> dict[str, Any]:
    return {"description": "What was wrong, and what to do", "content": schemas.content(ErrorBody)}


def _parameter(name: str, convertor: str) -> dict[str, Any]:
    kind = "integer" if convertor == "int" else "string"
    return {"name": name, "in": "path", "required": True, "schema": {"type": kind}}


def _area(path: str) -> str:
    """The group a call is shown in: the first word after the version, such as "models"."""
    words = [word for word in path.split("/") if word not in {"", "v1", "v2", "api"}]
    return words[0].partition(".")[0]
