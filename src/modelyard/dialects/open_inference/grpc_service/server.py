"""The gRPC server of one worker, on the worker's own event loop."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.dialects.open_inference.dialect import error_body
from modelyard.dialects.open_inference.grpc_service.call import STATUS, GrpcCall
from modelyard.dialects.open_inference.grpc_service.messages import SERVICE, methods
from modelyard.dialects.open_inference.grpc_service.service import METHODS, model_stream_infer
from modelyard.web.services import Services

_LOG = logging.getLogger(__name__)
_STREAM = "ModelStreamInfer"
_CALLS_A_CONNECTION = 1000


class GrpcServer:
    """All workers listen on one port: the kernel deals connections out among them (SO_REUSEPORT)."""

    def __init__(self, host: str, port: int, services: Services) -> None:
        limit = services.limits.body_bytes
        self._server = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", 1),
                ("grpc.max_receive_message_length", limit),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_concurrent_streams", _CALLS_A_CONNECTION),
            ]
        )
        self._server.add_generic_rpc_handlers((_handlers(services),))
        self._server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")

    async def start(self) -> None:
        """Listen from here on."""
        await self._server.start()

    async def stop(self, seconds: float) -> None:
        """Take no more calls, and give those under way so long to end."""
        await self._server.stop(seconds)


def _handlers(services: Services) -> grpc.GenericRpcHandler:
    found = {}
    for name, (request, streams) in methods().items():
        if streams:
            found[name] = grpc.stream_stream_rpc_method_handler(_streaming(services), request.FromString, _serialized)
        else:
            found[name] = grpc.unary_unary_rpc_method_handler(
                _answering(name, METHODS[name], services), request.FromString, _serialized
            )
    return grpc.method_handlers_generic_handler(SERVICE, found)


def _answering(
    name: str, method: Callable[[Any, GrpcCall], Awaitable[Any]], services: Services
) -> Callable[[Any, Any], Awaitable[Any]]:
    async def answer(request: Any, context: Any) -> Any:
        try:
            return await method(request, GrpcCall(name, dict(context.invocation_metadata()), context, services))
        except Exception as error:  # noqa: BLE001  # the edge: no inner detail leaves
            failure = _told(name, error)
        return await context.abort(STATUS[failure.kind], error_body(failure)["error"])

    return answer


def _streaming(services: Services) -> Callable[[Any, Any], AsyncIterator[Any]]:
    async def answer(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        call = GrpcCall(_STREAM, dict(context.invocation_metadata()), context, services)
        try:
            async for response in model_stream_infer(requests, call):
                yield response
        except Exception as error:  # noqa: BLE001  # the edge, as above
            failure = _told(_STREAM, error)
        else:
            return
        await context.abort(STATUS[failure.kind], error_body(failure)["error"])

    return answer


def _told(name: str, error: Exception) -> DomainError:
    if isinstance(error, DomainError):
        return error
    _LOG.error("gRPC call %s failed", name, exc_info=error)
    return DomainError(ErrorKind.INTERNAL, "internal error; see the server's log")


def _serialized(message: Any) -> bytes:
    data: bytes = message.SerializeToString()
    return data
