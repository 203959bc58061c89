"""Turns a segment into Parquet files: one for each day and schema of its rows."""

from contextlib import ExitStack
from pathlib import Path

from modelyard.archive.files import GROUP_BYTES, GROUP_ROWS, FileWriter, WrittenFile, day_of
from modelyard.archive.formats import FileSchema
from modelyard.archive.rows import FileSchemas, GatheredRows
from modelyard.segments.frames import place_of
from modelyard.segments.index import Index, read_frames

_MOST_BYTES = 4 * GROUP_BYTES
"""Of rows that are gathered for all files together, with what each request takes in memory beside them."""
_BESIDE_BYTES = 600


def convert(segment: Path, folder: Path, place: str) -> list[WrittenFile]:
    """Write the rows of a segment to the archive's ``folder``; ``place`` is the folder of its stream within it."""
    index, schemas = Index(rows=place_of(segment)[1]), FileSchemas()
    with ExitStack() as stack:
        outlets = _Outlets(folder, place, stack)
        for frame, payload in read_frames(segment, index):
            outlets.at(day_of(frame.time_ms), schemas.of(frame.schema)).add(frame, payload)
            outlets.ease(len(payload))
        return outlets.finish()


class _Outlets:
    """The files that are being written, with the rows that wait for each."""

    def __init__(self, folder: Path, place: str, stack: ExitStack) -> None:
        self._folder, self._place, self._stack = folder, place, stack
        self._open: dict[tuple[str, FileSchema], tuple[GatheredRows, FileWriter]] = {}
        self._waiting = 0
        self._last: tuple[str, FileSchema] | None = None

    def at(self, day: str, schema: FileSchema) -> GatheredRows:
        """Where rows of this day and schema go."""
        self._last = day, schema
        if self._last not in self._open:
            writer = FileWriter(self._folder, self._place, day, schema)
            self._stack.callback(writer.discard)
            self._open[self._last] = GatheredRows(schema), writer
        return self._open[self._last][0]

    def ease(self, added: int) -> None:
        """Write what has become a row group, or everything when there is too much of it all."""
        self._waiting += added + _BESIDE_BYTES
        assert self._last is not None  # noqa: S101  # something was added
        rows, writer = self._open[self._last]
        if rows.rows >= GROUP_ROWS or rows.size >= GROUP_BYTES:
            self._waiting -= rows.size + rows.requests * _BESIDE_BYTES
            writer.write(rows.take())
        if self._waiting > _MOST_BYTES:
            self._flush()

    def finish(self) -> list[WrittenFile]:
        """Write what waits, and make all files safe."""
        self._flush()
        return [writer.finish() for _, writer in self._open.values()]

    def _flush(self) -> None:
        self._waiting = 0
        for rows, writer in self._open.values():
            if rows.rows:
                writer.write(rows.take())
