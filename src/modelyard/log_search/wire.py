"""What goes between the server and a process that searches.

A question is a line of JSON. The answer is made of frames: a letter, four bytes of length, the content. ``D`` is a
piece of what was found, ``E`` a refusal as JSON (kind and message), ``G`` that a file of the question is gone, ``Z``
the end.
"""

import struct
from dataclasses import dataclass, field

import msgspec

from modelyard.core.monitoring.inference_log import Stream
from modelyard.core.monitoring.log_search import Layout, Question, Search, Source, Statement

IDLE_SECONDS = 60.0
"""After which a process that nobody asks ends."""
HEAD = struct.Struct(">cI")
DATA, ERROR, GONE, END = b"D", b"E", b"G", b"Z"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the process gets it: times in ms since 1970; one of ``search`` and ``statement`` is there.

    ``files`` are the archive's Parquet files of each source by its number, below the archive's folder, ``segments`` the
    live ones below the folder of the logs.
    """

    sources: tuple[Source, ...]
    stream: Stream
    layout: Layout
    start_ms: int | None = None
    end_ms: int | None = None
    request_id: str | None = None
    search: Search | None = None
    statement: Statement | None = None
    files: dict[int, tuple[str, ...]] = field(default_factory=dict)
    segments: dict[int, tuple[str, ...]] = field(default_factory=dict)


def asked(question: Question, files: dict[int, tuple[str, ...]], segments: dict[int, tuple[str, ...]]) -> bytes:
    """The question as a line."""
    scope, what = question.scope, question.asked
    wanted = Asked(
        sources=question.sources,
        stream=scope.stream,
        layout=question.layout,
        start_ms=None if scope.start is None else int(scope.start.timestamp() * 1000),
        end_ms=None if scope.end is None else int(scope.end.timestamp() * 1000),
        request_id=scope.request_id,
        search=what if isinstance(what, Search) else None,
        statement=what if isinstance(what, Statement) else None,
        files=files,
        segments=segments,
    )
    return msgspec.json.encode(wanted) + b"\n"


def read_asked(line: bytes) -> Asked:
    """The question of a line."""
    return msgspec.json.decode(line, type=Asked)


def frame(kind: bytes, content: bytes = b"") -> bytes:
    """A frame."""
    return HEAD.pack(kind, len(content)) + content
