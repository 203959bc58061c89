"""The methods of ``inference.GRPCInferenceService`` but inference: the same use-cases and rights as over HTTP."""

from typing import Any

from modelyard import __version__
from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.routes import Route
from modelyard.dialects.open_inference.grpc_service.call import GrpcCall
from modelyard.dialects.open_inference.grpc_service.inference import plain
from modelyard.dialects.open_inference.grpc_service.messages import message
from modelyard.dialects.open_inference.metadata import EXTENSIONS, NAME, deployment, is_ready, model_description
from modelyard.dialects.open_inference.repository import check_parameters, entries, load_model, unload_model
from modelyard.web.refusals import record_route_refusal


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
    "RepositoryIndex": repository_index,
    "RepositoryModelLoad": repository_model_load,
    "RepositoryModelUnload": repository_model_unload,
}
"""All but ``ModelInfer``, see ``protocol``."""


async def _served(model: str, version: str, call: GrpcCall) -> Route:
    return await deployment(call.services, await call.actor(), call.address(model, version), call.scope)


class _Recorded:
    """Records that what is asked inside was refused."""

    def __init__(self, call: GrpcCall, actor: Actor, permission: Permission) -> None:
        self._call, self._actor, self._permission = call, actor, permission

    async def __aenter__(self) -> None:
        """Nothing was refused yet."""

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, DomainError):
            route = f"POST {self._call.scope['path']}"
            await record_route_refusal(self._call.services.audit, self._actor, route, self._permission, error)
