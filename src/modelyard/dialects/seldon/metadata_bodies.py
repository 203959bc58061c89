"""``v1Model`` in and out, with the limits that Seldon documents."""

import math
import re
from typing import Any

import msgspec

from modelyard.core.catalogue.entities import ModelMetadata
from modelyard.core.catalogue.model_metadata import DEFAULT_PROJECT, NewMetadata
from modelyard.core.kernel.errors import invalid
from modelyard.dialects.seldon.dialect import timestamp
from modelyard.dialects.seldon.prediction_schema import PredictionSchema, checked_schema
from modelyard.web.call import decode

ARTIFACT_TYPES = frozenset(
    {
        "UNKNOWN",
        "CUSTOM",
        "TENSORFLOW",
        "SKLEARN",
        "XGBOOST",
        "MLFLOW",
        "PYTORCH",
        "ONNX",
        "TENSORRT",
        "ALIBI_EXPLAIN",
        "ALIBI_DETECT",
        "HUGGINGFACE",
        "MLSERVER_PYTHON",
        "TRITON_PYTHON",
    }
)
PROTOCOLS = frozenset({"PROTOCOL_UNKNOWN", "PROTOCOL_SELDON", "PROTOCOL_TENSORFLOW", "PROTOCOL_V2"})
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+|[A-Za-z0-9._~/@%:-]+")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_LENGTHS = {"URI": 200, "name": 200, "version": 50, "taskType": 50, "project": 200}
_KEY_MAX, _TAG_MAX, _KEYS_MAX = 100, 500, 100


class RuntimeDefaults(msgspec.Struct):
    """``v1RuntimeDefaults``."""

    defaultProtocol: str | None = None  # noqa: N815  # names of the wire


class ModelBody(msgspec.Struct):
    """``v1Model``."""

    URI: str | None = None
    name: str | None = None
    version: str | None = None
    artifactType: str | None = None  # noqa: N815
    taskType: str | None = None  # noqa: N815
    tags: dict[str, str] | None = None
    metrics: dict[str, float] | None = None
    predictionSchema: PredictionSchema | None = None  # noqa: N815
    project: str | None = None
    runtimeDefaults: RuntimeDefaults | None = None  # noqa: N815


def read_model(body: bytes) -> NewMetadata:
    """The body as an entry; ``INVALID`` names the field that is wrong."""
    given = decode(body or b"{}", ModelBody)
    if not given.URI:
        raise invalid("URI is missing: name the model", field="URI")
    protocol = given.runtimeDefaults.defaultProtocol if given.runtimeDefaults else None
    new = NewMetadata(
        project=_text("project", given.project) or DEFAULT_PROJECT,
        uri=_uri(given.URI),
        name=_text("name", given.name),
        version=_text("version", given.version),
        artifact_type=_one_of("artifactType", given.artifactType or "UNKNOWN", ARTIFACT_TYPES),
        task_type=_text("taskType", given.taskType),
        tags=_tags(given.tags or {}),
        metrics=_metrics(given.metrics or {}),
        prediction_schema=checked_schema(given.predictionSchema),
        default_protocol=_one_of("runtimeDefaults.defaultProtocol", protocol, PROTOCOLS) if protocol else None,
    )
    if new.project.endswith("*"):
        raise invalid("project must not end in '*', which stands for many projects", field="project")
    return new


def shown(entry: ModelMetadata) -> dict[str, Any]:
    """The entry as ``v1Model``; what nobody said is left out."""
    said = {
        "URI": entry.uri,
        "name": entry.name,
        "version": entry.version,
        "artifactType": entry.artifact_type,
        "taskType": entry.task_type,
        "tags": entry.tags,
        "metrics": entry.metrics,
        "creationTime": timestamp(entry.created_at),
        "predictionSchema": entry.prediction_schema,
        "project": entry.project,
        "runtimeDefaults": {"defaultProtocol": entry.default_protocol} if entry.default_protocol else None,
    }
    return {name: value for name, value in said.items() if value is not None}


def number(field: str, text: str) -> float:
    """A finite number that came as text."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise invalid(f"{field[:120]}: {text[:40]!r} is not a number", field=field[:120])
    return found


def _uri(text: str) -> str:
    """RFC 3986; the reference to an image, which has no scheme, is taken as well."""
    if not _URI.fullmatch(_text("URI", text)) or _BROKEN_ESCAPE.search(text):
        raise invalid(f"URI {text[:80]!r} is not one (RFC 3986): write spaces and the like as %20", field="URI")
    return text


def _text(field: str, given: str | None) -> str:
    text = given or ""
    if len(text) > _LENGTHS[field] or not text.isprintable():
        raise invalid(f"{field} must be printable and not exceed {_LENGTHS[field]} characters", field=field)
    return text


def _one_of(field: str, given: str, known: frozenset[str]) -> str:
    if given not in known:
        raise invalid(f"{field} {given[:40]!r} is unknown; use one of {', '.join(sorted(known))}", field=field)
    return given


def _tags(tags: dict[str, str]) -> dict[str, str]:
    _check_keys("tags", list(tags))
    for key, value in tags.items():
        if len(value) > _TAG_MAX or "\0" in value:
            raise invalid(f"tags[{key[:40]}] must not exceed {_TAG_MAX} characters or hold NUL", field="tags")
    return tags


def _metrics(metrics: dict[str, float]) -> dict[str, float]:
    _check_keys("metrics", list(metrics))
    for key, value in metrics.items():
        if not math.isfinite(value):
            raise invalid(f"metrics[{key[:40]}] must be a finite number", field="metrics")
    return metrics


def _check_keys(field: str, keys: list[str]) -> None:
    if len(keys) > _KEYS_MAX:
        raise invalid(f"{field} has {len(keys)} keys; at most {_KEYS_MAX} are kept", field=field)
    for key in keys:
        if not key or len(key) > _KEY_MAX or not key.isprintable():
            raise invalid(f"{field}: the key {key[:40]!r} must have 1 to {_KEY_MAX} printable characters", field=field)
