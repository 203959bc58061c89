"""An OpenAPI 3.1 description, made of the routes as they are declared: nothing in it is written twice."""

import re
from collections.abc import Iterable
from inspect import getdoc
from typing import Any

import msgspec
from starlette.routing import Route

from modelyard.web.routing import Endpoint, Public

_PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "password": {
        "type": "oauth2",
        "flows": {
            "password": {"tokenUrl": "/auth/realms/master/protocol/openid-connect/token", "scopes": {}},
        },
    },
}


class ErrorBody(msgspec.Struct):
    """What any call answers when it does not succeed."""

    code: int
    msg: str
    error: str
    status: str
    source: str


def describe(routes: Iterable[Route], title: str, version: str) -> dict[str, Any]:
    """The description of these routes, each of which must be an ``Endpoint``."""
    endpoints = [route.endpoint for route in routes if isinstance(route.endpoint, Endpoint)]
    shapes = [shape for e in endpoints for shape in (e.shapes.body, e.shapes.response) if shape is not None]
    schemas, components = msgspec.json.schema_components(
        [ErrorBody, *shapes], ref_template="#/components/schemas/{name}"
    )
    schema_of = dict(zip(map(repr, [ErrorBody, *shapes]), schemas, strict=True))
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        operations = paths.setdefault(_PARAMETER.sub(r"{\1}", endpoint.path), {})
        operations[endpoint.method.lower()] = _operation(endpoint, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": components, "securitySchemes": _SCHEMES},
    }


def _operation(endpoint: Endpoint, schema_of: dict[str, Any]) -> dict[str, Any]:
    summary, _, description = (getdoc(endpoint.handler) or endpoint.handler.__name__).partition("\n")
    public = isinstance(endpoint.permission, Public)
    operation: dict[str, Any] = {
        "operationId": f"{endpoint.method.lower()}{re.sub(r'[^A-Za-z0-9]+', '_', endpoint.path)}",
        "summary": summary.rstrip("."),
        "description": _access(endpoint, description.strip()),
        "tags": [_area(endpoint.path)],
        "parameters": [_parameter(*found) for found in _PARAMETER.findall(endpoint.path)],
        "security": [] if public else [{name: []} for name in _SCHEMES],
        "responses": _responses(endpoint, schema_of, public=public),
        "x-permission": "public" if public else str(endpoint.permission),
    }
    if endpoint.shapes.body is not None:
        operation["requestBody"] = {"required": True, "content": _json(schema_of[repr(endpoint.shapes.body)])}
    return operation


def _access(endpoint: Endpoint, description: str) -> str:
    needed = "Anybody may call this." if isinstance(endpoint.permission, Public) else f"Needs `{endpoint.permission}`."
    return f"{description}\n\n{needed}".strip()


def _responses(endpoint: Endpoint, schema_of: dict[str, Any], *, public: bool) -> dict[str, Any]:
    shapes = endpoint.shapes
    success: dict[str, Any] = {"description": "Success"}
    if shapes.response is not None:
        success["content"] = _json(schema_of[repr(shapes.response)])
    failure = {"description": "What was wrong, and what to do", "content": _json(schema_of[repr(ErrorBody)])}
    refusals = {} if public else {"401": {**failure, "description": "No valid access token"}}
    return {str(shapes.success): success, **refusals, "default": failure}


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _parameter(name: str, convertor: str) -> dict[str, Any]:
    kind = "integer" if convertor == "int" else "string"
    return {"name": name, "in": "path", "required": True, "schema": {"type": kind}}


def _area(path: str) -> str:
    """The group a call is shown in: the first word after the version, such as "models"."""
    words = [word for word in path.split("/") if word not in {"", "v1", "v2", "api"}]
    return words[0].partition(".")[0]
