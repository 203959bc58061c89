"""``POST /v1/api/pipelines/infer/{namespace}/{pipeline}``: Wallaroo's inference, see ``web.inference``."""

import time

import orjson
from starlette.types import Scope

from modelyard.core.kernel.errors import DomainError, not_found
from modelyard.core.serving.routes import Route, RouteTable
from modelyard.dialects.wallaroo.dataset import from_query
from modelyard.dialects.wallaroo.dialect import STATUS, error_body, error_headers
from modelyard.dialects.wallaroo.inference.answer import encode
from modelyard.dialects.wallaroo.inference.request import columns_of
from modelyard.web.inference.protocol import Answer, Headers, Refusal
from modelyard.web.inference.running import now_ms, run

PREFIX = "/v1/api/pipelines/infer/"


class WallarooInference:
    """See ``web.inference.protocol.InferenceProtocol``."""

    def claims(self, scope: Scope) -> bool:
        path: str = scope["path"]
        return path.startswith(PREFIX)

    def find(self, scope: Scope, headers: Headers, routes: RouteTable) -> Route:
        del headers
        namespace, _, pipeline = scope["path"][len(PREFIX) :].partition("/")
        route = routes.get(namespace)
        if route is None or (pipeline and pipeline != route.pipeline_name):
            raise not_found("deployment", self.shown(scope))
        return route

    def shown(self, scope: Scope) -> str:
        path: str = scope["path"]
        return path[len(PREFIX) :][:200]

    def answer(self, route: Route, body: bytes, headers: Headers, scope: Scope) -> Answer:
        began = time.perf_counter_ns()
        columns = columns_of(body, headers.get(b"content-type", b""))
        result, extra = run(route, columns, began)
        now = now_ms()
        dataset = from_query(scope["query_string"])
        encoded, kind = encode(route, now, result, extra, headers.get(b"accept", b""), dataset)
        return Answer(encoded, kind, now, result, columns, extra)

    def refusal(self, error: DomainError, headers: Headers, scope: Scope) -> Refusal:
        del headers, scope
        body = orjson.dumps(error_body(error, "engine"))
        return Refusal(STATUS[error.kind], body, {"content-type": "application/json", **error_headers(error)})
