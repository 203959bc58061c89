"""What happens to deployments: loaded, failed, in another state; and, counted together, what fails while they serve."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from modelyard.core.kernel.store import Between, Store, Tx
from modelyard.core.serving.entities import DeploymentEvent, Pipeline

KEPT = 1000
"""So many of the newest events are kept for each pipeline."""
COUNTING_SECONDS = 1.0
_DIFFERENT = 100
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that failed while a deployment served."""

    workspace_id: int
    pipeline_id: int
    node: str
    message: str


def note_event(  # what and where
    tx: Tx, workspace_id: int, pipeline_id: int, message: str, worker_id: str = "", node: str = ""
) -> None:
    """Add an event."""
    tx.insert(DeploymentEvent(0, workspace_id, pipeline_id, worker_id, node, message[:_LONGEST], tx.now))


def trim_events(tx: Tx) -> None:
    """Forget all but the newest events of each pipeline."""
    for pipeline_id in sorted({key for (key,) in tx.values(DeploymentEvent, ("pipeline_id",))}):
        newest = tx.find(DeploymentEvent, order_by="-id", limit=KEPT, pipeline_id=pipeline_id)
        if len(newest) == KEPT:
            tx.delete(DeploymentEvent, pipeline_id=pipeline_id, id=Between(at_most=newest[-1].id - 1))


class FailureCounter:
    """Failures of one worker: of the same one, the first in each period is an event, with how many there were.

    ``note`` never waits for anything; ``flush`` writes.
    """

    def __init__(self, store: Store, worker_id: str) -> None:
        self._store = store
        self._worker_id = worker_id
        self._counts: dict[Failure, int] = {}
        self._lock = threading.Lock()

    def note(self, failure: Failure) -> None:
        """Count the failure; beyond so many different ones in a period, the rest are left out."""
        with self._lock:
            if failure in self._counts or len(self._counts) < _DIFFERENT:
                self._counts[failure] = self._counts.get(failure, 0) + 1

    def flush(self) -> None:
        """Write what was counted. Blocking."""
        with self._lock:
            counts, self._counts = self._counts, {}
        if counts:
            self._store.run_write(_note_failures, self._worker_id, list(counts.items()))


def _note_failures(tx: Tx, worker_id: str, counts: Iterable[tuple[Failure, int]]) -> None:
    for failure, count in counts:
        if tx.get(Pipeline, failure.pipeline_id) is not None:  # it may be gone meanwhile
            times = f" ({count} times)" if count > 1 else ""
            message = f"{failure.message[: _LONGEST - 20]}{times}"
            note_event(tx, failure.workspace_id, failure.pipeline_id, message, worker_id, failure.node)
