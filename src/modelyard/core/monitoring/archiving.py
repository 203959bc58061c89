"""The index of archived log files."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from modelyard.core.kernel.store import Tx
from modelyard.core.monitoring.entities import LogFile, LogRetention
from modelyard.core.monitoring.inference_log import Stream
from modelyard.core.serving.entities import Pipeline


def log_files(tx: Tx, pipeline_id: int, stream: Stream) -> list[LogFile]:
    """The archived files of a pipeline's stream; asks for no permission."""
    return tx.find(LogFile, pipeline_id=pipeline_id, stream=str(stream))


def all_log_files(tx: Tx) -> list[LogFile]:
    """The archived files of all pipelines."""
    return tx.find(LogFile)


def logged_pipelines(tx: Tx) -> dict[int, int]:
    """The workspace of each pipeline there is, by the pipeline's number."""
    return dict(tx.values(Pipeline, ("id", "workspace_id")))


def add_log_files(tx: Tx, made: Sequence[LogFile]) -> bool:
    """Files are whole and in their places: from now on they hold their rows. False when the pipeline is gone."""
    pipeline = tx.get(Pipeline, made[0].pipeline_id)
    if pipeline is None:
        return False
    for file in made:
        tx.insert(replace(file, workspace_id=pipeline.workspace_id, created_at=tx.now))
    return True


def replace_log_files(tx: Tx, merged: LogFile, parts: Sequence[LogFile]) -> bool:
    """One file holds the rows of several instead of them. False, and nothing is done, when one of them is gone."""
    ids = [file.id for file in parts]
    if tx.get(Pipeline, merged.pipeline_id) is None or len(tx.values(LogFile, ("id",), id=ids)) < len(ids):
        return False
    tx.delete(LogFile, id=ids)
    tx.insert(replace(merged, created_at=tx.now))
    return True


def retire_log_files(tx: Tx) -> list[LogFile]:
    """Forget the files that no workspace wants to keep any longer; they may be deleted then."""
    gone = [file for kept in tx.find(LogRetention) for file in _unwanted(tx, kept)]
    if gone:
        tx.delete(LogFile, id=[file.id for file in gone])
    return gone


def _unwanted(tx: Tx, kept: LogRetention) -> list[LogFile]:
    files = tx.find(LogFile, order_by="-last_at", workspace_id=kept.workspace_id)
    oldest = None if kept.days is None else tx.now - timedelta(days=kept.days)
    size, unwanted = 0, []
    for file in files:
        size += file.size
        too_old = oldest is not None and file.last_at < oldest
        if too_old or (kept.max_bytes is not None and size > kept.max_bytes):
            unwanted.append(file)
    return unwanted
