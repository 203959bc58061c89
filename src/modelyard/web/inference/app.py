"""Inference as bare ASGI, for every protocol.

In this order: who is asking (before anything is read), which deployment, may they, the body, the model, the log, the
answer. No database, no lock, no file is opened on the way of a warm request.
"""

from dataclasses import dataclass
from functools import partial

from starlette.types import Receive, Scope, Send

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.deadlines import require_time
from modelyard.core.serving.routes import Route
from modelyard.web.inference.admission import Admission
from modelyard.web.inference.bodies import read_body
from modelyard.web.inference.fibers import Fiber, Fibers
from modelyard.web.inference.lane import Job
from modelyard.web.inference.lanes import Gone
from modelyard.web.inference.patience import deadline_of
from modelyard.web.inference.pending import Pending, Queued
from modelyard.web.inference.protocol import Headers, InferenceProtocol, Several
from modelyard.web.inference.rounds import Rounds
from modelyard.web.refusals import as_told
from modelyard.web.services import Serving

_INLINE_BYTES = 32 * 1024
"""Bodies up to this size are answered on the event loop: handing them to a thread would cost more than the model."""


@dataclass(slots=True)
class Response:
    """What goes back to the client."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class InferenceApp:
    """Answers the inference requests of one protocol with what ``serving`` holds, and has them kept."""

    def __init__(  # what it works with
        self, protocol: InferenceProtocol, serving: Serving, admission: Admission, rounds: Rounds, body_limit: int
    ) -> None:
        """``rounds`` are those of the loop that it runs on."""
        self._protocol = protocol
        self._routes = serving.routes
        self._keeper = serving.keeper
        self._lanes = serving.lanes
        self._admission = admission
        self._rounds = rounds
        self._fibers = Fibers(serving.lanes)
        self._body_limit = body_limit
        self._small = min(_INLINE_BYTES, body_limit)
        self.claims = protocol.claims

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        try:
            authorization = self._admission.credential(headers, scope)
            route = self._known(scope, headers, authorization) or await self._admitted(scope, headers, authorization)
            body = await read_body(headers.get(b"content-length"), receive, self._body_limit)
            if route.graph.inline and len(body) <= _INLINE_BYTES:
                response = self._here(route, body, headers, scope)
            else:
                deadline = deadline_of(headers, self._lanes.seconds)
                job = Job(partial(self._infer, route, body, headers, scope), deadline, len(body))
                response = await self._lanes.run(route, job, receive)
        except Gone:
            return
        except Exception as error:  # noqa: BLE001  # the edge: no inner detail leaves
            response = self._refused(error, headers, scope)
        await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
        await send({"type": "http.response.body", "body": response.body})

    def at_once(self, scope: Scope, body: bytes) -> Response | Pending[Response] | None:
        """The response to a small request, there or under way, where it is known already that the caller may ask.

        Otherwise None, and nothing was done.
        """
        if len(body) > self._small:
            return None
        headers = dict(scope["headers"])
        try:
            route = self._known(scope, headers, self._admission.credential(headers, scope))
            if route is None:
                return None
            if route.graph.inline:
                return self._here(route, body, headers, scope)
            return self._beside(route, body, headers, scope)
        except Exception as error:  # noqa: BLE001  # the edge, as above
            return self._refused(error, headers, scope)

    def _known(self, scope: Scope, headers: Headers, authorization: bytes | None) -> Route | None:
        """The route, when this process knows already who asks and that they may: nothing to wait for."""
        actor = self._admission.known(authorization)
        if actor is None or scope["method"] != "POST":
            return None
        try:
            route = self._protocol.find(scope, headers, self._routes)
        except Several:
            return None
        return route if self._admission.may(actor, route) else None

    async def _admitted(self, scope: Scope, headers: Headers, authorization: bytes | None) -> Route:
        """The route, once it is known who asks and that they may."""
        actor = await self._admission.caller(authorization, scope)
        if scope["method"] != "POST":
            raise invalid("inference is asked for by POST")
        shown = self._protocol.shown(scope)
        try:
            route = self._protocol.find(scope, headers, self._routes)
        except Several as several:
            return await self._admission.choose(actor, several.routes, shown)
        await self._admission.require(actor, route, shown, scope)
        return route

    def _here(self, route: Route, body: bytes, headers: Headers, scope: Scope) -> Response:
        """The response, made on the event loop, if that is not too far behind."""
        self._require_round(route)
        return self._infer(route, body, headers, scope)

    def _beside(self, route: Route, body: bytes, headers: Headers, scope: Scope) -> Response | Pending[Response]:
        """The response, made while the loop goes on: on it as well where models' processes answer, else in a lane."""

        def run() -> Response:
            try:
                return self._infer(route, body, headers, scope)
            except Exception as error:  # noqa: BLE001  # the edge, as above
                return self._refused(error, headers, scope)

        def refuse(error: DomainError) -> Response:
            self._keeper.failed(route, error)
            return self._refused(error, headers, scope)

        if not route.graph.yields:
            self._lanes.require_room(route, len(body))
            job = Job(run, deadline_of(headers, self._lanes.seconds), len(body))
            return Queued(self._lanes, route, job, refuse)
        self._require_round(route)
        fiber = Fiber(run, refuse, deadline_of(headers, self._lanes.seconds))
        try:
            self._fibers.run(route, fiber)
        except DomainError as error:
            return refuse(error)
        return fiber.results[0] if fiber.results else fiber

    def _require_round(self, route: Route) -> None:
        try:
            self._rounds.require()
        except DomainError as error:
            self._keeper.failed(route, error)
            raise

    def _infer(self, route: Route, body: bytes, headers: Headers, scope: Scope) -> Response:
        try:
            answer = self._protocol.answer(route, body, headers, scope)
        except Exception as error:
            newer = self._newer(route, error)
            if newer is not None:
                return self._infer(newer, body, headers, scope)
            self._keeper.failed(route, error)
            raise
        require_time()  # who waited was told already: what is answered to nobody is not logged
        if answer.logged:
            self._keeper.keep(route, answer.time_ms, answer.result, answer.columns, answer.extra)
        length = b"%d" % len(answer.body)
        fields = [(b"content-type", answer.content_type), (b"content-length", length), *answer.headers]
        return Response(200, fields, answer.body)

    def _newer(self, route: Route, error: Exception) -> Route | None:
        """What took the route's place while the request waited, where nobody is left that the old one could ask."""
        if not isinstance(error, DomainError) or not error.details.get("unasked"):
            return None
        newer = self._routes.get(route.namespace)
        return newer if newer is not None and newer.revision > route.revision else None

    def _refused(self, error: Exception, headers: Headers, scope: Scope) -> Response:
        refusal = self._protocol.refusal(as_told(error, f"inference failed: {scope['path']}"), headers, scope)
        fields = {**refusal.headers, "content-length": str(len(refusal.body))}
        return Response(refusal.status, [(n.encode(), v.encode()) for n, v in fields.items()], refusal.body)
