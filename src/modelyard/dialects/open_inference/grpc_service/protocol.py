"""``ModelInfer``: inference over gRPC, see ``web.inference``. The call's metadata are its headers."""

import time
from typing import Any, Final

from google.protobuf.message import DecodeError
from starlette.types import Scope

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.routes import Route, RouteTable
from modelyard.dialects.open_inference.dialect import error_body
from modelyard.dialects.open_inference.grpc_service.inference import question_in, response_of
from modelyard.dialects.open_inference.grpc_service.messages import SERVICE, methods
from modelyard.dialects.open_inference.names import Address, find
from modelyard.dialects.open_inference.protocol import Expectations, fields_of
from modelyard.dialects.open_inference.request_ids import request_id
from modelyard.web.grpc.status import CODE, failure
from modelyard.web.inference.protocol import Answer, Headers, Refusal

PATH: Final = f"/{SERVICE}/ModelInfer"
_KIND: Final = methods()["ModelInfer"]
_MESSAGE: Final = "grpc.message"
"""Where the scope of a request keeps its message, once it was read."""


class GrpcInference:
    """See ``web.inference.protocol.InferenceProtocol``; the scope has the request's bytes as ``grpc.body``."""

    def __init__(self) -> None:
        self._expectations = Expectations()

    def claims(self, scope: Scope) -> bool:
        path: str = scope["path"]
        return path == PATH

    def find(self, scope: Scope, headers: Headers, routes: RouteTable) -> Route:
        return find(_address(scope, headers), routes)

    def shown(self, scope: Scope) -> str:
        return _address(scope, dict(scope["headers"])).shown

    def answer(self, route: Route, body: bytes, headers: Headers, scope: Scope) -> Answer:
        del body  # it was read to find the deployment
        began = time.perf_counter_ns()
        request = _message(scope)
        question = question_in(request, self._expectations.of(route))
        decoded = time.perf_counter_ns() - began
        target = headers.get(b"x-seldon-route")
        result = route.graph.run(question.columns, target.decode("latin-1").strip(":") if target else None)
        result.elapsed.insert(0, decoded)
        result.request_id = request_id(headers.get(b"x-request-id"))
        response = response_of(route, request.model_name or route.pipeline_name, result, question)
        now = time.time_ns() // 1_000_000
        told = fields_of(route, result)
        return Answer(response.SerializeToString(), b"application/grpc", now, result, question.columns, {}, told)

    def refusal(self, error: DomainError, headers: Headers, scope: Scope) -> Refusal:
        del scope
        return Refusal(200, b"", {**refused(error), "x-request-id": request_id(headers.get(b"x-request-id"))})


def refused(error: DomainError) -> dict[str, str]:
    """The fields of a call that is refused with this error."""
    return failure(CODE[error.kind], error_body(error)["error"])


def read(kind: Any, data: bytes) -> Any:
    """A message; ``INVALID`` when the bytes are none."""
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise invalid(f"the bytes are no {kind.DESCRIPTOR.name}: {error}") from error


def address(headers: Headers, model: str, version: str) -> Address:
    """Which deployment is meant: ``seldon`` and ``namespace`` in the headers, ``seldon-model``, or the name."""
    deployment, namespace = _text(headers, b"seldon"), _text(headers, b"namespace")
    if deployment and namespace:
        return Address(model, version or None, (namespace, deployment))
    return Address(_text(headers, b"seldon-model") or deployment or model, version or None)


def _address(scope: Scope, headers: Headers) -> Address:
    request = _message(scope)
    return address(headers, request.model_name, request.model_version)


def _message(scope: Scope) -> Any:
    found = scope.get(_MESSAGE)
    if found is None:
        found = scope[_MESSAGE] = read(_KIND, scope["grpc.body"])
    return found


def _text(headers: Headers, name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")
