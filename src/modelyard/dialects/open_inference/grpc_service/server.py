"""The gRPC server of one worker, on the worker's own event loop."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid
from modelyard.dialects.open_inference.dialect import error_body
from modelyard.dialects.open_inference.grpc_service.call import STATUS, GrpcCall
from modelyard.dialects.open_inference.grpc_service.messages import SERVICE, methods
from modelyard.dialects.open_inference.grpc_service.service import METHODS, model_stream_infer
from modelyard.web.services import Services

_LOG = logging.getLogger(__name__)
_STREAM = "ModelStreamInfer"
_CALLS_A_CONNECTION = 1000
_MESSAGE_BYTES = 2000
"""Of an error: it travels in a header, where each byte may take three, and clients refuse headers beyond 8 KiB."""


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
            found[name] = grpc.stream_stream_rpc_method_handler(_streaming(request, services), None, _serialized)
        else:
            found[name] = grpc.unary_unary_rpc_method_handler(
                _answering(name, request, METHODS[name], services), None, _serialized
            )
    return grpc.method_handlers_generic_handler(SERVICE, found)


def _answering(
    name: str, kind: Any, method: Callable[[Any, GrpcCall], Awaitable[Any]], services: Services
) -> Callable[[bytes, Any], Awaitable[Any]]:
    async def answer(data: bytes, context: Any) -> Any:
        try:
            call = GrpcCall(name, dict(context.invocation_metadata()), context, services)
            return await method(_read(kind, data), call)
        except Exception as error:  # noqa: BLE001  # the edge: no inner detail leaves
            failure = _told(name, error)
        return await context.abort(STATUS[failure.kind], _shortened(error_body(failure)["error"]))

    return answer


def _streaming(kind: Any, services: Services) -> Callable[[AsyncIterator[bytes], Any], AsyncIterator[Any]]:
    async def answer(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[Any]:
        call = GrpcCall(_STREAM, dict(context.invocation_metadata()), context, services)
        try:
            async for response in model_stream_infer(requests, partial(_read, kind), call):
                yield response
        except Exception as error:  # noqa: BLE001  # the edge, as above
            failure = _told(_STREAM, error)
        else:
            return
        await context.abort(STATUS[failure.kind], _shortened(error_body(failure)["error"]))

    return answer


def _read(kind: Any, data: bytes) -> Any:
    """The message; ``INVALID`` when the bytes are none. Left to gRPC, that would be an error of the server."""
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise invalid(f"the bytes are no {kind.DESCRIPTOR.name}: {error}") from error


def _shortened(text: str) -> str:
    data = text.encode(errors="replace")
    return text if len(data) <= _MESSAGE_BYTES else data[:_MESSAGE_BYTES].decode(errors="ignore") + "…"


def _told(name: str, error: Exception) -> DomainError:
    if isinstance(error, DomainError):
        return error
    _LOG.error("gRPC call %s failed", name, exc_info=error)
    return DomainError(ErrorKind.INTERNAL, "internal error; see the server's log")


def _serialized(message: Any) -> bytes:
    data: bytes = message.SerializeToString()
    return data
