"""Uploads of models: streamed to the artifact store while they arrive, checked, and only then recorded."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.artifacts import Upload
from modelyard.core.catalogue.models import NewVersion, may_upload
from modelyard.core.catalogue.uploading import take_in
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.dialects.wallaroo.dialect import json, wallaroo
from modelyard.dialects.wallaroo.upload_form import FIELDS_BYTES, UploadForm
from modelyard.dialects.wallaroo.upload_metadata import UploadMetadata, described, from_fields, require_isolation
from modelyard.web.call import Call

_MULTIPART = "multipart/form-data"
# Checks are slow and hungry: few at once, on threads that nothing else waits for.
_checks = ThreadPoolExecutor(2, "model-check")


@wallaroo.post("/v1/api/models/upload", Permission.MODEL_EDIT, body=UploadMetadata, accepts=_MULTIPART)
async def upload(call: Call) -> Response:
    """Upload a model: multipart parts ``metadata`` (this body) and ``file`` (its bytes), in any order."""
    return json(await _from_form(call))


@wallaroo.post(
    "/v1/api/models/upload_and_convert", Permission.MODEL_EDIT, body=UploadMetadata, accepts=_MULTIPART, success=202
)
async def upload_and_convert(call: Call) -> Response:
    """The same for models of any framework; ONNX models need no conversion."""
    return json(await _from_form(call), 202)


@wallaroo.post("/v1/api/models/upload_stream", Permission.MODEL_EDIT, accepts="application/octet-stream")
async def upload_stream(call: Call) -> Response:
    """Upload a model as the plain body; its name, file name, visibility and workspace stand in the query.

    A multipart body with these as form fields is taken, too.
    """
    if call.request.headers.get("content-type", "").startswith("multipart/"):
        return json(await _from_form(call))
    new = from_fields(call.request.query_params.get)
    await _admit(call, new)
    with _begin(call) as incoming:
        async for chunk in call.request.stream():
            incoming.write(chunk)
        return json(await _taken_in(call, new, incoming))


async def _from_form(call: Call) -> dict[str, Any]:
    with _begin(call) as incoming:
        form = UploadForm(call.request.headers.get("content-type", ""), incoming.write)
        seen = form.stage
        async for chunk in _limited(call):
            form.feed(chunk)
            if form.stage != seen and (said := described(form)):
                await _admit(call, said)
            seen = form.stage
        form.finish()
        return await _taken_in(call, described(form) or from_fields(form.text), incoming)


async def _admit(call: Call, new: NewVersion) -> None:
    """Whether the upload would be taken, as far as can be said of it now."""
    await call.services.store.read(may_upload, call.actor, new)
    await require_isolation(call, new)


async def _taken_in(call: Call, new: NewVersion, incoming: Upload) -> dict[str, Any]:
    services = call.services
    await _admit(call, new)
    version = await asyncio.get_running_loop().run_in_executor(
        _checks, take_in, services.store, services.artifacts, services.check_model, call.actor, new, incoming
    )
    return {"insert_models": {"returning": [{"models": [{"id": version.id}]}]}}


def _begin(call: Call) -> Upload:
    declared = call.request.headers.get("content-length")
    if declared is not None and declared.isdigit() and int(declared) > call.services.limits.upload_bytes + FIELDS_BYTES:
        raise _too_large(call)
    return call.services.artifacts.upload(call.services.limits.upload_bytes)


async def _limited(call: Call) -> AsyncIterator[bytes]:
    """The body, also bounded where nothing of it is kept, as between parts."""
    size = 0
    async for chunk in call.request.stream():
        size += len(chunk)
        if size > call.services.limits.upload_bytes + FIELDS_BYTES:
            raise _too_large(call)
        yield chunk


def _too_large(call: Call) -> DomainError:
    limit = call.services.limits.upload_bytes
    return DomainError(ErrorKind.TOO_LARGE, f"the upload exceeds the limit of {limit} bytes", limit=limit)
