"""``POST …/infer``: inference over HTTP, see ``web.inference``."""

import time

import orjson
from starlette.types import Scope

from modelyard.core.kernel.errors import DomainError
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.routes import Route, RouteTable
from modelyard.dialects.open_inference.answer import BINARY, JSON, encode, wanted
from modelyard.dialects.open_inference.dialect import error_body, error_headers, status_of
from modelyard.dialects.open_inference.fitting import Expected
from modelyard.dialects.open_inference.names import ROOTS, Address, find, parsed
from modelyard.dialects.open_inference.request import read
from modelyard.dialects.open_inference.request_ids import request_id
from modelyard.web.inference.protocol import Answer, Headers, Refusal

_HEADER_LENGTH = b"inference-header-content-length"
_REQUEST_ID = b"x-request-id"


class OpenInference:
    """See ``web.inference.protocol.InferenceProtocol``."""

    def __init__(self, expectations: "Expectations", places: tuple[str, ...] = ROOTS) -> None:
        """``places`` are what the paths it answers begin with."""
        self._expectations = expectations
        self._places = places

    def claims(self, scope: Scope) -> bool:
        path: str = scope["path"]
        return path.startswith(self._places) and path.endswith("/infer") and parsed(path) is not None

    def find(self, scope: Scope, headers: Headers, routes: RouteTable) -> Route:
        return find(_address(scope, headers), routes)

    def shown(self, scope: Scope) -> str:
        return _address(scope, dict(scope["headers"])).shown

    def answer(self, route: Route, body: bytes, headers: Headers, scope: Scope) -> Answer:
        began = time.perf_counter_ns()
        question = read(body, headers.get(_HEADER_LENGTH), self._expectations.of(route))
        decoded = time.perf_counter_ns() - began
        target = headers.get(b"x-seldon-route")
        result = route.graph.run(question.columns, target.decode("latin-1").strip(":") if target else None)
        result.elapsed.insert(0, decoded)
        result.request_id = request_id(headers.get(_REQUEST_ID))
        model = _address(scope, headers).model or route.pipeline_name
        outputs = wanted(result, question.chosen, question.binary)
        encoded, length = encode(route, model, question.id or result.request_id, result, outputs)
        fields = fields_of(route, result)
        if length is not None:
            fields.append((_HEADER_LENGTH, b"%d" % length))
        kind = JSON if length is None else BINARY
        now = time.time_ns() // 1_000_000
        return Answer(encoded, kind, now, result, question.columns, {}, fields)

    def refusal(self, error: DomainError, headers: Headers, scope: Scope) -> Refusal:
        del scope
        made = request_id(headers.get(_REQUEST_ID))
        fields = {"content-type": "application/json", "x-request-id": made, **error_headers(error)}
        return Refusal(status_of(error), orjson.dumps(error_body(error)), fields)


class Expectations:
    """What each deployment expects, worked out once for each that is loaded."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Route, Expected]] = {}

    def of(self, route: Route) -> Expected:
        """What the deployment expects."""
        known = self._known.get(route.deployment_id)
        if known is None or known[0] is not route:
            known = self._known[route.deployment_id] = (route, Expected(route.graph))
        return known[1]


def fields_of(route: Route, result: Result) -> list[tuple[bytes, bytes]]:
    """What is said of an answer beside it: which request, who answered."""
    fields = [(_REQUEST_ID, result.request_id.encode()), (b"x-pipeline-version", route.pipeline_version.encode())]
    if result.target:
        fields.append((b"x-seldon-route", f":{result.target}:".encode("latin-1", "replace")))
    return fields


def _address(scope: Scope, headers: Headers) -> Address:
    """What the path names; the header ``Seldon-Model`` names another one at the root."""
    address = parsed(scope["path"])
    assert address is not None  # noqa: S101  # it was claimed
    named = headers.get(b"seldon-model")
    return Address(named.decode("latin-1")) if named and address.place is None else address
