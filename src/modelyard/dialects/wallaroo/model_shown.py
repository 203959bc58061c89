"""What is shown of a version's way to being served, in the words that the API's published clients read."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from modelyard.core.catalogue.entities import ModelStatus, ModelVersion
from modelyard.core.catalogue.preparing import Received
from modelyard.core.catalogue.runtimes import PreparationStage
from modelyard.dialects.wallaroo.upload_metadata import FRAMEWORKS

_STATUS = {
    ModelStatus.PENDING: "pending_load_container",
    ModelStatus.PREPARING: "attempting_load_container",
    ModelStatus.READY: "ready",
    ModelStatus.ERROR: "error",
}
_UNKNOWN_TO_CLIENTS = "custom"


def status(version: ModelVersion) -> str:
    """The API's word for it."""
    return _STATUS[ModelStatus(version.status)]


def conversion(version: ModelVersion) -> dict[str, Any] | None:
    """What the upload said; a framework that clients have no word for is ``custom`` with its own name beside it."""
    said = version.conversion
    framework = said.get("framework")
    if framework is None or framework in FRAMEWORKS:
        return said or None
    return {**said, "framework": _UNKNOWN_TO_CLIENTS, "own_framework": framework}


def upload_log(version: ModelVersion, stages: Iterable[PreparationStage]) -> list[str]:
    """Lines as a container's log has them: time, stream, flag, text."""
    lines = [line for stage in stages for line in _of_stage(stage)]
    if not lines:
        lines = [_line(version.created_at, _beginning(version))]
    ended = version.updated_at
    signature = version.signature or {"inputs": [], "outputs": []}
    for kind in ("input", "output"):
        specs = signature[f"{kind}s"]
        lines += [_line(ended, f"{kind} {spec['name']}: {spec['dtype']} {spec['shape']}") for spec in specs]
    return [*lines, _line(ended, f"status {status(version)}")]


def _beginning(version: ModelVersion) -> str:
    if version.sha:
        return str(Received(version.sha, version.size, version.file_name))
    return f"waits to be downloaded: {version.conversion.get('uri')}"


def _of_stage(stage: PreparationStage) -> Iterable[str]:
    yield _line(stage.started_at, f"stage {stage.stage} {stage.state}: {stage.message}")
    for text in (stage.log or "").splitlines():
        yield _line(stage.finished_at or stage.started_at, text)


def _line(moment: datetime, text: str) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}000Z stdout F {text}"
