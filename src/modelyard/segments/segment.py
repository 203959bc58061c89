"""A segment as a source of the log."""

import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from modelyard.core.monitoring.inference_log import Cursor, LoggedRequest, PageRequest, RequestQuery, anomalies
from modelyard.segments.frames import LAST_MODEL, Note, read_rows
from modelyard.segments.index import Frame
from modelyard.segments.selection import count, matches, moment
from modelyard.segments.source import Asked, Columns, Counts, Piece


@dataclass(frozen=True, slots=True)
class Segment:
    """The frames of one file as far as they were known at some moment; there are some."""

    path: Path
    size: int
    known: list[Frame]

    @property
    def parts(self) -> Mapping[str, Sequence[int]]:
        last = self.known[-1]
        return {last.partition: (self.known[0].first, last.first + last.rows)}

    @property
    def times(self) -> tuple[int, int]:
        return self.known[0].time_ms, self.known[-1].time_ms

    def frames(self, cursor: Cursor, asked: Asked) -> Iterator[Frame]:
        at = cursor[self.known[0].partition]
        if asked.newest_first:
            before = bisect_left(self.known, at, key=lambda frame: frame.first)
            return (self.known[i] for i in range(before - 1, -1, -1))
        begin = bisect_left(self.known, at + 1, key=lambda frame: frame.first + frame.rows)
        return (self.known[i] for i in range(begin, len(self.known)))

    def columns(self, pieces: Sequence[Piece], request: PageRequest) -> Iterator[Columns]:
        with self.path.open("rb") as file:
            for piece in pieces:
                yield _read(file, piece, request)

    def requests(self, pieces: Sequence[Piece]) -> Iterator[LoggedRequest]:
        with self.path.open("rb") as file:
            for piece in pieces:
                yield _request(file, piece)

    def tally(self, query: RequestQuery) -> Counts:
        return count(frame for frame in self.known if matches(frame, query))


def _request(file: BinaryIO, piece: Piece) -> LoggedRequest:
    frame = piece.frame
    file.seek(frame.at)
    payload = read_rows(frame.schema, file.read(frame.length))
    return LoggedRequest(
        request_id=frame.request_id or frame.place,
        time=moment(frame.time_ms),
        target=frame.target,
        routing=payload.note.routing,
        partition=frame.partition,
        first=frame.first + piece.low,
        rows=piece.high - piece.low,
        columns={name: values[piece.low : piece.high] for name, values in payload.columns.items()},
    )


def _read(file: BinaryIO, piece: Piece, request: PageRequest) -> Columns:
    frame = piece.frame
    file.seek(frame.at)
    payload = read_rows(frame.schema, file.read(frame.length))
    step = -1 if request.newest_first else 1
    rows = piece.high - piece.low
    columns: Columns = {"time": np.full(rows, frame.time_ms, dtype=np.int64)}
    for name, values in payload.columns.items():
        columns[name] = values[piece.low : piece.high][::step]
    checks = {name: columns.pop(name) for name in payload.columns if name.startswith("anomaly.")}
    columns |= anomalies(checks, rows)
    columns["metadata.dropped"] = [[] for _ in range(rows)]
    columns["metadata.elapsed"] = [list(payload.elapsed) for _ in range(rows)]
    for name, value in frame.schema.constants.items():
        columns[name] = [value] * rows
    if payload.note.last_model is not None:
        columns[LAST_MODEL] = [payload.note.last_model] * rows
    if request.noted:
        columns["metadata.request_id"] = [frame.request_id or frame.place] * rows
        columns["metadata.target"] = [frame.target] * rows
        columns["metadata.routing"] = _routing(payload.note, piece)[::step]
    return columns


def _routing(note: Note, piece: Piece) -> list[str | None]:
    """For each row, what each branch chose, as JSON; None where there was no choice."""
    if not note.routing:
        return [None] * (piece.high - piece.low)
    return [json.dumps(_chosen(note.routing, row)) for row in range(piece.low, piece.high)]


def _chosen(routing: Mapping[str, int | list[int]], row: int) -> dict[str, int]:
    return {branch: choice if isinstance(choice, int) else choice[row] for branch, choice in routing.items()}
