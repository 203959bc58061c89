"""Uploads of models: streamed to the artifact store while they arrive, checked, and only then recorded."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.artifacts import Upload
from modelyard.core.catalogue.models import CheckedFile, NewVersion, may_upload, record_upload
from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid
from modelyard.dialects.wallaroo.dialect import json, wallaroo
from modelyard.web.call import Call, decode

_FIELD_BYTES = 1024 * 1024
_MULTIPART = "multipart/form-data"
_SUFFIXES = (".onnx",)
_FRAMEWORKS = Literal[
    "custom",
    "hugging-face-automatic-speech-recognition",
    "hugging-face-feature-extraction",
    "hugging-face-image-classification",
    "hugging-face-image-segmentation",
    "hugging-face-image-to-text",
    "hugging-face-object-detection",
    "hugging-face-question-answering",
    "hugging-face-sentiment-analysis",
    "hugging-face-stable-diffusion-text-2-img",
    "hugging-face-summarization",
    "hugging-face-text-classification",
    "hugging-face-text-generation",
    "hugging-face-translation",
    "hugging-face-zero-shot-classification",
    "hugging-face-zero-shot-image-classification",
    "hugging-face-zero-shot-object-detection",
    "keras",
    "mlflow",
    "onnx",
    "python",
    "pytorch",
    "sglang",
    "sklearn",
    "tensorflow",
    "vllm",
    "xgboost",
]


class Conversion(msgspec.Struct):
    """What the uploader says about the file."""

    framework: _FRAMEWORKS = "onnx"
    requirements: list[Any] = []
    accel: Any = None
    arch: str | None = None
    framework_config: dict[str, Any] | None = None
    python_version: str | None = None


class UploadMetadata(msgspec.Struct):
    """The ``metadata`` part of a multipart upload."""

    name: str
    workspace_id: int
    visibility: str = "private"
    conversion: Conversion = msgspec.field(default_factory=Conversion)
    image_path: str | None = None
    input_schema: str | None = None
    output_schema: str | None = None


@wallaroo.post("/v1/api/models/upload", Permission.MODEL_EDIT, body=UploadMetadata, accepts=_MULTIPART)
async def upload(call: Call) -> Response:
    """Upload a model: multipart parts ``metadata`` (this body) and ``file`` (its bytes), in any order."""
    return json(await _uploaded(call))


@wallaroo.post(
    "/v1/api/models/upload_and_convert", Permission.MODEL_EDIT, body=UploadMetadata, accepts=_MULTIPART, success=202
)
async def upload_and_convert(call: Call) -> Response:
    """The same for models of any framework; ONNX models need no conversion."""
    return json(await _uploaded(call), 202)


@wallaroo.post("/v1/api/models/upload_stream", Permission.MODEL_EDIT, accepts="application/octet-stream")
async def upload_stream(call: Call) -> Response:
    """Upload a model as the plain body; its name, file name, visibility and workspace stand in the query.

    A multipart body with these as form fields is taken, too.
    """
    if call.request.headers.get("content-type", "").startswith("multipart/"):
        return json(await _uploaded(call))
    new = _from_fields(dict(call.request.query_params), None)
    await call.services.store.read(may_upload, call.actor, new)
    with _begin(call) as incoming:
        async for chunk in call.request.stream():
            incoming.write(chunk)
        return json(await _recorded(call, new, incoming))


async def _uploaded(call: Call) -> dict[str, Any]:
    with _begin(call) as incoming:
        form = _Form(incoming)
        allowed = False
        async for _ in form.read(_boundary(call), call.request.stream()):
            if not allowed and form.described:
                await call.services.store.read(may_upload, call.actor, form.new_version())
                allowed = True
        if not form.has_file:
            raise invalid("the upload has no file: send a multipart part named 'file'")
        return await _recorded(call, form.new_version(), incoming)


async def _recorded(call: Call, new: NewVersion, incoming: Upload) -> dict[str, Any]:
    """Check the file, keep it, write it down: in this order, so that nothing is recorded that is not there."""
    _check_kind(new)
    sha = await asyncio.to_thread(incoming.finish)
    signature = await asyncio.to_thread(call.services.check_model, incoming.path)
    await asyncio.to_thread(incoming.keep)
    file = CheckedFile(sha, incoming.size, signature.to_json())
    version = await call.services.store.write(record_upload, call.actor, new, file)
    return {"insert_models": {"returning": [{"models": [{"id": version.id}]}]}}


def _begin(call: Call) -> Upload:
    limit = call.services.limits.upload_bytes
    declared = call.request.headers.get("content-length")
    if declared is not None and declared.isdigit() and int(declared) > limit + _FIELD_BYTES:
        raise DomainError(ErrorKind.TOO_LARGE, f"the upload exceeds the limit of {limit} bytes")
    return call.services.artifacts.upload(limit)


def _check_kind(new: NewVersion) -> None:
    framework = new.conversion.get("framework", "onnx")
    if framework != "onnx":
        raise invalid(f"models of the framework {framework} cannot be served here yet; convert the model to ONNX")
    if new.file_name and not new.file_name.lower().endswith(_SUFFIXES):
        raise invalid(f"the file is named {new.file_name[:80]!r}; an ONNX model's file name ends in .onnx")


def _boundary(call: Call) -> bytes:
    kind, options = parse_options_header(call.request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= 70:
        raise invalid("send the upload as multipart/form-data with a boundary of at most 70 characters")
    return boundary


@dataclass(slots=True)
class _Form:
    """A multipart form whose part ``file`` goes to the upload; the rest is small and kept here."""

    upload: Upload
    fields: dict[str, bytes] = field(default_factory=dict)
    file_name: str = ""
    has_file: bool = False
    _part: str = ""
    _header: tuple[bytes, bytes] = (b"", b"")
    _headers: dict[bytes, bytes] = field(default_factory=dict)
    _open: bool = False

    @property
    def described(self) -> bool:
        """Whether what is needed to decide has arrived."""
        return "metadata" in self.fields and not (self._open and self._part == "metadata")

    async def read(self, boundary: bytes, stream: AsyncIterator[bytes]) -> AsyncIterator[None]:
        """Take in the body; yields after each chunk."""
        parser = MultipartParser(boundary, self._callbacks())
        try:
            async for chunk in stream:
                parser.write(chunk)
                yield
            parser.finalize()
        except MultipartParseError as error:
            raise invalid(f"the body is not valid multipart/form-data: {error}") from error
        if self._open:
            raise invalid("the multipart body ends in the middle of a part")

    def new_version(self) -> NewVersion:
        """What the form says about the file."""
        if "metadata" not in self.fields:
            return _from_fields({name: value.decode(errors="replace") for name, value in self.fields.items()}, self)
        metadata = decode(self.fields["metadata"], UploadMetadata)
        return NewVersion(
            metadata.workspace_id,
            metadata.name,
            self.file_name,
            metadata.visibility,
            msgspec.to_builtins(metadata.conversion),
            metadata.input_schema,
            metadata.output_schema,
            metadata.image_path,
        )

    def _callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._add_header(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._add_header(1, data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._name_part,
            "on_part_data": lambda data, start, end: self._take(data[start:end]),
            "on_part_end": self._end,
        }

    def _begin(self) -> None:
        self._headers, self._header, self._part, self._open = {}, (b"", b""), "", True

    def _add_header(self, at: int, data: bytes) -> None:
        name, value = self._header
        self._header = (name + data, value) if at == 0 else (name, value + data)
        if len(self._header[at]) > 8192:
            raise invalid("a header of the multipart body is too long")

    def _end_header(self) -> None:
        name, value = self._header
        self._headers[name.lower()] = value
        self._header = (b"", b"")

    def _name_part(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._part = options.get(b"name", b"").decode(errors="replace")
        if self._part == "file":
            if self.has_file:
                raise invalid("the upload has two parts named 'file'")
            self.has_file = True
            self.file_name = options.get(b"filename", b"").decode(errors="replace").replace("\\", "/").split("/")[-1]
        elif len(self.fields) < 50:
            self.fields[self._part] = b""

    def _take(self, data: bytes) -> None:
        if self._part == "file":
            self.upload.write(data)
        elif self._part in self.fields:
            self.fields[self._part] += data
            if len(self.fields[self._part]) > _FIELD_BYTES:
                raise invalid(f"the part {self._part[:60]!r} is larger than {_FIELD_BYTES} bytes")

    def _end(self) -> None:
        self._open = False


def _from_fields(fields: dict[str, str], form: "_Form | None") -> NewVersion:
    """The description as form fields or query parameters."""
    missing = [name for name in ("name", "workspace_id") if not fields.get(name)]
    if missing:
        raise invalid(f"the upload does not say its {' and '.join(missing)}")
    if not fields["workspace_id"].isdecimal() or len(fields["workspace_id"]) > 15:
        raise invalid(f"workspace_id {fields['workspace_id'][:40]!r} is not a number")
    name = fields.get("filename") or (form.file_name if form else "")
    return NewVersion(
        int(fields["workspace_id"]),
        fields["name"],
        name.replace("\\", "/").split("/")[-1],
        fields.get("visibility") or "private",
        {"framework": "onnx", "requirements": []},
    )
