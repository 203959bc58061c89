"""Where the rows of a file lie."""

import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from modelyard.segments.frames import (
    HEAD,
    MAGIC,
    NOTED_ROWS_KIND,
    ROWS,
    ROWS_KIND,
    SCHEMA_KIND,
    SegmentSchema,
    place_of,
    read_note,
    read_schema,
)

_BLOCK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Frame:
    """Where rows lie: ``first`` is the number of the first of them in the partition."""

    partition: str
    first: int
    rows: int
    time_ms: int
    at: int
    length: int
    schema: SegmentSchema
    request_id: str
    target: str

    @property
    def place(self) -> str:
        """What a request without an id of its own is called."""
        return f"{self.partition}:{self.first}"


@dataclass(slots=True)
class Index:
    """What is known of one file: its frames as far as it has been read. ``rows`` is the number of the next row."""

    read: int = len(MAGIC)
    rows: int = 0
    schema: SegmentSchema | None = None
    frames: list[Frame] = field(default_factory=list)
    last_ms: int = 0


def extend(path: Path, index: Index) -> None:
    """Read the frames that were added."""
    index.frames.extend(frame for frame, _ in read_frames(path, index))


def read_frames(path: Path, index: Index) -> Iterator[tuple[Frame, memoryview]]:
    """The frames from where the index ends, with their payloads; it goes with them, but does not keep them."""
    partition, _ = place_of(path)
    with path.open("rb") as file:
        file.seek(index.read)
        for payload in _whole_frames(file):
            frame = _frame(partition, index, payload, index.read + HEAD.size)
            index.read += HEAD.size + len(payload)
            if frame is not None:
                yield frame, payload


def _whole_frames(file: BinaryIO) -> Iterator[memoryview]:
    """The payloads from here on, up to the zeros at the end or a frame that is not whole."""
    data, at = b"", 0
    while True:
        needed = HEAD.size
        if len(data) - at >= needed:
            length, checksum = HEAD.unpack_from(data, at)
            if not length:
                return
            needed += length
            if len(data) - at >= needed:
                payload = memoryview(data)[at + HEAD.size : at + needed]
                if zlib.crc32(payload) != checksum:
                    return
                yield payload
                at += needed
                continue
        more = file.read(max(_BLOCK_BYTES, needed))
        if not more:
            return
        data, at = data[at:] + more, 0


def _frame(partition: str, index: Index, payload: memoryview, at: int) -> Frame | None:
    if payload[0] == SCHEMA_KIND:
        index.schema = read_schema(payload)
    if payload[0] not in (ROWS_KIND, NOTED_ROWS_KIND) or index.schema is None:
        return None
    _, rows, time_ms = ROWS.unpack_from(payload)
    note, _ = read_note(payload)
    first, index.rows = index.rows, index.rows + rows
    index.last_ms = max(index.last_ms, time_ms)  # rows of a partition never go back in time, whatever the clock did
    named = note.request_id, sys.intern(note.target)
    return Frame(partition, first, rows, index.last_ms, at, len(payload), index.schema, *named)


def damaged(path: Path) -> bool:
    """Whether there is something behind the last whole frame of a segment that nobody writes any more.

    A writer that is killed leaves nothing there that counts: a frame has its head last.
    """
    index = Index(rows=place_of(path)[1])
    for _ in read_frames(path, index):
        pass
    with path.open("rb") as file:
        file.seek(index.read)
        head = file.read(HEAD.size)
    return len(head) == HEAD.size and HEAD.unpack(head)[0] != 0
