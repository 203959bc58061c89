"""What clients ask about the server itself."""

from typing import Final

from starlette.responses import PlainTextResponse, Response

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.dialects.mlflow.dialect import API, answer, mlflow
from modelyard.web.call import Call
from modelyard.web.routing import PUBLIC

COMPATIBLE: Final = "3.18.0"
"""The release of MLflow whose clients these routes were made for."""


@mlflow.get("/health", PUBLIC)
async def health(call: Call) -> Response:
    """The server answers."""
    del call
    return PlainTextResponse("OK")


@mlflow.get("/version", Permission.SIGNED_IN)
async def version(call: Call) -> Response:
    """The release of MLflow that this server is compatible with."""
    require_platform(call.actor, Permission.SIGNED_IN)
    return PlainTextResponse(COMPATIBLE)


@mlflow.get(f"{API}/server-info", PUBLIC)
async def server_info(call: Call) -> Response:
    """What the server can do; clients ask before they sign in."""
    del call
    return answer(
        {
            "store_type": "SqlStore",
            "workspaces_enabled": False,
            "trace_archival_enabled": False,
            "multipart_uploads_enabled": True,
            "multipart_downloads_enabled": False,
            "features_enabled": {"gateway": False},
        }
    )
