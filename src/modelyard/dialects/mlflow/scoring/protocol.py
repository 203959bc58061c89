"""``POST /deployments/{namespace}/{deployment}/invocations``: MLflow's scoring, see ``web.inference``."""

import re
import time
from typing import Any, Final

import numpy as np
import orjson
from starlette.types import Scope

from modelyard.core.kernel.errors import DomainError, ErrorKind, not_found
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.routes import Route, RouteTable
from modelyard.core.serving.tensors import Array
from modelyard.dialects.mlflow.dialect import CODES, told
from modelyard.dialects.mlflow.scoring.request import columns_of
from modelyard.web.inference.protocol import Answer, Headers, Refusal
from modelyard.web.inference.running import now_ms, run

PATH: Final = "/deployments/{namespace}/{deployment}/invocations"
_PREFIX = "/deployments/"
_PLACE = re.compile(r"/deployments/([^/]+)/([^/]+)/invocations")
_JSON = b"application/json"
_CODES = CODES | {ErrorKind.INVALID: "BAD_REQUEST"}
_UNSUPPORTED_MEDIA_TYPE = 415


class MlflowInference:
    """See ``web.inference.protocol.InferenceProtocol``."""

    def claims(self, scope: Scope) -> bool:
        path: str = scope["path"]
        return path.startswith(_PREFIX) and _PLACE.fullmatch(path) is not None

    def find(self, scope: Scope, headers: Headers, routes: RouteTable) -> Route:
        del headers
        route = routes.at(*_place(scope))
        if route is None:
            raise not_found("deployment", self.shown(scope))
        return route

    def shown(self, scope: Scope) -> str:
        return "/".join(_place(scope))[:200]

    def answer(self, route: Route, body: bytes, headers: Headers, scope: Scope) -> Answer:
        del scope
        began = time.perf_counter_ns()
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        columns, framed = columns_of(body, content_type, route.graph.inputs)
        result, extra = run(route, columns, began)
        predictions = {"predictions": _records(result) if framed else _tensors(result)}
        encoded = orjson.dumps(predictions, option=orjson.OPT_SERIALIZE_NUMPY)
        return Answer(encoded, _JSON, now_ms(), result, columns, extra)

    def refusal(self, error: DomainError, headers: Headers, scope: Scope) -> Refusal:
        del headers, scope
        status, fields, message = told(error)
        if error.details.get("unsupported"):
            status = _UNSUPPORTED_MEDIA_TYPE
        body = orjson.dumps({"error_code": _CODES[error.kind], "message": message})
        return Refusal(status, body, {"content-type": "application/json", **fields})


def _place(scope: Scope) -> tuple[str, str]:
    found = _PLACE.fullmatch(scope["path"])
    assert found is not None  # noqa: S101  # it was claimed
    return found[1], found[2]


def _records(result: Result) -> list[dict[str, Any]]:
    """One object a row, as MLflow answers a frame; an output of one number a row is that number."""
    columns = [_column(array) for array in result.outputs.values()]
    return [dict(zip(result.outputs, row, strict=True)) for row in zip(*columns, strict=True)]


def _column(array: Array) -> Any:
    flat = array.reshape(len(array)) if array.size == len(array) else array
    return np.ascontiguousarray(flat) if flat.ndim > 1 and flat.dtype.kind in "fiub" else list(flat)


def _tensors(result: Result) -> dict[str, Any]:
    return {
        name: np.ascontiguousarray(array) if array.dtype.kind in "fiub" else array.tolist()
        for name, array in result.outputs.items()
    }
