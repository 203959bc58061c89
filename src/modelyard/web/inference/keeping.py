"""What was answered is kept: in the log, and with it what a shadow made of the same request."""

import logging
import queue
import threading
import time
from collections.abc import Mapping
from contextlib import suppress

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.monitoring.inference_log import LogWriter, Stream
from modelyard.core.serving.deadlines import deadline_here
from modelyard.core.serving.events import Failure, FailureCounter
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.rollout.counting import is_fault
from modelyard.core.serving.routes import Route
from modelyard.core.serving.tensors import Column, Columns

_LOG = logging.getLogger(__name__)
_WAITING_BYTES = 16 * 2**20
"""Of copies that wait for a shadow, as their rows are logged; more are dropped: it must never hold up the answers."""
_LEAST_BYTES = 16 * 2**10
_LAST_SECONDS = 2.0
"""How long copies that wait when the server ends are still worked off."""

_OVERLOAD = {
    ErrorKind.RATE_LIMITED: "refused: more was asked than can be answered",
    ErrorKind.TIMED_OUT: "not answered in time",
}
"""What is noted of requests that were not answered for want of time; the same words, so that they are counted."""

_Copy = tuple[Route, Columns, str]


class _Copies(queue.Queue[tuple[int, _Copy] | None]):
    """A queue as full as its entries are large, each at least ``_LEAST_BYTES``."""

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self._size = 0

    def _qsize(self) -> int:
        return self._size

    def _put(self, item: tuple[int, _Copy] | None) -> None:
        super()._put(item)
        self._size += _weight(item)

    def _get(self) -> tuple[int, _Copy] | None:
        item: tuple[int, _Copy] | None = super()._get()
        self._size -= _weight(item)
        return item


class Keeper:
    """Logs what was answered before the answer leaves, and asks shadows behind its back, in one thread.

    ``failures`` counts what failed.
    """

    def __init__(self, log: LogWriter, failures: FailureCounter) -> None:
        self._log = log
        self._failures = failures
        self._copies = _Copies(_WAITING_BYTES)
        self._until = float("inf")
        self._thread: threading.Thread | None = None
        self.dropped = 0

    def keep(self, route: Route, time_ms: int, result: Result, columns: Columns, extra: Mapping[str, Column]) -> None:
        """Log the answer; ``UNAVAILABLE`` when that is not possible. Has the shadow asked, too."""
        size = self._log.append(route, time_ms, result, extra)
        route.tally.answered(sum(result.elapsed), result.rows, 0 if result.checks is None else result.failed_rows())
        if result.mirrored:
            self._copy(size, (route, columns, result.request_id))

    def failed(self, route: Route, error: Exception) -> None:
        """Note that a node or the server failed, or had no time for the request; all else is the request's fault."""
        if is_fault(error) and not _is_given_up():
            route.tally.failed()
        if not isinstance(error, DomainError):
            self._note(route, "", f"internal error: {type(error).__name__}; see the server's log")
        elif error.kind in _OVERLOAD:
            self._note(route, str(error.details.get("node", "")), _OVERLOAD[error.kind])
        elif "node" in error.details:
            self._note(route, str(error.details["node"]), error.message)

    def close(self) -> None:
        """Ask shadows for a moment more, then drop what waits: the server can end whatever its shadows do."""
        if self._thread is not None:
            self._until = time.monotonic() + _LAST_SECONDS
            with suppress(queue.Full):
                self._copies.put(None, timeout=2 * _LAST_SECONDS)
            self._thread.join(_LAST_SECONDS)

    def _copy(self, size: int, copy: _Copy) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._ask_shadows, name="shadows", daemon=True)
            self._thread.start()
        try:
            self._copies.put_nowait((size, copy))
        except queue.Full:
            self.dropped += 1

    def _ask_shadows(self) -> None:
        while (waited := self._copies.get()) is not None:
            if time.monotonic() > self._until:
                self.dropped += 1
            else:
                self._ask_shadow(*waited[1])
            del waited  # or it would stay in memory until the next one comes

    def _ask_shadow(self, route: Route, columns: Columns, request_id: str) -> None:
        try:
            result = route.graph.run_shadow(columns)
            result.request_id = request_id
            self._log.append(route, time.time_ns() // 1_000_000, result, {}, Stream.SHADOW)
        except DomainError as error:
            _LOG.warning("the shadow of %s failed: %s", route.namespace, error.message)
            self._note(route, _shadow(route), f"the shadow failed: {error.message}")
        except Exception as error:  # noqa: BLE001  # the thread must go on
            _LOG.exception("the shadow of %s failed", route.namespace)
            self._note(route, _shadow(route), f"the shadow failed: {type(error).__name__}; see the server's log")

    def _note(self, route: Route, node: str, message: str) -> None:
        self._failures.note(Failure(route.workspace_id, route.pipeline_id, node, message))


def _is_given_up() -> bool:
    """Whether the request under way has ended for its client before it did here: it was counted then, if at all."""
    deadline = deadline_here()
    return deadline is not None and deadline.is_given_up()


def _weight(item: tuple[int, _Copy] | None) -> int:
    return max(item[0], _LEAST_BYTES) if item else _LEAST_BYTES


def _shadow(route: Route) -> str:
    return route.graph.shadow.name if route.graph.shadow else ""
