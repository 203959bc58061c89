"""KernelSHAP of the package ``shap``, which is an extra: see ``core.serving.explaining.Explainer``."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.util import find_spec

from modelyard.core.kernel.errors import DomainError, failed_precondition, rate_limited
from modelyard.core.serving.explaining import Attributions, Matrix
from modelyard.engines.shap_child import HEAD, array_in, frame

_LOG = logging.getLogger(__name__)
_SECONDS = 60
_WAITING = 4


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
        self, child: asyncio.subprocess.Process, predict: Callable[[Matrix], Matrix], rows: Matrix, background: Matrix
    ) -> Attributions:
        assert child.stdin is not None  # noqa: S101  # they are pipes
        assert child.stdout is not None  # noqa: S101
        loop = asyncio.get_running_loop()
        base: Matrix | None = None
        child.stdin.write(frame(b"R", rows) + frame(b"R", background))
        while True:
            await child.stdin.drain()
            kind, content = await _frame(child.stdout)
            if kind == b"V" and base is not None:
                return Attributions(base, array_in(content))
            if kind == b"B":
                base = array_in(content)
                continue
            found = await loop.run_in_executor(self._threads, predict, array_in(content))
            child.stdin.write(frame(b"A", found))


async def _frame(source: asyncio.StreamReader) -> tuple[bytes, bytes]:
    try:
        kind, length = HEAD.unpack(await source.readexactly(HEAD.size))
        return kind, await source.readexactly(length)
    except asyncio.IncompleteReadError:
        raise _failed() from None


@asynccontextmanager
async def _child() -> AsyncIterator[asyncio.subprocess.Process]:
    """The process that explains; it does not outlive its use."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "modelyard.engines.shap_child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield child
    except (BrokenPipeError, ConnectionResetError):
        raise _failed() from None
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


def _failed() -> DomainError:
    _LOG.error("the process that explains ended before it was done")
    return failed_precondition("the explanation failed: its process ended early; see the server's log")
