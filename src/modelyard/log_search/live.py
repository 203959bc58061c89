"""Rows of live segments as Parquet files like those of the archive, for the time of one question."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pyarrow.parquet as pq

from modelyard.archive.files import GROUP_BYTES, GROUP_ROWS
from modelyard.archive.formats import FileSchema
from modelyard.archive.rows import FileSchemas, GatheredRows
from modelyard.log_search.wire import Asked
from modelyard.segments.frames import place_of
from modelyard.segments.index import Frame, Index, extend


class LiveRows:
    """Segments below one folder; what was learnt of their frames is remembered."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._indexes: dict[Path, Index] = {}

    def written(self, segments: Sequence[str], asked: Asked, target: Path) -> list[str]:
        """The paths of new files in ``target``, one a schema, with what the segments hold within the bounds asked for.

        Raises FileNotFoundError when a segment is gone.
        """
        schemas = FileSchemas()
        with ExitStack() as stack:
            outlets: dict[FileSchema, _Outlet] = {}
            for frame, payload in self._frames(segments, asked):
                schema = schemas.of(frame.schema)
                if schema not in outlets:
                    outlets[schema] = stack.enter_context(_Outlet(target / f"live-{len(outlets)}.parquet", schema))
                outlets[schema].add(frame, payload)
            return [str(outlet.path) for outlet in outlets.values()]

    def _frames(self, segments: Sequence[str], asked: Asked) -> Iterator[tuple[Frame, memoryview]]:
        for segment in segments:
            path = self._folder / segment
            frames = [frame for frame in self._index(path).frames if _wanted(frame, asked)]
            with path.open("rb") as file:
                for frame in frames:
                    file.seek(frame.at)
                    yield frame, memoryview(file.read(frame.length))

    def _index(self, path: Path) -> Index:
        index = self._indexes.setdefault(path, Index(rows=place_of(path)[1]))
        if path.stat().st_size > index.read:
            extend(path, index)
        return index


class _Outlet:
    """A file that is being written."""

    def __init__(self, path: Path, schema: FileSchema) -> None:
        self.path = path
        self._rows = GatheredRows(schema)
        self._writer = pq.ParquetWriter(path, schema.arrow, compression="none", use_dictionary=False)

    def __enter__(self) -> "_Outlet":
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._writer.close()

    def add(self, frame: Frame, payload: memoryview) -> None:
        """Add the rows of a frame."""
        self._rows.add(frame, payload)
        if self._rows.rows >= GROUP_ROWS or self._rows.size >= GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._rows.rows:
            self._writer.write_table(self._rows.take())


def _wanted(frame: Frame, asked: Asked) -> bool:
    if asked.start_ms is not None and frame.time_ms < asked.start_ms:
        return False
    if asked.end_ms is not None and frame.time_ms > asked.end_ms:
        return False
    return asked.request_id is None or asked.request_id in (frame.request_id, frame.place)
