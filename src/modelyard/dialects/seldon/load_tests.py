"""LoadtestJobsApi: how fast a deployment answers, measured from beside it."""

from typing import Any

from starlette.datastructures import UploadFile
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.automation.entities import Job, JobKind
from modelyard.core.automation.jobs import create_job, delete_job, list_jobs
from modelyard.core.automation.load import BODY_BYTES, LoadDefinition, load_definition
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.store import Part
from modelyard.core.serving.pipelines import pipeline_at
from modelyard.dialects.seldon.dialect import json, seldon, timestamp
from modelyard.dialects.seldon.forms import form_in
from modelyard.dialects.seldon.places import PL, SD, place_of
from modelyard.web.call import Call, decode, json_bytes

_LOAD = "/loadtestjobs"
_JOB = "/loadtestjobs/{jobName}"
_LISTED = 100


@seldon.post(f"{SD}{_LOAD}", Permission.PIPELINE_EDIT)
@seldon.post(f"{PL}{_LOAD}", Permission.PIPELINE_EDIT)
async def create_load_test(call: Call) -> Response:
    """Have the request in ``loadFile`` sent many times."""
    place = place_of(call)
    await call.services.store.glance(pipeline_at, call.actor, *place, Permission.PIPELINE_EDIT)
    definition = (await _form(call)).to_json()
    job = await call.services.store.write(create_job, call.actor, place, JobKind.LOAD_TEST, definition)
    return json({"code": 200, "message": job.name})


@seldon.get(f"{SD}{_LOAD}", Permission.PIPELINE_READ)
@seldon.get(f"{PL}{_LOAD}", Permission.PIPELINE_READ)
async def list_load_tests(call: Call) -> Response:
    """The newest load tests; the one message holds their list as JSON."""
    found = await call.services.store.read(list_jobs, call.actor, place_of(call), JobKind.LOAD_TEST, Part(_LISTED))
    return json({"code": 200, "message": json_bytes([_told(job) for job in found.jobs]).decode()})


@seldon.route("DELETE", f"{SD}{_JOB}", Permission.PIPELINE_EDIT)
@seldon.route("DELETE", f"{PL}{_JOB}", Permission.PIPELINE_EDIT)
async def delete_load_test(call: Call) -> Response:
    """Forget a load test, and stop it if it runs."""
    name = call.request.path_params["jobName"]
    await call.services.store.write(delete_job, call.actor, place_of(call), JobKind.LOAD_TEST, name)
    return json({"code": 200, "message": f"load test {name} is deleted"})


async def _form(call: Call) -> LoadDefinition:
    async with form_in(call, BODY_BYTES, "loadFile") as form:
        file = form.get("loadFile")
        content = await file.read() if isinstance(file, UploadFile) else str(file or "").encode()
        texts = [str(form.get(name) or "") for name in ("connectionsNumber", "requestsNumber", "duration")]
    return load_definition(_json_text(content), *texts)


def _json_text(content: bytes) -> str:
    if not content:
        raise invalid("loadFile is missing: send the JSON of one request in it")
    if len(content) > BODY_BYTES:
        raise invalid(f"loadFile has more than {BODY_BYTES} bytes")
    return json_bytes(decode(content, Any)).decode()


def _told(job: Job) -> dict[str, Any]:
    moments = {"createdAt": job.created_at, "startedAt": job.started_at, "finishedAt": job.finished_at}
    told = {key: timestamp(moment) for key, moment in moments.items() if moment is not None}
    asked = {
        "connectionsNumber": job.definition["connections"],
        "requestsNumber": job.definition["requests"],
        "duration": f"{job.definition['seconds']:g}s",
    }
    result = job.result or {"requests": job.done, "errors": job.failed}
    return {"name": job.name, "status": job.state, **told, **asked, **result, "error": job.error}
