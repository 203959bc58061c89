"""The whole log: what is archived, and what is still in segments."""

from collections.abc import Sequence
from pathlib import Path

from modelyard.core.kernel.store import Store
from modelyard.core.monitoring.archiving import log_files
from modelyard.core.monitoring.inference_log import Stream
from modelyard.segments.reader import SegmentReader
from modelyard.segments.source import Source


class LogArchiveReader(SegmentReader):
    """See ``core.monitoring.inference_log.LogReader``: each row is read where it is now."""

    def __init__(self, store: Store, logs: Path, archive: Path) -> None:
        super().__init__(logs)
        self._store, self._archive = store, archive

    def sources(self, pipeline_id: int, stream: Stream) -> Sequence[Source]:
        segments = self.segments(pipeline_id, stream)  # first: what leaves them now is in the index by then
        files = self._store.run_read(log_files, pipeline_id, stream)
        ends: dict[str, int] = {}
        for file in files:
            for partition, (_, end) in file.parts.items():
                ends[partition] = max(ends.get(partition, 0), end)
        live = [each for each in segments if each.known[0].first >= ends.get(each.known[0].partition, 0)]
        if not files:
            return live
        from modelyard.archive.source import ArchivedFile  # noqa: PLC0415  # only who reads archived rows pays

        return [*(ArchivedFile(self._archive, file) for file in files), *live]
