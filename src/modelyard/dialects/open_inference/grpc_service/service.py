"""The methods of ``inference.GRPCInferenceService``: the same use-cases, rights and log as over HTTP."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from modelyard import __version__
from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.routes import Route
from modelyard.dialects.open_inference.dialect import error_body
from modelyard.dialects.open_inference.grpc_service.call import GrpcCall
from modelyard.dialects.open_inference.grpc_service.inference import plain, question_in, response_of
from modelyard.dialects.open_inference.grpc_service.messages import StreamResponse, message
from modelyard.dialects.open_inference.metadata import EXTENSIONS, NAME, deployment, is_ready, model_description
from modelyard.dialects.open_inference.names import find
from modelyard.dialects.open_inference.protocol import Expectations
from modelyard.dialects.open_inference.repository import check_parameters, entries, load_model, unload_model
from modelyard.dialects.open_inference.request_ids import request_id
from modelyard.web.inference.protocol import Several
from modelyard.web.refusals import record_route_refusal

_INLINE_BYTES = 32 * 1024
"""Requests up to this size are answered on the event loop, as over HTTP."""

_expectations = Expectations()
_threads = ThreadPoolExecutor(2, "grpc-inference")


async def server_live(request: Any, call: GrpcCall) -> Any:
    """The process answers."""
    del request, call
    return message("ServerLiveResponse")(live=True)


async def server_ready(request: Any, call: GrpcCall) -> Any:
    """The server can do its work."""
    del request
    return message("ServerReadyResponse")(ready=await is_ready(call.services))


async def server_metadata(request: Any, call: GrpcCall) -> Any:
    """This server's name, version and extensions of the protocol."""
    del request, call
    return message("ServerMetadataResponse")(name=NAME, version=__version__, extensions=EXTENSIONS)


async def model_ready(request: Any, call: GrpcCall) -> Any:
    """Whether a model is served; one that the caller does not know of is not."""
    try:
        await _served(request.name, request.version, call)
    except DomainError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
        return message("ModelReadyResponse")(ready=False)
    return message("ModelReadyResponse")(ready=True)


async def model_metadata(request: Any, call: GrpcCall) -> Any:
    """The tensors that a model takes and gives."""
    route = await _served(request.name, request.version, call)
    described = model_description(route, call.address(request.name, request.version))
    return message("ModelMetadataResponse")(**described)


async def model_infer(request: Any, call: GrpcCall) -> Any:
    """Run a deployment on the request."""
    route = _known(request, call) or await _admitted(request, call)
    if request.ByteSize() <= _INLINE_BYTES:
        return _infer(route, request, call)
    return await asyncio.get_running_loop().run_in_executor(_threads, _infer, route, request, call)


async def model_stream_infer(
    requests: AsyncIterator[bytes], read: Callable[[bytes], Any], call: GrpcCall
) -> AsyncIterator[Any]:
    """The same for each request of a stream; what is wrong with one of them does not end it."""
    await call.services.serving.admission.caller(call.header("authorization"), call.scope)
    async for request in requests:
        try:
            yield StreamResponse(infer_response=await model_infer(read(request), call))
        except DomainError as error:
            if error.kind is ErrorKind.UNAUTHENTICATED:
                raise
            yield StreamResponse(error_message=error_body(error)["error"])


async def repository_index(request: Any, call: GrpcCall) -> Any:
    """The pipelines that the caller may see, and what is served of them."""
    actor = await call.actor()
    async with _Recorded(call, actor, Permission.PIPELINE_READ):
        lines = await call.services.store.read(entries, actor, request.ready)
    return message("RepositoryIndexResponse")(models=lines)


async def repository_model_load(request: Any, call: GrpcCall) -> Any:
    """Have a pipeline served; answers when it is."""
    actor = await call.actor()
    async with _Recorded(call, actor, Permission.PIPELINE_DEPLOY):
        check_parameters(plain(request.parameters))
        await load_model(call.services.store, actor, request.model_name)
    return message("RepositoryModelLoadResponse")()


async def repository_model_unload(request: Any, call: GrpcCall) -> Any:
    """Have a pipeline served no longer; answers when it is not."""
    actor = await call.actor()
    async with _Recorded(call, actor, Permission.PIPELINE_DEPLOY):
        check_parameters(plain(request.parameters))
        await unload_model(call.services.store, actor, request.model_name)
    return message("RepositoryModelUnloadResponse")()


METHODS = {
    "ServerLive": server_live,
    "ServerReady": server_ready,
    "ServerMetadata": server_metadata,
    "ModelReady": model_ready,
    "ModelMetadata": model_metadata,
    "ModelInfer": model_infer,
    "RepositoryIndex": repository_index,
    "RepositoryModelLoad": repository_model_load,
    "RepositoryModelUnload": repository_model_unload,
}
"""All that answer one request with one response."""


def _known(request: Any, call: GrpcCall) -> Route | None:
    """The route, when this process knows already who asks and that they may: nothing to wait for."""
    serving = call.services.serving
    actor = serving.admission.known(call.header("authorization"))
    if actor is None:
        return None
    try:
        route = find(call.address(request.model_name, request.model_version), serving.routes)
    except Several:
        return None
    return route if serving.admission.may(actor, route) else None


async def _admitted(request: Any, call: GrpcCall) -> Route:
    """The route, once it is known who asks and that they may."""
    serving, scope = call.services.serving, call.scope
    actor = await serving.admission.caller(call.header("authorization"), scope)
    return await deployment(call.services, actor, call.address(request.model_name, request.model_version), scope)


async def _served(model: str, version: str, call: GrpcCall) -> Route:
    return await deployment(call.services, await call.actor(), call.address(model, version), call.scope)


def _infer(route: Route, request: Any, call: GrpcCall) -> Any:
    try:
        return _answer(route, request, call)
    except Exception as error:
        call.services.serving.keeper.failed(route, error)
        raise


def _answer(route: Route, request: Any, call: GrpcCall) -> Any:
    began = time.perf_counter_ns()
    question = question_in(request, _expectations.of(route))
    decoded = time.perf_counter_ns() - began
    target = call.text("x-seldon-route")
    result = route.graph.run(question.columns, target.strip(":") if target else None)
    result.elapsed.insert(0, decoded)
    result.request_id = request_id(call.header("x-request-id"))
    response = response_of(route, request.model_name or route.pipeline_name, result, question)
    call.services.serving.keeper.keep(route, time.time_ns() // 1_000_000, result, question.columns, {})
    told = [("x-request-id", result.request_id), ("x-pipeline-version", route.pipeline_version)]
    if result.target:
        told.append(("x-seldon-route", f":{result.target}:"))
    call.context.set_trailing_metadata(told)
    return response


class _Recorded:
    """Records that what is asked inside was refused."""

    def __init__(self, call: GrpcCall, actor: Actor, permission: Permission) -> None:
        self._call, self._actor, self._permission = call, actor, permission

    async def __aenter__(self) -> None:
        """Nothing was refused yet."""

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, DomainError):
            route = f"gRPC {self._call.scope['path']}"
            await record_route_refusal(self._call.services.audit, self._actor, route, self._permission, error)
