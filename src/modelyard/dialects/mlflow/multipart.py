"""``/mlflow-artifacts/mpu/*``: large files in parts.

Clients send the parts without credentials to addresses that we sign: each is good for one part of one upload and for
ten minutes.
"""

import asyncio
import hmac
import time
from typing import Final

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.uploading import drop_unreferenced
from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid
from modelyard.core.tracking import multipart as core
from modelyard.dialects.mlflow.artifacts import upload_limit
from modelyard.dialects.mlflow.dialect import ARTIFACTS, answer, body, mlflow
from modelyard.web.call import Call
from modelyard.web.routing import PUBLIC

_SECONDS: Final = 600
_PART: Final = f"{ARTIFACTS}/parts/{{upload_id}}/{{number}}"


class CreateUpload(msgspec.Struct):
    """A file's name on the client, and in how many parts it comes."""

    path: str
    num_parts: int = 1


class PartBody(msgspec.Struct):
    """A part that the client sent."""

    part_number: int
    etag: str = ""


class CompleteUpload(msgspec.Struct):
    """Which upload, and the parts that the client sent."""

    path: str
    upload_id: str
    parts: list[PartBody] = []


class AbortUpload(msgspec.Struct):
    """Which upload."""

    path: str
    upload_id: str


@mlflow.post(f"{ARTIFACTS}/mpu/create/{{folder:path}}", Permission.EXPERIMENT_EDIT, body=CreateUpload)
async def create(call: Call) -> Response:
    """Begin an upload in parts; gives an address for each."""
    asked, services = await body(call, CreateUpload), call.services
    begun = await services.store.write(core.begin, call.actor, _path(call, asked.path), asked.num_parts)
    await asyncio.to_thread(drop_unreferenced, services.store, services.artifacts, begun.left)
    upload = begun.upload
    credentials = [
        {"url": _address(call, upload.id, number), "part_number": number, "headers": {}}
        for number in range(1, upload.part_count + 1)
    ]
    return answer({"upload_id": upload.id, "credentials": credentials})


@mlflow.route("PUT", _PART, PUBLIC, accepts="application/octet-stream")
async def put_part(call: Call) -> Response:
    """Take one part in."""
    upload_id, number = call.request.path_params["upload_id"], call.request.path_params["number"]
    query = call.request.query_params
    given = query.get("expires", ""), query.get("signature", "")
    expected = _signature(call, upload_id, number, given[0]).encode()
    if not hmac.compare_digest(expected, given[1].encode()) or not given[0].isdigit():
        raise DomainError(ErrorKind.FORBIDDEN, "the address of this part is not one that this server gave")
    if int(given[0]) < time.time():
        raise DomainError(ErrorKind.FORBIDDEN, "the address of this part has expired; begin the upload again")
    services = call.services
    await services.store.read(core.existing_upload, upload_id)
    with services.artifacts.upload(upload_limit(call)) as incoming:
        async for chunk in call.request.stream():
            incoming.write(chunk)
        sha = await asyncio.to_thread(
            core.keep_part, services.store, services.artifacts, upload_id, int(number), incoming
        )
    return Response(status_code=200, headers={"etag": f'"{sha}"'})


@mlflow.post(f"{ARTIFACTS}/mpu/complete/{{folder:path}}", Permission.EXPERIMENT_EDIT, body=CompleteUpload)
async def complete(call: Call) -> Response:
    """Join the parts to one file."""
    asked, services = await body(call, CompleteUpload), call.services
    path, limit = _path(call, asked.path), services.limits.upload_bytes
    parts = await services.store.read(core.parts_of, call.actor, path, asked.upload_id)
    tags = {part.number: part.sha for part in parts}
    for part in asked.parts:
        if part.etag.strip('"') != tags.get(part.part_number):
            raise invalid(f"part {part.part_number} is not what was received under this number; send it again")
    await asyncio.to_thread(core.complete, services.store, services.artifacts, call.actor, path, asked.upload_id, limit)
    return answer()


@mlflow.post(f"{ARTIFACTS}/mpu/abort/{{folder:path}}", Permission.EXPERIMENT_EDIT, body=AbortUpload)
async def abort(call: Call) -> Response:
    """Give an upload up."""
    asked, services = await body(call, AbortUpload), call.services
    shas = await services.store.write(core.abort, call.actor, _path(call, asked.path), asked.upload_id)
    await asyncio.to_thread(drop_unreferenced, services.store, services.artifacts, shas)
    return answer()


def _path(call: Call, local: str) -> str:
    """The folder in the address and the file's own name; its folders on the client do not matter."""
    name = local.replace("\\", "/").rpartition("/")[2]
    if not name:
        raise invalid("path must end in the name of a file")
    return f"{call.request.path_params['folder'].strip('/')}/{name}"


def _address(call: Call, upload_id: str, number: int) -> str:
    base = call.services.public_url or f"{call.request.url.scheme}://{call.request.url.netloc}"
    expires = str(int(time.time()) + _SECONDS)
    signature = _signature(call, upload_id, str(number), expires)
    path = _PART.format(upload_id=upload_id, number=number)
    return f"{base.rstrip('/')}{path}?expires={expires}&signature={signature}"


def _signature(call: Call, upload_id: str, number: str, expires: str) -> str:
    message = f"artifact part\n{upload_id}\n{number}\n{expires}"
    return call.services.issuer.keys.refresh_proof(message.encode()).hex()
