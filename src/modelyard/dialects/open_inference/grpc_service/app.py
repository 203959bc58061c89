"""``inference.GRPCInferenceService`` as an application: inference goes its own way, all other methods here."""

import asyncio
import math

from starlette.types import Receive, Scope, Send

from modelyard.dialects.open_inference.grpc_service.call import GrpcCall
from modelyard.dialects.open_inference.grpc_service.messages import SERVICE, methods
from modelyard.dialects.open_inference.grpc_service.protocol import PATH, GrpcInference, read, refused
from modelyard.dialects.open_inference.grpc_service.service import METHODS
from modelyard.web.grpc.status import Code, failure
from modelyard.web.inference.admission import Admission
from modelyard.web.inference.app import InferenceApp, Response
from modelyard.web.inference.lanes import gone
from modelyard.web.inference.patience import patience
from modelyard.web.inference.pending import Pending
from modelyard.web.inference.rounds import Rounds
from modelyard.web.refusals import as_told
from modelyard.web.services import Services


class GrpcApp:
    """See ``web.grpc.call.Application``."""

    def __init__(self, services: Services, admission: Admission, rounds: Rounds) -> None:
        """``rounds`` are those of the loop that it runs on."""
        self._services = services
        limit = services.limits.body_bytes
        self._inference = InferenceApp(GrpcInference(), services.serving, admission, rounds, limit)
        self._kinds = {f"/{SERVICE}/{name}": (name, kind) for name, kind in methods().items()}

    def at_once(self, scope: Scope, body: bytes) -> Response | Pending[Response] | None:
        """The response where it takes little waiting, see ``InferenceApp.at_once``."""
        if scope["path"] != PATH:
            return None
        scope["grpc.body"] = body
        return self._inference.at_once(scope, body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == PATH:
            await self._inference(scope, receive, send)
            return
        body = (await receive())["body"]
        asked, left = asyncio.ensure_future(self._answered(scope, body)), asyncio.ensure_future(gone(receive))
        try:
            await asyncio.wait([asked, left], return_when=asyncio.FIRST_COMPLETED)
            if asked.done():
                response = asked.result()
                await send({"type": "http.response.start", "status": 200, "headers": response.headers})
                await send({"type": "http.response.body", "body": response.body})
        finally:
            left.cancel()
            asked.cancel()

    async def _answered(self, scope: Scope, body: bytes) -> Response:
        try:
            if scope["path"] not in self._kinds:
                return _failed(failure(Code.UNIMPLEMENTED, f"there is no method {scope['path'][:200]}"))
            name, kind = self._kinds[scope["path"]]
            call = GrpcCall(name, scope, self._services)
            seconds = patience(call.headers, math.inf)
            async with asyncio.timeout(seconds if seconds < math.inf else None):
                answer = await METHODS[name](read(kind, body), call)
            return Response(200, [], answer.SerializeToString())
        except TimeoutError:
            return _failed(failure(Code.DEADLINE_EXCEEDED, "the call's time is over"))
        except Exception as error:  # noqa: BLE001  # the edge: no inner detail leaves
            return _failed(refused(as_told(error, f"gRPC call {scope['path']} failed")))


def _failed(fields: dict[str, str]) -> Response:
    return Response(200, [(name.encode(), value.encode()) for name, value in fields.items()], b"")
