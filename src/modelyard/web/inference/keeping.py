"""What was answered is kept: in the log, and with it what a shadow made of the same request."""

import logging
import queue
import threading
import time
from collections.abc import Mapping

from modelyard.core.kernel.errors import DomainError
from modelyard.core.monitoring.inference_log import LogWriter, Stream
from modelyard.core.serving.events import Failure, FailureCounter
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.routes import Route
from modelyard.core.serving.tensors import Column, Columns

_LOG = logging.getLogger(__name__)
_WAITING = 1000
"""Copies of requests that may wait for a shadow; more are dropped: a shadow must never hold up the answers."""


class Keeper:
    """Logs what was answered before the answer leaves, and asks shadows behind its back, in one thread.

    ``failures`` counts what failed.
    """

    def __init__(self, log: LogWriter, failures: FailureCounter) -> None:
        self._log = log
        self._failures = failures
        self._copies: queue.Queue[tuple[Route, Columns, str] | None] = queue.Queue(_WAITING)
        self._thread: threading.Thread | None = None
        self.dropped = 0

    def keep(self, route: Route, time_ms: int, result: Result, columns: Columns, extra: Mapping[str, Column]) -> None:
        """Log the answer; ``UNAVAILABLE`` when that is not possible. Has the shadow asked, too."""
        self._log.append(route, time_ms, result, extra)
        if result.mirrored:
            self._copy(route, columns, result.request_id)

    def failed(self, route: Route, error: Exception) -> None:
        """Note that a node of the deployment or the server itself failed; all else is the fault of the request."""
        if not isinstance(error, DomainError):
            self._note(route, "", f"internal error: {type(error).__name__}; see the server's log")
        elif "node" in error.details:
            self._note(route, str(error.details["node"]), error.message)

    def close(self) -> None:
        """Ask no more shadows."""
        if self._thread is not None:
            self._copies.put(None)
            self._thread.join()

    def _copy(self, route: Route, columns: Columns, request_id: str) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._ask_shadows, name="shadows", daemon=True)
            self._thread.start()
        try:
            self._copies.put_nowait((route, columns, request_id))
        except queue.Full:
            self.dropped += 1

    def _ask_shadows(self) -> None:
        while (copy := self._copies.get()) is not None:
            route, columns, request_id = copy
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


def _shadow(route: Route) -> str:
    return route.graph.shadow.name if route.graph.shadow else ""
