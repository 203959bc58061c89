"""What automation stores."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class JobKind(StrEnum):
    """What a job does with its deployment."""

    BATCH = "batch"
    """Sends it the lines of a file, and keeps the answers in another one."""
    LOAD_TEST = "loadtest"
    """Sends it the same request again and again, and measures."""
    REPLAY = "replay"
    """Answers what it was asked with another version, and compares."""


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work for the deployment of a pipeline, done with the rights of ``created_by``.

    ``name`` is unique in the pipeline. ``definition`` is what was asked for, as it was sent. ``done`` and ``failed``
    count lines or requests so far, the failed among the done; ``result`` is what came out, None until the end.

    While it runs, ``runner`` names the process that runs it, which says at ``heartbeat_at`` that it is alive, and
    ``token_id`` the access token that it was lent. ``attempts`` counts the runners that died over it.
    """

    id: int
    uid: str
    workspace_id: int
    pipeline_id: int
    kind: str
    name: str
    definition: dict[str, Any]
    state: str
    error: str | None
    done: int
    failed: int
    result: dict[str, Any] | None
    attempts: int
    runner: str | None
    heartbeat_at: datetime | None
    token_id: str | None
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
