"""BatchJobsApi: files through a deployment. Deleting one, which Seldon's API cannot, is an extension."""

from typing import Any

from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.automation.batch import read_definition
from modelyard.core.automation.data_files import Access
from modelyard.core.automation.entities import Job, JobKind
from modelyard.core.automation.jobs import create_job, delete_job, get_job, list_jobs
from modelyard.core.catalogue.model_places import Credentials
from modelyard.core.catalogue.secrets import bucket_credentials
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.store import Part
from modelyard.core.serving.pipelines import pipeline_at
from modelyard.dialects.seldon.dialect import json, seldon, timestamp
from modelyard.dialects.seldon.places import PL, SD, place_of
from modelyard.web.call import Call

_BATCH = "/batchjobs"
_JOB = "/batchjobs/{jobName}"
_MOST = 100


@seldon.post(f"{SD}{_BATCH}", Permission.PIPELINE_EDIT)
@seldon.post(f"{PL}{_BATCH}", Permission.PIPELINE_EDIT)
async def create_batch_job(call: Call) -> Response:
    """Have the lines of a file answered; what is wrong with the definition is told at once."""
    place = place_of(call)
    pipeline = await call.services.store.glance(pipeline_at, call.actor, *place, Permission.PIPELINE_EDIT)
    raw = await call.json(dict[str, Any])
    definition = read_definition(raw)
    if definition.grpc and not call.services.grpc:
        raise invalid("batchTransportProtocol grpc cannot be used: this server has no gRPC port (grpc_port); use rest")
    access = Access(place.workspace, await _credentials(call, pipeline.workspace_id, definition.secret))
    source = call.services.files.source(definition.source, access)
    if source.place == call.services.files.target(definition.target_of("job"), access).place:
        raise invalid("outputData would replace inputData; give them different names")
    job = await call.services.store.write(create_job, call.actor, place, JobKind.BATCH, raw)
    return json({"workflowName": job.name, "workflowUID": job.uid})


@seldon.get(f"{SD}{_BATCH}", Permission.PIPELINE_READ)
@seldon.get(f"{PL}{_BATCH}", Permission.PIPELINE_READ)
async def list_batch_jobs(call: Call) -> Response:
    """A page of the deployment's batch jobs, newest first; pages count from 0."""
    limit, page = _number(call, "limit", 10, 1, _MOST), _number(call, "Page", 0, 0, 10**9)
    part = Part(limit, page * limit)
    found = await call.services.store.read(list_jobs, call.actor, place_of(call), JobKind.BATCH, part)
    jobs = [_description(job) for job in found.jobs]
    return json({"batchJobs": jobs, "limit": limit, "page": page, "pagesCount": -(-found.total // limit)})


@seldon.get(f"{SD}{_JOB}", Permission.PIPELINE_READ)
@seldon.get(f"{PL}{_JOB}", Permission.PIPELINE_READ)
async def get_batch_job(call: Call) -> Response:
    """One batch job: what was asked for, as it was sent, and how it goes."""
    name = call.request.path_params["jobName"]
    job = await call.services.store.read(get_job, call.actor, place_of(call), JobKind.BATCH, name)
    return json({"Definition": job.definition, "Description": _description(job)})


@seldon.route("DELETE", f"{SD}{_JOB}", Permission.PIPELINE_EDIT)
@seldon.route("DELETE", f"{PL}{_JOB}", Permission.PIPELINE_EDIT)
async def delete_batch_job(call: Call) -> Response:
    """Forget a batch job, and stop it if it runs."""
    name = call.request.path_params["jobName"]
    await call.services.store.write(delete_job, call.actor, place_of(call), JobKind.BATCH, name)
    return json({"code": 200, "message": f"batch job {name} is deleted"})


async def _credentials(call: Call, workspace_id: int, secret: str | None) -> Credentials | None:
    if secret is None:
        return None
    return await call.services.store.read(bucket_credentials, call.actor, call.services.sealer, workspace_id, secret)


def _description(job: Job) -> dict[str, Any]:
    """``BatchJobDescription``, and beside it how far the job is and why it failed."""
    moments = {"StartedAt": job.started_at, "FinishedAt": job.finished_at}
    told = {key: timestamp(moment) for key, moment in moments.items() if moment is not None}
    workflow = {"workflowName": job.name, "workflowUID": job.uid, "workflowStatus": job.state}
    return {**workflow, **told, "linesDone": job.done, "linesFailed": job.failed, "message": job.error or ""}


def _number(call: Call, name: str, default: int, low: int, high: int) -> int:
    text = call.request.query_params.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 12 and low <= int(text) <= high):
        raise invalid(f"{name} must be a whole number from {low} to {high}, not {text[:40]!r}")
    return int(text)
