"""Appending to the log, and the hash that chains its entries."""

import hashlib
import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from modelyard.core.audit.actions import Action
from modelyard.core.audit.entities import AuditEntry, AuditHead, Outcome
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Tx

GENESIS = "0" * 64
"""What the first entry has in place of its predecessor's hash."""

HEAD_ID = 1
SERVER = Actor("", "server")
"""Who does what no person asked for."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TEXT_MAX = 255
_HASHED = tuple(field.name for field in fields(AuditEntry) if field.name != "hash")


def record(  # who, what, about what, how it ended
    tx: Tx,
    actor: Actor,
    action: Action,
    object_type: str,
    object_id: object,
    outcome: Outcome = Outcome.OK,
    **details: Any,
) -> AuditEntry:
    """Append an entry; it is there if and only if the rest of the transaction is.

    Call it last in a use-case: from here to the commit all other writers of the log wait. ``details`` are JSON types;
    never a secret.
    """
    made: list[AuditEntry] = []

    def follow(head: AuditHead) -> AuditHead:
        entry = AuditEntry(
            id=head.entry_id + 1,
            at=tx.now,
            actor_id=actor.user_id,
            actor_name=plain(actor.username),
            client_id=actor.client_id and plain(actor.client_id),
            address=actor.address and plain(actor.address),
            action=str(action),
            object_type=object_type,
            object_id=plain(str(object_id)),
            outcome=str(outcome),
            details=details,
            previous_hash=head.hash,
            hash="",
        )
        made.append(replace(entry, hash=digest(entry)))
        return replace(head, entry_id=entry.id, hash=made[0].hash)

    try:
        tx.update(AuditHead, HEAD_ID, follow)
    except DomainError as error:
        raise _headless() from error
    return tx.insert(made[0])


def digest(entry: AuditEntry) -> str:
    """SHA-256 of ``canonical(entry)``, 64 hex digits."""
    return hashlib.sha256(canonical(entry)).hexdigest()


def canonical(entry: AuditEntry) -> bytes:
    """All fields but ``hash`` as JSON: keys sorted, no white space, ASCII only; ``at`` in microseconds since 1970."""
    content = {name: getattr(entry, name) for name in _HASHED} | {"at": (entry.at - _EPOCH) // _MICROSECOND}
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def plain(text: str) -> str:
    """Text that anybody may have sent, as it may stand in the log: printable, at most 255 characters."""
    shown = text if len(text) <= _TEXT_MAX else text[: _TEXT_MAX - 1] + "…"
    return (
        shown if shown.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in shown)
    )


def _headless() -> DomainError:
    message = "the audit log has lost the row that says where it ends; nothing was changed. Run: modelyard audit verify"
    return DomainError(ErrorKind.INTERNAL, message)
