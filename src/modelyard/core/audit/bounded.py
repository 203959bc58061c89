"""Recording what changes nothing, without letting anybody fill the disk with it.

The first refusal or read of its kind is an entry at once; the same again (action, name, object, outcome, address) until
the minute is over is only counted, and the count becomes one entry at the end of it. Names in refusals are the
caller's choice: beyond so many different ones a minute, of one address and of all, they are counted together.
"""

import logging
import threading
from dataclasses import dataclass, field
from typing import Any

from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import SERVER, plain, record
from modelyard.core.audit.entities import Outcome
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError
from modelyard.core.kernel.store import Store, Tx

_LOG = logging.getLogger(__name__)

PERIOD_SECONDS = 60
OF_ONE_ADDRESS = 20
OF_ALL = 60


@dataclass(frozen=True, slots=True)
class Occasion:
    """What happened, but for when."""

    actor: Actor
    action: Action
    object_type: str
    object_id: str
    outcome: Outcome

    def key(self) -> tuple[str | None, ...]:
        """What two occasions that are the same have in common."""
        return self.action, self.actor.username, self.object_type, self.object_id, self.outcome, self.actor.address


@dataclass(slots=True)
class Tally:
    """What was seen since the last ``drain``. ``unlisted`` counts refusals beyond the limits."""

    repeats: dict[tuple[str | None, ...], tuple[Occasion, int]] = field(default_factory=dict)
    refusals: dict[str | None, int] = field(default_factory=dict)
    unlisted: int = 0

    def admit(self, occasion: Occasion) -> bool:
        """Whether the occasion is to be an entry of its own; else it is counted."""
        key = occasion.key()
        if key in self.repeats:
            self.repeats[key] = occasion, self.repeats[key][1] + 1
            return False
        if occasion.outcome is not Outcome.OK and not self._room(occasion.actor.address):
            self.unlisted += 1
            return False
        self.repeats[key] = occasion, 0
        return True

    def _room(self, address: str | None) -> bool:
        of_it = self.refusals.get(address, 0)
        if of_it >= OF_ONE_ADDRESS or sum(self.refusals.values()) >= OF_ALL:
            return False
        self.refusals[address] = of_it + 1
        return True


class BoundedRecorder:
    """One for each process, which counts for itself. ``flush`` is to be called every ``PERIOD_SECONDS``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tally = Tally()
        self._lock = threading.Lock()

    async def read(self, actor: Actor, action: Action, object_type: str, object_id: object, **details: Any) -> None:
        """Record a read before it is answered; raises what the store raises: what cannot be recorded is not done."""
        await self._note(Occasion(actor, action, object_type, str(object_id), Outcome.OK), details)

    async def refusal(
        self,
        actor: Actor,
        action: Action,
        object_type: str,
        object_id: object,
        outcome: Outcome = Outcome.REFUSED,
        **details: Any,
    ) -> None:
        """Record what was refused; when that fails it is refused all the same, and the server's log says so."""
        shown = {name: plain(value) if isinstance(value, str) else value for name, value in details.items()}
        try:
            await self._note(Occasion(actor, action, object_type, str(object_id), outcome), shown)
        except DomainError as error:
            _LOG.error("cannot record a refusal (%s by %r): %s", action, actor.username, error.message)

    def flush(self) -> None:
        """Record what was counted, and begin to count anew. Blocking."""
        with self._lock:
            tally, self._tally = self._tally, Tally()
        if tally.unlisted or any(count for _, count in tally.repeats.values()):
            self._store.run_write(_record_counts, tally)

    async def _note(self, occasion: Occasion, details: dict[str, Any]) -> None:
        with self._lock:
            admitted = self._tally.admit(occasion)
        if not admitted:
            return
        try:
            await self._store.write(_record, occasion, details)
        except DomainError:
            with self._lock:  # the next one like it is the first again
                self._tally.repeats.pop(occasion.key(), None)
            raise


def _record(tx: Tx, occasion: Occasion, details: dict[str, Any]) -> None:
    record(
        tx,
        occasion.actor,
        occasion.action,
        occasion.object_type,
        occasion.object_id,
        occasion.outcome,
        **details,
    )


def _record_counts(tx: Tx, tally: Tally) -> None:
    for occasion, count in tally.repeats.values():
        if count:
            _record(tx, occasion, {"repeats": count})
    if tally.unlisted:
        record(tx, SERVER, Action.AUDIT_UNLISTED, "audit", "", Outcome.REFUSED, refusals=tally.unlisted)
