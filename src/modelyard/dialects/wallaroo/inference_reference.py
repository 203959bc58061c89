"""The inference call in OpenAPI. It is served before any router, so that nothing declares it but this."""

from typing import Any

from modelyard.core.access.permissions import Permission
from modelyard.dialects.wallaroo.inference.protocol import PREFIX
from modelyard.dialects.wallaroo.rows import ARROW_FILE

PATH = f"{PREFIX}{{namespace}}/{{pipeline}}"

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_RECORDS = {
    "schema": {"type": "array", "items": {"type": "object"}},
    "example": [{"tensor": [0.5, 1.25]}],
}


def operation(security: list[dict[str, Any]], failure: dict[str, Any]) -> dict[str, Any]:
    """The operation, with what all operations share."""
    return {
        "operationId": "post-v1-api-pipelines-infer",
        "summary": "Run a deployed pipeline",
        "description": (
            "One record for each row; columns are named after the model's inputs. `namespace` is the deployment's "
            "name and number, as in `ccfraud-7`; the answer has the format of the request.\n\n"
            f"Needs the permission `{Permission.PIPELINE_INFER}`."
        ),
        "tags": ["pipelines"],
        "parameters": [
            _path("namespace"),
            _path("pipeline"),
            _query("dataset[]", "Columns or groups of columns to answer with; `*` is all but metadata."),
            _query("dataset.exclude[]", "Columns or groups of columns to leave out."),
            _query("dataset.separator", "Answer flat, with names such as `out.y`; without it the answer nests.", "."),
        ],
        "security": security,
        "requestBody": {"required": True, "content": {"application/json": _RECORDS, ARROW_FILE: _BINARY}},
        "responses": {
            "200": {"description": "Success", "content": {"application/json": _RECORDS, ARROW_FILE: _BINARY}},
            "401": {**failure, "description": "No valid access token"},
            "default": failure,
        },
        "x-permission": str(Permission.PIPELINE_INFER),
    }


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query(name: str, description: str, example: str | None = None) -> dict[str, Any]:
    shape = {"type": "string"} if example else {"type": "array", "items": {"type": "string"}}
    found = {"name": name, "in": "query", "description": description, "schema": shape}
    return {**found, "example": example} if example else found
