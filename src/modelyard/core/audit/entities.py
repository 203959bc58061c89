"""What the audit log stores."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """How it ended: done; not allowed; or allowed but impossible."""

    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that somebody did or tried.

    ``id`` numbers the entries from 1 without gaps. ``actor_id`` is empty for the server itself and for who did not
    prove who they are; ``actor_name`` is then the name that was given. ``address`` is that of the network, None for
    what no request caused. ``details`` hold JSON types and no secrets. ``previous_hash`` is the ``hash`` of the entry
    before (``chain.GENESIS`` for the first), ``hash`` that of all other fields: SHA-256, 64 hex digits.
    """

    id: int
    at: datetime
    actor_id: str
    actor_name: str
    client_id: str | None
    address: str | None
    action: str
    object_type: str
    object_id: str
    outcome: str
    details: dict[str, Any]
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The end of the chain: the newest entry's number and hash. One row; writers queue up for it."""

    id: int
    entry_id: int
    hash: str
