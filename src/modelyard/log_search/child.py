"""The process that searches: it answers one question after another, until it was idle for a while or its input ends.

``python -m modelyard.log_search.child LOGS ARCHIVE SCRATCH``
"""

import os
import resource
import select
import sys
from pathlib import Path
from typing import IO

import msgspec

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.log_search.answering import answer
from modelyard.log_search.limits import ADDRESS_SPACE, FILE_BYTES
from modelyard.log_search.live import LiveRows
from modelyard.log_search.wire import DATA, END, ERROR, GONE, IDLE_SECONDS, Asked, frame, read_asked

_PIECE = 1024 * 1024


def main() -> None:
    """Answer what comes in."""
    for what, most in (
        (resource.RLIMIT_AS, ADDRESS_SPACE),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    os.umask(0o077)
    logs, archive, scratch = (Path(given) for given in sys.argv[1:4])
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what libraries print must not come between the frames
    live = LiveRows(logs)
    while select.select([source], [], [], IDLE_SECONDS)[0] and (line := source.readline()):
        _answer(read_asked(line), live, archive, scratch, sink)


def _answer(asked: Asked, live: LiveRows, archive: Path, scratch: Path, sink: IO[bytes]) -> None:
    try:
        for piece in answer(asked, live, archive, scratch):
            for at in range(0, len(piece), _PIECE):
                sink.write(frame(DATA, piece[at : at + _PIECE]))
            sink.flush()
        sink.write(frame(END))
    except DomainError as error:
        sink.write(frame(ERROR, msgspec.json.encode([error.kind, error.message])))
    except FileNotFoundError:
        sink.write(frame(GONE))
    except MemoryError:
        message = "the search needs too much memory; ask for a shorter time range or fewer columns"
        sink.write(frame(ERROR, msgspec.json.encode([ErrorKind.TOO_LARGE, message])))
    sink.flush()


if __name__ == "__main__":
    main()
