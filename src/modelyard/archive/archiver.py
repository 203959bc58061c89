"""Brings sealed segments to the archive, merges its files and removes what nobody wants to keep.

Every step may be the last one before the process is killed. A file counts from the moment that the index names it; a
segment is removed only after that. What lies around without a name in the index is removed when the next round begins,
and so are segments whose rows the index has: no row is lost, and none is there twice.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from modelyard.archive.converting import convert
from modelyard.archive.files import TEMPORARY, WrittenFile, sync_folder
from modelyard.archive.merging import merge, mergeable
from modelyard.core.kernel.store import Store
from modelyard.core.monitoring.archiving import (
    add_log_files,
    all_log_files,
    log_files,
    logged_pipelines,
    replace_log_files,
    retire_log_files,
)
from modelyard.core.monitoring.entities import LogFile
from modelyard.core.monitoring.inference_log import Stream
from modelyard.segments.frames import folder_name, place_of
from modelyard.segments.index import damaged
from modelyard.segments.ownership import alone, unowned

_LOG = logging.getLogger(__name__)
_MOST_ROUNDS = 8
"""Of merging, one after another: each makes an eighth of the files."""


class Archiver:
    """Works on the segments in ``logs`` and the files in ``archive``; one at a time, whoever begins first."""

    def __init__(self, store: Store, logs: Path, archive: Path) -> None:
        self._store, self._logs, self._archive = store, logs, archive

    def run_once(self) -> None:
        """Do all there is to do now; nothing when another process is at it."""
        self._archive.mkdir(parents=True, exist_ok=True)
        with alone(self._archive / "lock") as mine:
            if mine:
                self._sweep()
                self._remove(self._store.run_write(retire_log_files))  # first: it makes room on a full disk
                for pipeline_id, stream in self._streams():
                    self._archive_stream(pipeline_id, stream)
                    self._merge_stream(pipeline_id, stream)

    def _sweep(self) -> None:
        """Remove files that are not in the index: those of rounds that were killed, and of pipelines that are gone."""
        for file in (self._archive / TEMPORARY).glob("*"):
            file.unlink()
        known = {file.path for file in self._store.run_read(all_log_files)}
        for path in self._archive.glob("pipeline=*/stream=*/day=*/*.parquet"):
            if str(path.relative_to(self._archive)) not in known:
                path.unlink()
        pipelines = self._store.run_read(logged_pipelines)
        for folder in self._logs.glob("*"):
            name = folder.name.partition("-")[0]
            if name.isdigit() and int(name) not in pipelines:
                self._forget(folder)

    def _forget(self, folder: Path) -> None:
        """Remove what nobody writes any more of a pipeline that is gone."""
        for path in folder.glob("*.seg*"):
            with unowned(path) as ours:
                if ours:
                    path.unlink()
        if not any(folder.iterdir()):
            folder.rmdir()

    def _streams(self) -> list[tuple[int, Stream]]:
        return [(each, stream) for each in self._store.run_read(logged_pipelines) for stream in Stream]

    def _archive_stream(self, pipeline_id: int, stream: Stream) -> None:
        ends: dict[str, int] = defaultdict(int)
        for file in self._store.run_read(log_files, pipeline_id, stream):
            for partition, (_, end) in file.parts.items():
                ends[partition] = max(ends[partition], end)
        stuck: set[str] = set()
        for path in sorted((self._logs / folder_name(pipeline_id, stream)).glob("*.seg"), key=place_of):
            partition, first = place_of(path)
            with unowned(path) as ours:
                if not ours or partition in stuck:
                    stuck.add(partition)  # rows are archived in their order
                elif first < ends[partition] or self._archived(path, pipeline_id, stream):
                    _remove_segment(path)

    def _archived(self, segment: Path, pipeline_id: int, stream: Stream) -> bool:
        """Bring the rows of one segment to the archive."""
        written = convert(segment, self._archive, _place(pipeline_id, stream))
        entries = [_entry(pipeline_id, stream, file) for file in written]
        return not entries or self._store.run_write(add_log_files, entries)

    def _merge_stream(self, pipeline_id: int, stream: Stream) -> None:
        for _ in range(_MOST_ROUNDS):
            files = self._store.run_read(log_files, pipeline_id, stream)
            groups = list(mergeable(files, datetime.now(UTC).strftime("%Y-%m-%d")))
            for group in groups:
                self._merge(group, pipeline_id, stream)
            if not groups:
                return

    def _merge(self, group: Sequence[LogFile], pipeline_id: int, stream: Stream) -> None:
        written = merge(group, self._archive, _place(pipeline_id, stream))
        entry = _entry(pipeline_id, stream, written, group[0].workspace_id)
        if self._store.run_write(replace_log_files, entry, group):
            self._remove(group)

    def _remove(self, files: Sequence[LogFile]) -> None:
        for file in files:
            (self._archive / file.path).unlink(missing_ok=True)


def spare() -> None:
    """Let this process work on one core, and give memory back as soon as it is free."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    pa.set_memory_pool(pa.system_memory_pool())


def _place(pipeline_id: int, stream: Stream) -> str:
    return f"pipeline={pipeline_id}/stream={stream}"


def _entry(pipeline_id: int, stream: Stream, file: WrittenFile, workspace_id: int = 0) -> LogFile:
    first, last = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (file.first_ms, file.last_ms))
    what = (file.path, file.sha, file.schema, file.day, file.size, file.rows)
    return LogFile(0, workspace_id, pipeline_id, stream, *what, first, last, file.parts, file.tallies, first)


def _remove_segment(path: Path) -> None:
    """Remove a segment whose rows are archived; what cannot be read behind them is kept beside it."""
    if damaged(path):
        _LOG.error("the segment %s is damaged; it is kept as %s.damaged", path, path.name)
        path.rename(path.with_name(f"{path.name}.damaged"))
    else:
        path.unlink()
    sync_folder(path.parent)
