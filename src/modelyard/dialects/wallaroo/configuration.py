"""What a client asks before and besides its work."""

from typing import Any

from starlette.responses import Response

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.dialects.wallaroo.dialect import json, wallaroo
from modelyard.web.call import Call
from modelyard.web.routing import PUBLIC


@wallaroo.get("/v1/api/config", PUBLIC, response=dict[str, str])
async def configuration(call: Call) -> Response:
    """What the SDK needs to know of the server before it signs in."""
    del call
    return json({"default_arch": "x86"})


@wallaroo.post("/v1/api/features/list", Permission.SIGNED_IN, response=dict[str, Any])
async def features(call: Call) -> Response:
    """Which optional parts the server has."""
    require_platform(call.actor, Permission.SIGNED_IN)
    return json({"features": {"plateau": "true"}, "name": "Modelyard", "is_auth_enabled": True})


@wallaroo.post("/v1/api/workspaces/validate", Permission.SIGNED_IN)
async def validate(call: Call) -> Response:
    """Whether the caller's token is good here."""
    require_platform(call.actor, Permission.SIGNED_IN)
    return json({})
