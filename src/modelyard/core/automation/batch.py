"""What a batch job is told to do (BatchJobDefinition of Seldon Deploy v1alpha1)."""

import math
from dataclasses import dataclass
from typing import Any

from modelyard.core.kernel.errors import invalid

_DATA_TYPES = ("data", "json", "str", "raw")
_FILE = "file://"
_JOB_NAME = "{{workflow.name}}"


@dataclass(frozen=True, slots=True)
class BatchDefinition:
    """``data_type`` says what a line is, ``size`` how many lines go into one request.

    Each of ``workers`` connections sends one request at a time, and waits ``interval`` seconds between two. A request
    that fails for no fault of its own is sent up to ``retries`` times again. ``source`` and ``target`` are URIs,
    ``secret`` names the secret that opens the store of those that are not files of this machine. ``grpc`` says that
    requests go through the gRPC port.
    """

    source: str
    target: str
    data_type: str
    workers: int
    retries: int
    interval: float
    size: int
    secret: str | None
    grpc: bool

    def target_of(self, job_name: str) -> str:
        """Where the job of this name writes: its name may stand in the URI as ``{{workflow.name}}``."""
        return self.target.replace(_JOB_NAME, job_name)

    def payload(self, line: Any) -> Any:
        """The request that a line of the input is; objects, and lists of them, already say all themselves."""
        if self.data_type == "str":
            return {"strData": line}
        if self.data_type == "raw" or isinstance(line, dict):
            return line if self.data_type != "json" else {"jsonData": line}
        if self.data_type == "json":
            return {"jsonData": line}
        if isinstance(line, list) and line and isinstance(line[0], dict):
            return line
        return {"data": {"ndarray": line}}


def read_definition(raw: dict[str, Any]) -> BatchDefinition:
    """The definition; ``INVALID`` names the member that is wrong. Members that mean nothing here are left alone."""
    method = raw.get("batchMethod") or "predict"
    if method != "predict":
        raise invalid(f"batchMethod {_shown(method)} is not supported: a batch job can only predict")
    _one_of(raw, "batchPayloadType", ("ndarray", "tensor"))  # a line is nested lists, however they travel
    source, target = _uri(raw, "inputData"), _uri(raw, "outputData")
    return BatchDefinition(
        source=source,
        target=target,
        data_type=_one_of(raw, "batchDataType", _DATA_TYPES),
        workers=_whole(raw, "batchWorkers", 1, 1, 64),
        retries=_whole(raw, "batchRetries", 3, 0, 20),
        interval=_seconds(raw, "batchInterval", 60),
        size=_whole(raw, "batchSize", 1, 1, 10_000),
        secret=None if source.startswith(_FILE) and target.startswith(_FILE) else _secret(raw),
        grpc=_one_of(raw, "batchTransportProtocol", ("rest", "grpc")) == "grpc",
    )


def _uri(raw: dict[str, Any], name: str) -> str:
    value = raw.get(name)
    if not isinstance(value, str) or "://" not in value or not value.isprintable():
        raise invalid(
            f"{name} must be a URI like file:///srv/data/{name.removesuffix('Data')}.jsonl or s3://bucket/{name}.jsonl"
        )
    return value


def _secret(raw: dict[str, Any]) -> str | None:
    value = raw.get("objectStoreSecretName") or None
    if value is not None and not isinstance(value, str):
        raise invalid(f"objectStoreSecretName must be the name of a secret, not {_shown(value)}")
    return value


def _one_of(raw: dict[str, Any], name: str, known: tuple[str, ...]) -> str:
    value = raw.get(name) or known[0]
    if value not in known:
        raise invalid(f"{name} {_shown(value)} is not supported; use one of {', '.join(known)}")
    return str(value)


def _whole(raw: dict[str, Any], name: str, default: int, low: int, high: int) -> int:
    value = raw.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise invalid(f"{name} must be a whole number from {low} to {high}, not {_shown(value)}")
    return value


def _seconds(raw: dict[str, Any], name: str, most: int) -> float:
    value = raw.get(name) or 0.0
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 <= value <= most:
        raise invalid(f"{name} must be seconds from 0 to {most}, not {_shown(value)}")
    return float(value)


def _shown(value: Any) -> str:
    return repr(value)[:60]
