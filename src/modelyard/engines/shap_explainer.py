"""KernelSHAP of the package ``shap``, which is an extra: see ``core.serving.explaining.Explainer``."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from modelyard.core.kernel.errors import DomainError, failed_precondition, rate_limited
from modelyard.core.serving.explaining import Attributions, Matrix
from modelyard.engines.child import module_folders
from modelyard.engines.sandbox import Confinement, start
from modelyard.engines.shap_child import HEAD, array_in, frame

_LOG = logging.getLogger(__name__)
_SECONDS = 60
_WAITING = 4
_MEMORY = 4 * 2**30


@dataclass(frozen=True, slots=True)
class _Child:
    """The two ends of the process that explains."""

    answers: asyncio.StreamReader
    asked: asyncio.StreamWriter


class ShapExplainer:
    """One explanation at a time; a few more may wait for it."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._threads = ThreadPoolExecutor(1, "explaining")
        self._waiting = 0

    async def explain(self, predict: Callable[[Matrix], Matrix], rows: Matrix, background: Matrix) -> Attributions:
        """Attributions of each row against the background."""
        if find_spec("shap") is None:
            raise failed_precondition("explanations need the package shap: pip install 'modelyard[explain]'")
        if self._waiting >= _WAITING:
            raise rate_limited("other explanations are under way; ask again later", _SECONDS)
        self._waiting += 1
        try:
            async with asyncio.timeout(_SECONDS), self._turn, _child() as child:
                return await self._talk(child, predict, rows, background)
        except TimeoutError:
            raise failed_precondition(f"the explanation took longer than {_SECONDS} s; send fewer rows") from None
        finally:
            self._waiting -= 1

    async def _talk(
        self, child: _Child, predict: Callable[[Matrix], Matrix], rows: Matrix, background: Matrix
    ) -> Attributions:
        loop = asyncio.get_running_loop()
        base: Matrix | None = None
        child.asked.write(frame(b"R", rows) + frame(b"R", background))
        while True:
            await child.asked.drain()
            kind, content = await _frame(child.answers)
            if kind == b"V" and base is not None:
                return Attributions(base, array_in(content))
            if kind == b"B":
                base = array_in(content)
                continue
            found = await loop.run_in_executor(self._threads, predict, array_in(content))
            child.asked.write(frame(b"A", found))


async def _frame(source: asyncio.StreamReader) -> tuple[bytes, bytes]:
    try:
        kind, length = HEAD.unpack(await source.readexactly(HEAD.size))
        return kind, await source.readexactly(length)
    except asyncio.IncompleteReadError:
        raise _failed() from None


@asynccontextmanager
async def _child() -> AsyncIterator[_Child]:
    """The process that explains, in the sandbox; it does not outlive its use."""
    with tempfile.TemporaryDirectory() as scratch:
        process = await asyncio.to_thread(
            start, _confinement(Path(scratch)), subprocess.PIPE, stderr=None, stdin=subprocess.PIPE
        )
        child = await _connected(process)
        try:
            yield child
        except (BrokenPipeError, ConnectionResetError):
            raise _failed() from None
        finally:
            child.asked.close()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await asyncio.to_thread(process.wait)


def _confinement(scratch: Path) -> Confinement:
    folders = module_folders()
    return Confinement(
        command=(sys.executable, "-P", "-m", "modelyard.engines.shap_child"),
        environment={"PYTHONPATH": os.pathsep.join(map(str, folders))},
        readable=tuple(folders),
        scratch=scratch,
        memory_bytes=_MEMORY,
        cpu_seconds=2 * _SECONDS,
    )


async def _connected(process: "subprocess.Popen[bytes]") -> _Child:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), process.stdout)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, process.stdin)
    return _Child(reader, asyncio.StreamWriter(transport, protocol, None, loop))


def _failed() -> DomainError:
    _LOG.error("the process that explains ended before it was done")
    return failed_precondition("the explanation failed: its process ended early; see the server's log")
