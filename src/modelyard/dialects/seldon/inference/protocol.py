"""``POST /seldon/{namespace}/{deployment}/api/v1.0/predictions``: Seldon's protocol, see ``web.inference``."""

import re
import time
from typing import Final

import orjson
from starlette.types import Scope

from modelyard.core.kernel.errors import DomainError, not_found
from modelyard.core.kernel.ids import new_uuid
from modelyard.core.serving.routes import Route, RouteTable
from modelyard.dialects.seldon.inference.answer import answer_to, tags_of
from modelyard.dialects.seldon.inference.bodies import message_in
from modelyard.dialects.seldon.inference.failure import failure, failure_headers, request_id_of
from modelyard.dialects.seldon.inference.message import Message, puid_of
from modelyard.dialects.seldon.inference.payload import columns_of
from modelyard.web.inference.protocol import Answer, Headers, Refusal
from modelyard.web.inference.running import now_ms, run

PATHS: Final = tuple(f"/seldon/{{namespace}}/{{deployment}}/api/{v}/predictions" for v in ("v1.0", "v0.1"))
_PREFIX = "/seldon/"
_PATH = re.compile(r"/seldon/([^/]+)/([^/]+)/api/v(?:1\.0|0\.1)/predictions")
_JSON = b"application/json"
_NOSNIFF = (b"x-content-type-options", b"nosniff")


class SeldonInference:
    """See ``web.inference.protocol.InferenceProtocol``.

    ``skip_logging`` lets requests with the header Seldon-Skip-Logging stay out of the log.
    """

    def __init__(self, *, skip_logging: bool = False) -> None:
        self._skip_logging = skip_logging

    def claims(self, scope: Scope) -> bool:
        path: str = scope["path"]
        return path.startswith(_PREFIX) and _PATH.fullmatch(path) is not None

    def find(self, scope: Scope, headers: Headers, routes: RouteTable) -> Route:
        del headers
        namespace, deployment = self._place(scope)
        route = routes.at(namespace, deployment)
        if route is None:
            raise not_found("deployment", self.shown(scope))
        return route

    def shown(self, scope: Scope) -> str:
        return "/".join(self._place(scope))[:200]

    def answer(self, route: Route, body: bytes, headers: Headers, scope: Scope) -> Answer:
        began = time.perf_counter_ns()
        message = message_in(body, headers.get(b"content-type", b""), scope["query_string"])
        puid = _puid(message, headers)
        try:
            columns, tags = columns_of(message, route.graph.inputs), tags_of(message)
            result, extra = run(route, columns, began)
        except DomainError as error:
            error.details.setdefault("request_id", puid)
            raise
        result.request_id = puid
        encoded = orjson.dumps(answer_to(message, tags, route, result), option=orjson.OPT_SERIALIZE_NUMPY)
        fields = [(b"seldon-puid", puid.encode()), _NOSNIFF, *_cloud_event(headers, route, puid)]
        logged = not (self._skip_logging and b"seldon-skip-logging" in headers)
        return Answer(encoded, _JSON, now_ms(), result, columns, extra, fields, logged)

    def refusal(self, error: DomainError, headers: Headers, scope: Scope) -> Refusal:
        del scope
        puid = request_id_of(error, headers.get(b"seldon-puid", b"").decode("latin-1"))
        status, body = failure(error, puid)
        return Refusal(status, orjson.dumps(body), failure_headers(error, puid))

    def _place(self, scope: Scope) -> tuple[str, str]:
        found = _PATH.fullmatch(scope["path"])
        assert found is not None  # noqa: S101  # it was claimed
        return found[1], found[2]


def _puid(message: Message, headers: Headers) -> str:
    given = message.meta.puid if message.meta else None
    return puid_of(given) or puid_of(headers.get(b"seldon-puid", b"").decode("latin-1")) or new_uuid()


def _cloud_event(headers: Headers, route: Route, puid: str) -> list[tuple[bytes, bytes]]:
    """The attributes of the answer as an event, when the request was one (CloudEvents 1.0, HTTP binding, 3.1.3)."""
    if b"ce-specversion" not in headers:
        return []
    attributes = {
        "ce-specversion": "1.0",
        "ce-id": puid,
        "ce-source": f"seldon.{route.workspace}.{route.pipeline_name}",
        "ce-type": "io.seldon.serving.inference.response",
        "ce-time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    return [(name.encode(), value.encode()) for name, value in attributes.items()]
