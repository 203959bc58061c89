"""Verifying the audit log of a data folder, whether its server runs or not, and accepting what is found."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from modelyard.bootstrap.audit_head import HeadFile
from modelyard.bootstrap.data_folder import open_store
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.audit.verification import Anchor, Verdict, head, verify
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, failed_precondition
from modelyard.settings import Settings
from modelyard.storage.migrate import is_current
from modelyard.storage.store import SqlStore


@dataclass(frozen=True)
class Finding:
    """``entries`` are right, the newest of them with ``hash``. ``problem`` is what is wrong in the chain, ``warning``
    what keeps its end from being vouched for."""

    entries: int
    hash: str
    problem: str | None
    warning: str | None


def check_audit(settings: Settings, expected: Anchor | None = None) -> Finding:
    """Read the whole log; ``expected`` is an entry that somebody noted elsewhere. Changes nothing."""
    with _opened(settings) as store:
        noted, warning = _noted(HeadFile(settings.data))
        verdict = store.run_read(verify, [anchor for anchor in (noted, expected) if anchor])
        return _finding(verdict, warning)


def accept_audit(settings: Settings, operator: str) -> Finding:
    """Take the log for what it is and let ``audit.head`` begin anew at its end; an entry tells that this was done.

    Only a chain that is whole can be accepted: ``problem`` says what is wrong with another.
    """
    with _opened(settings) as store:
        verdict = store.run_read(verify)
        if verdict.problem is not None:
            return _finding(verdict, None)
        file = HeadFile(settings.data)
        actor = Actor("", operator)
        entry = store.run_write(record, actor, Action.AUDIT_ACCEPT, "audit", "", was=_was(store, file))
        file.write(Anchor(entry.id, entry.hash))
        return Finding(entry.id, entry.hash, None, None)


@contextmanager
def _opened(settings: Settings) -> Iterator[SqlStore]:
    if settings.database is None and not (settings.data / "modelyard.db").exists():
        raise failed_precondition(f"the folder {settings.data} holds no database; name the server's own with --data")
    store = open_store(settings)
    try:
        if not is_current(store):
            raise failed_precondition(
                "the database has another schema; start the server once, which brings it up to date"
            )
        yield store
    finally:
        store.close()


def _noted(file: HeadFile) -> tuple[Anchor | None, str | None]:
    try:
        return file.read(), None
    except DomainError as error:
        return None, error.message


def _was(store: SqlStore, file: HeadFile) -> str:
    """What stood in the way before."""
    noted, warning = _noted(file)
    verdict = store.run_read(verify, [noted] if noted else [])
    return verdict.problem or warning or f"nothing; the log stood at entry {store.run_read(head).entry_id}"


def _finding(verdict: Verdict, warning: str | None) -> Finding:
    return Finding(verdict.last.entry_id, verdict.last.hash, verdict.problem, warning)
