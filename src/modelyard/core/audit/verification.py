"""Is the log still what was written?

The chain shows what was changed, taken out, put in or moved, as far as not everything behind it was written anew. Who
can write to the database can do that, or cut off the end: against it stand ``Anchor``s, kept elsewhere.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from modelyard.core.audit.chain import GENESIS, HEAD_ID, digest
from modelyard.core.audit.entities import AuditEntry, AuditHead
from modelyard.core.kernel.store import Between, Tx

_AT_ONCE = 1000

Noted = Mapping[int, set[str]]
"""The hashes that anchors give to entries."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where the log stood once: the number and the hash of its newest entry."""

    entry_id: int
    hash: str


BEGINNING = Anchor(0, GENESIS)


@dataclass(frozen=True, slots=True)
class Verdict:
    """``last`` is the newest entry up to which all is right; ``problem`` says what is wrong behind it, if anything."""

    last: Anchor
    problem: str | None = None


def verify(tx: Tx, anchors: Collection[Anchor] = (), since: Anchor = BEGINNING) -> Verdict:
    """Read the chain to its end and stop at the first entry that is wrong; memory does not grow with the log.

    ``anchors`` are held against the entries they name. What is before ``since`` is taken for right.
    """
    last, noted = since, _by_entry(anchors)
    problem = _problem_at_start(tx, since)
    if problem is None:
        for entry in _entries(tx, since.entry_id):
            problem = _problem(last, entry, noted)
            if problem is not None:
                break
            last = Anchor(entry.id, entry.hash)
    return Verdict(last, problem or _problem_at_end(tx, last, noted))


def head(tx: Tx) -> Anchor:
    """Where the database says that the log ends; not verified."""
    row = tx.get(AuditHead, HEAD_ID)
    return Anchor(row.entry_id, row.hash) if row else BEGINNING


def _by_entry(anchors: Collection[Anchor]) -> Noted:
    noted: dict[int, set[str]] = {}
    for anchor in anchors:
        noted.setdefault(anchor.entry_id, set()).add(anchor.hash)
    return noted


def _entries(tx: Tx, after: int) -> Iterator[AuditEntry]:
    while batch := tx.find(AuditEntry, limit=_AT_ONCE, id=Between(at_least=after + 1)):
        yield from batch
        after = batch[-1].id


def _problem_at_start(tx: Tx, since: Anchor) -> str | None:
    if since == BEGINNING:
        return None
    entry = tx.get(AuditEntry, since.entry_id)
    if entry is None:
        return f"entry {since.entry_id} is missing; the log had come that far"
    return None if entry.hash == since.hash == digest(entry) else _not_as_noted(entry.id)


def _problem(last: Anchor, entry: AuditEntry, noted: Noted) -> str | None:
    """What is wrong with the entry that comes after ``last``."""
    if entry.id != last.entry_id + 1:
        return f"entry {last.entry_id + 1} is missing; the next one is {entry.id}"
    if entry.hash != digest(entry):
        return f"entry {entry.id} was changed: its content does not give its hash"
    if entry.previous_hash != last.hash:
        return f"entry {entry.id} does not follow the one before: one of the two was changed, put in or moved"
    return _not_as_noted(entry.id) if noted.get(entry.id, {entry.hash}) != {entry.hash} else None


def _problem_at_end(tx: Tx, last: Anchor, noted: Noted) -> str | None:
    furthest = max(noted, default=0)
    if furthest > last.entry_id:
        return f"entry {last.entry_id + 1} is missing: the end was cut off; the log had come to entry {furthest}"
    said = tx.get(AuditHead, HEAD_ID)
    if said is None or Anchor(said.entry_id, said.hash) != last:
        where = f"entry {said.entry_id}" if said else "nothing"
        return f"the log ends with entry {last.entry_id}, but the database notes {where} as its end"
    return None


def _not_as_noted(entry_id: int) -> str:
    return f"entry {entry_id} is not the one that was noted outside the database: it or one before was written anew"
