"""The gRPC server of one worker.

It answers on threads of its own: gRPC's server for asyncio takes twice the time for a call, most of it for handing the
call from its own thread to the event loop and back.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid
from modelyard.dialects.open_inference.dialect import error_body
from modelyard.dialects.open_inference.grpc_service.call import STATUS, GrpcCall
from modelyard.dialects.open_inference.grpc_service.messages import SERVICE, methods
from modelyard.dialects.open_inference.grpc_service.service import METHODS, model_infer
from modelyard.web.services import Services

_LOG = logging.getLogger(__name__)

_THREADS = 8
"""For calls that wait for the store, or for a model to be loaded."""
_INFERENCE_THREADS = 2
"""More would only fight for the interpreter; they are apart, so that no call that waits holds up inference."""
_CALLS = 256
"""Calls under way or waiting; more are refused at once."""
_MESSAGE_BYTES = 2000
"""Of an error: it travels in a header, where each byte may take three, and clients refuse headers beyond 8 KiB."""

Answer = Callable[[Any, Any], Any]


class GrpcServer:
    """All workers listen on one port: the kernel deals connections out among them (SO_REUSEPORT)."""

    def __init__(self, host: str, port: int, services: Services, loop: asyncio.AbstractEventLoop) -> None:
        self._server = grpc.server(
            ThreadPoolExecutor(_THREADS, "grpc"),
            options=[
                ("grpc.so_reuseport", 1),
                ("grpc.max_receive_message_length", services.limits.body_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_concurrent_streams", _CALLS),
            ],
            maximum_concurrent_rpcs=_CALLS,
        )
        self._server.add_generic_rpc_handlers((_handlers(services, loop),))
        self._server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")

    def start(self) -> None:
        """Listen from here on."""
        self._server.start()

    async def stop(self, seconds: float) -> None:
        """Take no more calls, and give those under way so long to end."""
        await asyncio.to_thread(self._server.stop(seconds).wait)


def _handlers(services: Services, loop: asyncio.AbstractEventLoop) -> grpc.GenericRpcHandler:
    inference = ThreadPoolExecutor(_INFERENCE_THREADS, "grpc-inference")
    made = {
        name: grpc.unary_unary_rpc_method_handler(
            _answering(name, request, services, loop, inference), None, _serialized
        )
        for name, request in methods().items()
    }
    return grpc.method_handlers_generic_handler(SERVICE, made)


def _answering(  # what it works with
    name: str, kind: Any, services: Services, loop: asyncio.AbstractEventLoop, inference: ThreadPoolExecutor
) -> Answer:
    method = METHODS.get(name)

    def answer(data: bytes, context: Any) -> Any:
        try:
            request = _read(kind, data)
            call = GrpcCall(name, dict(context.invocation_metadata()), context, services, loop)
            return model_infer(request, call) if method is None else call.wait(method(request, call))
        except Exception as error:  # noqa: BLE001  # the edge: no inner detail leaves
            failure = _told(name, error)
        return context.abort(STATUS[failure.kind], _shortened(error_body(failure)["error"]))

    if method is None:
        answer.experimental_thread_pool = inference  # type: ignore[attr-defined]  # as grpcio looks for it
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
