"""What one worker counted of revisions is added up in the store: once a second while one is on trial."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Existing, Store, Tx
from modelyard.core.serving.entities import Deployment
from modelyard.core.serving.rollout.counts import Counts, Tally
from modelyard.core.serving.rollout.entities import RevisionCount, Rollout
from modelyard.core.serving.rollout.states import RolloutState
from modelyard.core.serving.routes import RouteTable

_CALM_ROUNDS = 10
"""What is not on trial is written as seldom: it is only what the next revision will be held against."""
_FAULTS = frozenset({ErrorKind.INTERNAL, ErrorKind.UNAVAILABLE, ErrorKind.TIMED_OUT})

_Key = tuple[int, int]
"""(deployment id, revision)."""


def is_fault(error: Exception) -> bool:
    """Whether a request failed for what is served, rather than for what it asked, how much or how soon."""
    if not isinstance(error, DomainError):
        return True
    return (error.kind in _FAULTS or error.by_model) and not error.by_caller


@dataclass(slots=True)
class _Counted:
    """A tally, and what of it is in the store already."""

    tally: Tally
    written: Counts


class RolloutCounter:
    """Writes what the routes of one worker counted, of those revisions that have a row. Blocking."""

    def __init__(self, store: Store, routes: RouteTable) -> None:
        self._store = store
        self._routes = routes
        self._wanted: Mapping[_Key, bool] = {}
        self._counted: dict[_Key, _Counted] = {}
        self._round = 0
        self._lock = threading.Lock()

    def reload(self) -> None:
        """See again what is to be counted."""
        wanted = self._store.run_read(counted_revisions)
        with self._lock:
            self._wanted = wanted
            self._collect()

    def flush(self) -> None:
        """Write what is new of deployments on trial, and now and then of the others."""
        self._round += 1
        self._write(everything=self._round % _CALM_ROUNDS == 0)

    def close(self) -> None:
        """Write all that is new."""
        self._write(everything=True)

    def _write(self, *, everything: bool) -> None:
        with self._lock:
            self._collect()
            keys = [key for key in self._counted if everything or self._wanted[key]]
            now = {key: self._counted[key].tally.counts() for key in keys}
            new = {key: counts.minus(self._counted[key].written) for key, counts in now.items()}
            new = {key: counts for key, counts in new.items() if counts.requests}
            if new:
                self._store.run_write(add_counts, new)
            for key in new:
                self._counted[key].written = now[key]

    def _collect(self) -> None:
        """Hold the tallies of what is wanted, also of revisions that are served no longer: answers are under way."""
        self._counted = {key: counted for key, counted in self._counted.items() if key in self._wanted}
        for route in self._routes.all():
            key = route.deployment_id, route.revision
            known = self._counted.get(key)
            if key in self._wanted and (known is None or known.tally is not route.tally):
                self._counted[key] = _Counted(route.tally, Counts())


def count_revision(tx: Tx, deployment_id: int, revision: int) -> None:
    """Have this revision counted from now on."""
    row = RevisionCount(0, deployment_id, revision, 0, 0, 0, 0, {})
    tx.insert_all([row], existing=Existing.KEEP)


def count_only(tx: Tx, deployment_id: int, *revisions: int) -> None:
    """Have these revisions of the deployment counted, and no others."""
    known = {row.revision for row in tx.find(RevisionCount, deployment_id=deployment_id)}
    if known - set(revisions):
        tx.delete(RevisionCount, deployment_id=deployment_id, revision=sorted(known - set(revisions)))
    for revision in revisions:
        count_revision(tx, deployment_id, revision)


def counts_of(tx: Tx, deployment_id: int, revision: int) -> Counts:
    """What was counted of the revision so far; nothing where nobody counts."""
    row = tx.first(RevisionCount, deployment_id=deployment_id, revision=revision)
    return _counts(row) if row else Counts()


def counted_revisions(tx: Tx) -> dict[tuple[int, int], bool]:
    """What is to be counted: (deployment id, revision), and whether a revision of the deployment is on trial."""
    rows = tx.values(RevisionCount, ("deployment_id", "revision"))
    trying = {key for (key,) in tx.values(Rollout, ("deployment_id",), state=RolloutState.BAKING)} if rows else set()
    return {(key, revision): key in trying for key, revision in rows}


def add_counts(tx: Tx, new: Mapping[tuple[int, int], Counts]) -> None:
    """Add what came of revisions since the last time; of those that nobody wants counted any more, forget it."""
    for (deployment_id, revision), counts in sorted(new.items()):
        row = tx.first(RevisionCount, deployment_id=deployment_id, revision=revision)
        if row is not None and tx.get(Deployment, deployment_id) is not None:
            tx.update(RevisionCount, row.id, partial(_added, more=counts))


def _counts(row: RevisionCount) -> Counts:
    latency = {int(place): number for place, number in row.latency.items()}
    return Counts(row.requests, row.failures, row.rows, row.failed_rows, latency)


def _added(old: RevisionCount, more: Counts) -> RevisionCount:
    counts = _counts(old).plus(more)
    latency = {str(place): number for place, number in sorted(counts.latency.items())}
    numbers = (counts.requests, counts.failures, counts.rows, counts.failed_rows)
    return RevisionCount(old.id, old.deployment_id, old.revision, *numbers, latency)
