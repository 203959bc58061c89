"""Guards of deployments, their rollouts, and rolling back by hand."""

from dataclasses import asdict
from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.automation.jobs import Place, place_named
from modelyard.core.serving.rollout.entities import Rollout, RolloutGuard
from modelyard.core.serving.rollout.guards import Terms, get_guard, remove_guard, set_guard
from modelyard.core.serving.rollout.returning import roll_back
from modelyard.core.serving.rollout.rollouts import list_rollouts
from modelyard.dialects.native.dialect import json, native, timestamp
from modelyard.web.call import Call

_DEPLOYMENT = "/api/v1/deployments/{workspace}/{pipeline}"
_GUARD = f"{_DEPLOYMENT}/rollout-guard"
_DEFAULT = Terms()
_UNTOLD = ("id", "models", "plan", "engine_config", "from_version_id", "to_version_id")


class GuardBody(msgspec.Struct, forbid_unknown_fields=True):
    """What new revisions must hold to; a limit of null is none."""

    enabled: bool = _DEFAULT.enabled
    bake_seconds: int = _DEFAULT.bake_seconds
    load_seconds: int = _DEFAULT.load_seconds
    min_requests: int = _DEFAULT.min_requests
    max_error_rate: float | None = _DEFAULT.max_error_rate
    max_p99_ms: float | None = _DEFAULT.max_p99_ms
    max_latency_ratio: float | None = _DEFAULT.max_latency_ratio
    max_failed_checks: float | None = _DEFAULT.max_failed_checks


@native.get(_GUARD, Permission.PIPELINE_READ)
async def show(call: Call) -> Response:
    """The guard; one that is off where nobody set one."""
    place = await _place(call, Permission.PIPELINE_READ)
    return json(_guard(await call.services.store.read(get_guard, call.actor, *place)))


@native.route("PUT", _GUARD, Permission.PIPELINE_DEPLOY, body=GuardBody)
async def change(call: Call) -> Response:
    """Set the guard; what is left out gets its default."""
    terms = Terms(**msgspec.structs.asdict(await call.json(GuardBody)))
    place = await _place(call, Permission.PIPELINE_DEPLOY)
    return json(_guard(await call.services.store.write(set_guard, call.actor, *place, terms)))


@native.route("DELETE", _GUARD, Permission.PIPELINE_DEPLOY, success=204)
async def remove(call: Call) -> Response:
    """Guard it no longer."""
    place = await _place(call, Permission.PIPELINE_DEPLOY)
    await call.services.store.write(remove_guard, call.actor, *place)
    return Response(status_code=204)


@native.get(f"{_DEPLOYMENT}/rollouts", Permission.PIPELINE_READ)
async def list_all(call: Call) -> Response:
    """The newest rollouts first."""
    place = await _place(call, Permission.PIPELINE_READ)
    found = await call.services.store.read(list_rollouts, call.actor, *place)
    return json({"items": [_rollout(rollout) for rollout in found]})


@native.post(f"{_DEPLOYMENT}/rollback", Permission.PIPELINE_DEPLOY)
async def go_back(call: Call) -> Response:
    """Serve again what was served before the current revision."""
    place = await _place(call, Permission.PIPELINE_DEPLOY)
    return json(_rollout(await call.services.store.write(roll_back, call.actor, *place)))


async def _place(call: Call, permission: Permission) -> Place:
    """The deployment of the path, whose workspace is given by its slug or its number."""
    workspace, pipeline = call.request.path_params["workspace"], call.request.path_params["pipeline"]
    return await call.services.store.read(place_named, call.actor, workspace, pipeline, permission)


def _guard(guard: RolloutGuard) -> dict[str, Any]:
    told = {name: value for name, value in asdict(guard).items() if name != "id"}
    return told | {"updated_at": timestamp(guard.updated_at) if guard.id else None}


def _rollout(rollout: Rollout) -> dict[str, Any]:
    told = {name: value for name, value in asdict(rollout).items() if name not in _UNTOLD}
    times = ("started_at", "serving_at", "ended_at")
    return told | {name: timestamp(told[name]) for name in times}
