"""OpenAPI of one deployment's addresses in Seldon's protocol."""

from typing import Any

from modelyard.core.serving.routes import Route
from modelyard.core.serving.tables import taking

_MESSAGE = {"$ref": "#/components/schemas/SeldonMessage"}
_SCHEMAS: dict[str, Any] = {
    "SeldonMessage": {
        "type": "object",
        "properties": {
            "meta": {"$ref": "#/components/schemas/Meta"},
            "data": {"$ref": "#/components/schemas/Data"},
            "strData": {"type": "string"},
            "binData": {"type": "string", "format": "byte"},
            "jsonData": {},
            "status": {"$ref": "#/components/schemas/Status"},
        },
    },
    "Data": {
        "type": "object",
        "description": "`names` and exactly one of the others.",
        "properties": {
            "names": {"type": "array", "items": {"type": "string"}},
            "ndarray": {"type": "array", "items": {}},
            "tensor": {
                "type": "object",
                "properties": {
                    "shape": {"type": "array", "items": {"type": "integer"}},
                    "values": {"type": "array", "items": {"type": "number"}},
                },
                "required": ["values"],
            },
            "tftensor": {"type": "object"},
        },
    },
    "Meta": {
        "type": "object",
        "properties": {
            "puid": {"type": "string"},
            "tags": {"type": "object"},
            "routing": {"type": "object", "additionalProperties": {"type": "integer"}},
            "requestPath": {"type": "object", "additionalProperties": {"type": "string"}},
            "metrics": {"type": "array", "items": {"type": "object"}},
        },
    },
    "Status": {
        "type": "object",
        "properties": {
            "code": {"type": "integer"},
            "info": {"type": "string"},
            "reason": {"type": "string"},
            "status": {"type": "string", "enum": ["SUCCESS", "FAILURE"]},
        },
    },
    "Feedback": {
        "type": "object",
        "properties": {
            "request": _MESSAGE,
            "response": _MESSAGE,
            "reward": {"type": "number", "minimum": 0, "maximum": 1},
            "truth": {},
        },
    },
}


def document(route: Route) -> dict[str, Any]:
    """The deployment's OpenAPI document."""
    base = f"/seldon/{route.workspace}/{route.pipeline_name}/api/v1.0"
    takes = f"Takes {taking(route.graph.inputs)}; gives {taking(route.graph.outputs)}."
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{route.workspace}/{route.pipeline_name}", "version": route.pipeline_version},
        "paths": {
            f"{base}/predictions": {"post": _operation("Predict", takes, _MESSAGE)},
            f"{base}/feedback": {
                "post": _operation("Say what an answer was worth", "", {"$ref": "#/components/schemas/Feedback"})
            },
            f"{base}/metadata": {"get": _operation("What the deployment takes and gives")},
            f"{base}/status": {"get": _operation("Whether it answers")},
            f"{base}/health/status": {"get": _operation("Whether it answers")},
        },
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"bearer": []}],
    }


def _operation(summary: str, description: str = "", body: dict[str, Any] | None = None) -> dict[str, Any]:
    content = {"application/json": {"schema": _MESSAGE}}
    taken = {"requestBody": {"required": True, "content": {"application/json": {"schema": body}}}} if body else {}
    return {
        "summary": summary,
        "description": description,
        **taken,
        "responses": {
            "200": {"description": "Success", "content": content},
            "default": {"description": "Failure", "content": content},
        },
    }
