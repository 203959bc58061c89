"""The server's side: which process answers, how long it may take, and what becomes of it."""

import asyncio
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from modelyard.core.kernel.errors import DomainError, ErrorKind, rate_limited, timed_out
from modelyard.core.kernel.store import Store
from modelyard.core.monitoring.log_search import Question
from modelyard.engines.sandbox import Confinement, start
from modelyard.log_search.limits import ADDRESS_SPACE, FILE_BYTES
from modelyard.log_search.planning import places
from modelyard.log_search.wire import DATA, END, GONE, HEAD, IDLE_SECONDS, asked

_LOG = logging.getLogger(__name__)
_AT_ONCE = 2
_WAITING = 8
_ATTEMPTS = 5
SECONDS = 30.0
"""In which a page must be found, and each piece of an export."""

_FORGOTTEN_SECONDS = 86400.0
"""After which the folder of a server that was killed is removed."""


@dataclass(slots=True)
class _Searcher:
    """A process, the folder in which it may write, and when (monotonic) it began to wait for a question."""

    process: "subprocess.Popen[bytes]"
    sink: asyncio.WriteTransport
    source: asyncio.StreamReader
    answers: asyncio.ReadTransport
    folder: TemporaryDirectory[str]
    idle_since: float = 0.0

    @property
    def ready(self) -> bool:
        """Whether it will take a question: it is there, and not about to end because it waited for long."""
        return self.process.poll() is None and time.monotonic() < self.idle_since + IDLE_SECONDS / 2

    async def end(self) -> None:
        """Let nothing of it remain."""
        self.sink.abort()
        self.answers.close()
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.folder.cleanup()


class LogSearchProcesses:
    """Two questions at a time, each answered by a process of its own; a few more may wait.

    A process that answered to the end is kept for the next question. One that did not is killed.
    """

    def __init__(self, store: Store, logs: Path, archive: Path, scratch: Path, seconds: float = SECONDS) -> None:
        self._store = store
        self._logs, self._archive = logs.absolute(), archive.absolute()
        self._scratch = scratch
        self._seconds = seconds
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._asking = 0
        self._idle: list[_Searcher] = []

    async def answer(self, question: Question) -> AsyncIterator[bytes]:
        """See ``core.monitoring.log_search.LogSearch``."""
        if self._asking >= _AT_ONCE + _WAITING:
            raise rate_limited("other searches are under way; ask again later", 5)
        self._asking += 1
        try:
            async with self._turn, aclosing(self._found(question)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            self._asking -= 1

    async def close(self) -> None:
        """End the processes that wait for questions."""
        while self._idle:
            await self._idle.pop().end()

    async def _found(self, question: Question) -> AsyncGenerator[bytes]:
        """The pieces; asked again where files were merged between looking for them and reading them."""
        for attempt in range(_ATTEMPTS):
            where = await asyncio.to_thread(places, self._store, self._logs, question)
            line = asked(question, where.files, where.segments)
            begun = False
            try:
                async with aclosing(self._talk(await self._searcher(), line)) as pieces:
                    async for piece in pieces:
                        begun = True
                        yield piece
            except FileNotFoundError as error:
                if begun or attempt == _ATTEMPTS - 1:
                    raise DomainError(ErrorKind.UNAVAILABLE, "the log is being compacted; ask again") from error
                continue
            return

    async def _searcher(self) -> _Searcher:
        """One that waits, or a new one."""
        while self._idle:
            searcher = self._idle.pop()
            if searcher.ready:
                return searcher
            await searcher.end()
        folder = await asyncio.to_thread(_new_folder, self._scratch)
        process = await asyncio.to_thread(self._started, Path(folder.name))
        sink, source, answers = await _piped(process)
        return _Searcher(process, sink, source, answers, folder)

    def _started(self, folder: Path) -> "subprocess.Popen[bytes]":
        """Locked in as far as can be: it reads the logs, writes to the folder, and reaches nothing else."""
        for place in (self._logs, self._archive):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        command = (sys.executable, "-P", "-m", "modelyard.log_search.child")
        confinement = Confinement(
            command=(*command, str(self._logs), str(self._archive), str(folder)),
            environment={"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
            readable=(self._logs, self._archive, *_importable()),
            scratch=folder,
            memory_bytes=ADDRESS_SPACE,
            file_bytes=FILE_BYTES,
        )
        return start(confinement, subprocess.PIPE, stderr=None, stdin=subprocess.PIPE)

    async def _talk(self, searcher: _Searcher, line: bytes) -> AsyncGenerator[bytes]:
        """The pieces; each must come within the time."""
        source, kind = searcher.source, DATA
        try:
            searcher.sink.write(line)
            while True:
                async with asyncio.timeout(self._seconds):
                    kind, content = await _frame(source)
                if kind != DATA:
                    break
                yield content
        except TimeoutError:
            message = f"the search took longer than {self._seconds:g} s; ask for a shorter time range or less"
            raise timed_out(message) from None
        finally:
            if kind == DATA:
                await searcher.end()
            else:
                searcher.idle_since = time.monotonic()
                self._idle.append(searcher)
        if kind == GONE:
            raise FileNotFoundError
        if kind != END:
            told, message = msgspec.json.decode(content, type=tuple[str, str])
            raise DomainError(ErrorKind(told), message)


def _importable() -> tuple[Path, ...]:
    """Where this server's own program lies."""
    return tuple(path for path in map(Path, sys.path) if path.is_absolute() and path.exists() and len(path.parts) > 1)


async def _piped(
    process: "subprocess.Popen[bytes]",
) -> tuple[asyncio.WriteTransport, asyncio.StreamReader, asyncio.ReadTransport]:
    """The process' pipes without waiting."""
    loop, source = asyncio.get_running_loop(), asyncio.StreamReader()
    sink, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, process.stdin)
    answers, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(source), process.stdout)
    return sink, source, answers


def _new_folder(scratch: Path) -> TemporaryDirectory[str]:
    """A folder of its own; those that nobody can be using any more are removed."""
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in scratch.iterdir():
        if folder.stat().st_mtime < time.time() - _FORGOTTEN_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
    return TemporaryDirectory(dir=scratch.absolute())


async def _frame(source: asyncio.StreamReader) -> tuple[bytes, bytes]:
    try:
        kind, length = HEAD.unpack(await source.readexactly(HEAD.size))
        return kind, await source.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionResetError):
        _LOG.error("a process that searches logs ended before it was done")
        message = "the search failed: its process ended early; ask for less, or see the server's log"
        raise DomainError(ErrorKind.TOO_LARGE, message) from None
