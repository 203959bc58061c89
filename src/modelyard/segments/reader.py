"""Reads the segments of all processes as one log, ordered by time.

What was learnt of a file is remembered (where its frames are), so a page costs what its rows cost and a look at what
was added since.
"""

import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from modelyard.core.monitoring.inference_log import (
    LoggedRequest,
    LogRows,
    Page,
    PageRequest,
    PageStatus,
    Partition,
    RequestPage,
    RequestQuery,
    Stream,
    Tally,
    anomalies,
)
from modelyard.core.serving.tensors import Array
from modelyard.segments.frames import LAST_MODEL, Note, folder_name, read_rows
from modelyard.segments.index import Index, extend
from modelyard.segments.selection import Piece, choose, matches, moment, select, tally


class SegmentReader:
    """See ``core.monitoring.inference_log.LogReader``. Blocking: call it on a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._indexes: dict[str, dict[str, Index]] = defaultdict(dict)
        self._lock = threading.Lock()

    def partitions(self, pipeline_id: int) -> dict[str, Partition]:
        with self._lock:
            indexes = self._grown(folder_name(pipeline_id, Stream.REQUESTS))
            return {name: Partition(0, index.rows, index.read) for name, index in indexes.items()}

    def page(self, pipeline_id: int, request: PageRequest, stream: Stream = Stream.REQUESTS) -> Page:
        name = folder_name(pipeline_id, stream)
        pieces, status, cursor = select(self._refresh(name), request)
        rows = self._materialize(name, pieces, request)
        return Page(rows, status, cursor if status is not PageStatus.ALL else {})

    def requests(self, pipeline_id: int, query: RequestQuery, stream: Stream = Stream.REQUESTS) -> RequestPage:
        name = folder_name(pipeline_id, stream)
        pieces, more, cursor = choose(self._refresh(name), query)
        with self._opened(name, pieces) as files:
            return RequestPage([_request(files[p.frame.partition], p) for p in pieces], more, cursor)

    def tallies(self, pipeline_id: int, query: RequestQuery, stream: Stream = Stream.REQUESTS) -> list[Tally]:
        indexes = self._refresh(folder_name(pipeline_id, stream))
        return tally(frame for index in indexes.values() for frame in index.frames if matches(frame, query))

    def _refresh(self, name: str) -> dict[str, Index]:
        """The indexes of all partitions, with a snapshot of how far each goes now."""
        with self._lock:
            known = self._grown(name)
            return {name: Index(index.read, index.rows, index.schema, index.frames[:]) for name, index in known.items()}

    def _grown(self, name: str) -> dict[str, Index]:
        """The indexes of all partitions, brought up to now; for those who hold the lock."""
        known = self._indexes[name]
        for path in sorted((self._folder / name).glob("*.seg")):
            index = known.setdefault(path.stem, Index())
            if path.stat().st_size > index.read:  # a sealed file has no zeros at its end
                extend(path, index)
        return known

    def _materialize(self, name: str, pieces: list[Piece], request: PageRequest) -> LogRows:
        if not pieces:
            return LogRows(0, {})
        with self._opened(name, pieces) as files:
            parts = [_read(files[piece.frame.partition], piece, request) for piece in pieces]
        return LogRows(sum(piece.high - piece.low for piece in pieces), _concatenated(parts))

    @contextmanager
    def _opened(self, name: str, pieces: list[Piece]) -> Iterator[dict[str, BinaryIO]]:
        """The files in which the pieces lie, by partition."""
        with ExitStack() as stack:
            partitions = {piece.frame.partition for piece in pieces}
            paths = {partition: self._folder / name / f"{partition}.seg" for partition in partitions}
            yield {partition: stack.enter_context(path.open("rb")) for partition, path in paths.items()}


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


def _read(file: BinaryIO, piece: Piece, request: PageRequest) -> dict[str, Array | list[Any]]:
    frame = piece.frame
    file.seek(frame.at)
    payload = read_rows(frame.schema, file.read(frame.length))
    step = -1 if request.newest_first else 1
    rows = piece.high - piece.low
    columns: dict[str, Array | list[Any]] = {"time": np.full(rows, frame.time_ms, dtype=np.int64)}
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


def _concatenated(parts: list[dict[str, Array | list[Any]]]) -> dict[str, Array | list[Any]]:
    together: dict[str, Array | list[Any]] = {}
    for name, first in parts[0].items():
        if isinstance(first, np.ndarray):
            together[name] = np.concatenate([part[name] for part in parts])
        else:
            together[name] = [value for part in parts for value in part[name]]
    return together
