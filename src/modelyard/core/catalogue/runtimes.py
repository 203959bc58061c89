"""How versions run, and how far each has come on the way there.

A version that is not an ONNX file is made ready after its upload, stage by stage, by a process that holds it by
heartbeats (see ``Preparation``). What came of it is its ``ModelRuntime``.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class RuntimeKind(StrEnum):
    """Where a version runs."""

    ONNX = "onnx"
    """In the web workers, through onnxruntime."""
    PROCESS = "process"
    """In sandboxed processes of its own, with the libraries of its own environment."""


class Stage(StrEnum):
    """The stages on the way from an upload to a version that can be served, in their order."""

    UPLOADED = "uploaded"
    SCANNED = "scanned"
    ENVIRONMENT = "environment"
    LOADED = "loaded"
    PARITY = "parity"
    READY = "ready"


class StageState(StrEnum):
    """What became of a stage."""

    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


class FileClass(StrEnum):
    """What the look at an upload's bytes found; it is advice, the sandbox is the boundary."""

    DATA = "data-only format"
    CODE = "contains code"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ModelRuntime:
    """How a version runs, one for each version that is ready; a version without one is the ONNX file that it was.

    ``sha`` is the file that is loaded: the upload itself, or the ONNX model that it was converted to. ``loader`` names
    what loads it in ``modelyard_runtime.loaders`` and ``options`` are for that (JSON types); ``environment`` is the
    digest of the locked environment. All three are empty for ``RuntimeKind.ONNX``. ``file_class`` is a ``FileClass``,
    ``parity`` what comparing the conversion with the original found: ``{"rows", "max_difference", "tolerance"}``,
    None where there was nothing to compare.
    """

    id: int
    workspace_id: int
    model_version_id: int
    kind: str
    sha: str
    loader: str
    options: dict[str, Any]
    environment: str
    file_class: str
    parity: dict[str, Any] | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Preparation:
    """A version that waits to be made ready, or is being made so by ``runner``, alive at ``heartbeat_at``.

    ``attempts`` counts the processes that died over it. It is gone once the version is ready or failed.
    """

    id: int
    workspace_id: int
    model_version_id: int
    runner: str | None
    heartbeat_at: datetime | None
    attempts: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PreparationStage:
    """What happened in one stage: ``message`` in a line, ``log`` all that was printed, None where nothing was."""

    id: int
    workspace_id: int
    model_version_id: int
    stage: str
    state: str
    message: str
    log: str | None
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Environment:
    """A set of packages, each pinned to a version and its hashes: ``lock`` is the text, ``id`` its digest.

    ``python`` is the interpreter's version that it was resolved for, ``requested`` what was asked for.
    """

    id: str
    python: str
    requested: list[str]
    lock: str
    created_at: datetime
