"""What an upload says about its model: as the part ``metadata``, as form fields, or in the query."""

import asyncio
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from modelyard.core.catalogue import frameworks
from modelyard.core.catalogue.models import NewVersion
from modelyard.core.catalogue.upload_rules import check_isolation, framework_of, needs_preparation
from modelyard.core.kernel.errors import invalid
from modelyard.dialects.wallaroo.upload_form import UploadForm, base_name
from modelyard.engines.declared import declared_tensors
from modelyard.web.call import Call, decode

FRAMEWORKS: frozenset[str] = frozenset(
    {
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
    }
)
"""Those that the API's published clients know."""
_TAKEN = FRAMEWORKS | frameworks.FRAMEWORKS.keys()
_ID_DIGITS = 15
_WHERE_GIVEN = ("python_version", "options")


class Conversion(msgspec.Struct):
    """How the file is to be brought to run. Values that the API's published clients cannot read back are refused."""

    framework: str = "onnx"
    requirements: list[str] = []
    accel: str | dict[str, Any] | None = None
    arch: Literal["arm", "power10", "x86"] | None = None
    framework_config: dict[str, Any] | None = None
    python_version: Literal["3.8", "3.9"] | None = None
    options: dict[str, Any] | None = None
    """An addition of ours: what the framework's loader is told, and ``convert``, false to keep a model as it is."""

    def __post_init__(self) -> None:
        if self.framework not in _TAKEN:
            known = ", ".join(sorted(_TAKEN))
            raise ValueError(f"framework {self.framework[:40]!r} is unknown; use one of {known}")

    def stored(self) -> dict[str, Any]:
        """As JSON types; ``python_version`` only where it was given: clients read it as one of its two values."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        return {name: value for name, value in fields.items() if name not in _WHERE_GIVEN or value is not None}


class UploadMetadata(msgspec.Struct):
    """The ``metadata`` part of a multipart upload."""

    name: str
    workspace_id: int
    visibility: str = "private"
    conversion: Conversion = msgspec.field(default_factory=Conversion)
    image_path: str | None = None
    input_schema: str | None = None
    output_schema: str | None = None


def described(form: UploadForm) -> NewVersion | None:
    """What the form says about the file, as soon as it says it."""
    if "metadata" in form.fields:
        return new_version(decode(form.fields["metadata"], UploadMetadata), form.file_name or "")
    if {"name", "workspace_id"} <= form.fields.keys():
        return from_fields(form.text, form.file_name or "")
    return None


def from_fields(field: Callable[[str], str | None], file_name: str = "") -> NewVersion:
    """The description as form fields or query parameters, read by ``field``; all is said that will be."""
    missing = [name for name in ("name", "workspace_id") if not field(name)]
    if missing:
        raise invalid(f"the upload does not say its {' and '.join(missing)}")
    workspace_id = field("workspace_id") or ""
    if not (workspace_id.isascii() and workspace_id.isdecimal() and len(workspace_id) <= _ID_DIGITS):
        raise invalid(f"workspace_id {workspace_id[:40]!r} is not a number")
    return NewVersion(
        int(workspace_id),
        field("name") or "",
        base_name(field("filename") or file_name),
        field("visibility") or "private",
        Conversion().stored(),
    )


def new_version(metadata: UploadMetadata, file_name: str) -> NewVersion:
    """The description in a ``metadata`` part; ``INVALID`` for tensors that cannot be declared so."""
    conversion = metadata.conversion.stored()
    if needs_preparation(conversion):  # those of an ONNX model stand in its file
        declared_tensors(metadata.input_schema, "input_schema")
        declared_tensors(metadata.output_schema, "output_schema")
    return NewVersion(
        metadata.workspace_id,
        metadata.name,
        file_name,
        metadata.visibility,
        conversion,
        metadata.input_schema,
        metadata.output_schema,
        metadata.image_path,
    )


async def require_isolation(call: Call, new: NewVersion) -> None:
    """See ``check_isolation``; versions of which no code runs need none."""
    framework = frameworks.FRAMEWORKS.get(framework_of(new.conversion))
    if framework is not None:
        check_isolation(framework, await asyncio.to_thread(call.services.code_refusal))
