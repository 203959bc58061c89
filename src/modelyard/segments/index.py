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
    """What is known of one file: its frames as far as it has been read."""

    read: int = len(MAGIC)
    rows: int = 0
    schema: SegmentSchema | None = None
    frames: list[Frame] = field(default_factory=list)


def extend(path: Path, index: Index) -> None:
    """Read the frames that were added."""
    with path.open("rb") as file:
        file.seek(index.read)
        for payload in _whole_frames(file):
            _take(path.stem, index, payload, index.read + HEAD.size)
            index.read += HEAD.size + len(payload)


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


def _take(partition: str, index: Index, payload: memoryview, at: int) -> None:
    if payload[0] == SCHEMA_KIND:
        index.schema = read_schema(payload)
    elif payload[0] in (ROWS_KIND, NOTED_ROWS_KIND) and index.schema is not None:
        _, rows, time_ms = ROWS.unpack_from(payload)
        note, _ = read_note(payload)
        named = note.request_id, sys.intern(note.target)
        index.frames.append(Frame(partition, index.rows, rows, time_ms, at, len(payload), index.schema, *named))
        index.rows += rows
