"""What scoring servers are asked beside predictions: whether they answer, and who they are."""

from typing import Final

from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.places import served
from modelyard.dialects.mlflow.dialect import mlflow
from modelyard.dialects.mlflow.server import COMPATIBLE
from modelyard.web.call import Call

_BASE: Final = "/deployments/{namespace}/{deployment}"
_MEDIA_TYPE: Final = "application/json"
"""What MLflow's own server says of these answers, though they are none."""


@mlflow.get(f"{_BASE}/ping", Permission.PIPELINE_INFER)
async def ping(call: Call) -> Response:
    """The deployment is loaded, or 503."""
    await _loaded(call)
    return Response("\n", media_type=_MEDIA_TYPE)


@mlflow.get(f"{_BASE}/health", Permission.PIPELINE_INFER)
async def health(call: Call) -> Response:
    """The same by its other name."""
    await _loaded(call)
    return Response("\n", media_type=_MEDIA_TYPE)


@mlflow.get(f"{_BASE}/version", Permission.PIPELINE_INFER)
async def version(call: Call) -> Response:
    """The release of MLflow whose scoring protocol this is."""
    await _loaded(call)
    return Response(COMPATIBLE, media_type=_MEDIA_TYPE)


async def _loaded(call: Call) -> None:
    place = call.request.path_params["namespace"], call.request.path_params["deployment"]
    await call.services.store.glance(served, call.actor, *place, Permission.PIPELINE_INFER)
    if call.services.serving.routes.at(*place) is None:
        raise DomainError(ErrorKind.UNAVAILABLE, f"deployment {'/'.join(place)} is not loaded yet; try again shortly")
