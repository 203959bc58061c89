"""Replays: what a deployment was asked, answered by another version and compared."""

from datetime import datetime
from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.automation.entities import Job, JobKind
from modelyard.core.automation.jobs import Place, delete_job, list_jobs, logged_job, place_named
from modelyard.core.automation.replay import ReplayAsked, create_replay
from modelyard.core.kernel.store import Part
from modelyard.dialects.native.dialect import json, native, timestamp
from modelyard.web.call import Call

_REPLAYS = "/api/v1/deployments/{workspace}/{pipeline}/replay"
_REPLAY = f"{_REPLAYS}/{{job}}"
_LISTED = 100


class ReplayBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which rows (oldest first), by which version (without one: the newest), and what counts as the same."""

    version: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    limit: int = 10_000
    tolerance: float = 1e-6


@native.post(_REPLAYS, Permission.PIPELINE_EDIT, body=ReplayBody, success=201)
async def create(call: Call) -> Response:
    """Have logged inputs answered by a version; the report is there when the job has ended."""
    body = await call.json(ReplayBody)
    asked = ReplayAsked(body.version, body.start, body.end, body.limit, body.tolerance)
    place = await _place(call, Permission.PIPELINE_EDIT)
    job = await call.services.store.write(create_replay, call.actor, place, asked)
    return json(_told(job), 201)


@native.get(_REPLAYS, Permission.PIPELINE_READ)
async def list_all(call: Call) -> Response:
    """The newest replays, without their reports."""
    place = await _place(call, Permission.PIPELINE_READ)
    found = await call.services.store.read(list_jobs, call.actor, place, JobKind.REPLAY, Part(_LISTED))
    return json({"items": [_told(job) for job in found.jobs], "total": found.total})


@native.get(_REPLAY, Permission.LOGS_READ)
async def get(call: Call) -> Response:
    """One replay with its report, which shows rows of the log."""
    name = call.request.path_params["job"]
    place = await _place(call, Permission.LOGS_READ)
    job = await call.services.store.read(logged_job, call.actor, place, JobKind.REPLAY, name)
    return json({**_told(job), "report": job.result})


@native.route("DELETE", _REPLAY, Permission.PIPELINE_EDIT, success=204)
async def delete(call: Call) -> Response:
    """Forget a replay, and stop it if it runs."""
    name = call.request.path_params["job"]
    place = await _place(call, Permission.PIPELINE_EDIT)
    await call.services.store.write(delete_job, call.actor, place, JobKind.REPLAY, name)
    return Response(status_code=204)


async def _place(call: Call, permission: Permission) -> Place:
    """The deployment of the path, whose workspace is given by its slug or its number."""
    workspace, pipeline = call.request.path_params["workspace"], call.request.path_params["pipeline"]
    return await call.services.store.read(place_named, call.actor, workspace, pipeline, permission)


def _told(job: Job) -> dict[str, Any]:
    moments = {"createdAt": job.created_at, "startedAt": job.started_at, "finishedAt": job.finished_at}
    told = {name: timestamp(moment) for name, moment in moments.items()}
    counts = {"done": job.done, "failed": job.failed, "error": job.error}
    return {"name": job.name, "state": job.state, **told, **counts, "asked": job.definition}
