"""Reading the log: for administrators, filtered by the query itself."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.audit.entities import AuditEntry
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.store import Between, Tx


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which entries: all that is given holds. Times are inclusive; ``after`` and ``before`` are exclusive numbers."""

    since: datetime | None = None
    until: datetime | None = None
    actor_id: str | None = None
    actor: str | None = None
    action: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    outcome: str | None = None
    address: str | None = None
    after: int | None = None
    before: int | None = None

    def conditions(self) -> dict[str, Any]:
        """The same as ``Tx.find`` takes it."""
        equal = {
            "actor_id": self.actor_id,
            "actor_name": self.actor,
            "action": self.action,
            "object_type": self.object_type,
            "object_id": self.object_id,
            "outcome": self.outcome,
            "address": self.address,
        }
        where: dict[str, Any] = {name: value for name, value in equal.items() if value is not None}
        if self.since is not None or self.until is not None:
            where["at"] = Between(self.since, self.until)
        if self.after is not None or self.before is not None:
            where["id"] = Between(
                None if self.after is None else self.after + 1, None if self.before is None else self.before - 1
            )
        return where


def search(tx: Tx, actor: Actor, query: AuditQuery, limit: int) -> list[AuditEntry]:
    """At most ``limit`` entries, newest first."""
    require_platform(actor, Permission.AUDIT_READ)
    return tx.find(AuditEntry, order_by="-id", limit=limit, **query.conditions())


def begin_export(tx: Tx, actor: Actor, query: AuditQuery, **details: Any) -> AuditQuery:
    """Record that the entries are taken out; returns the query for those that there are now, this one included."""
    require_platform(actor, Permission.AUDIT_READ)
    tx.first(AuditEntry, **query.conditions())  # a question that cannot be asked is refused before the answer begins
    entry = record(tx, actor, Action.AUDIT_EXPORT, "audit", "", **details)
    return replace(query, before=min(query.before or entry.id + 1, entry.id + 1))


def export_page(tx: Tx, actor: Actor, query: AuditQuery, limit: int) -> list[AuditEntry]:
    """At most ``limit`` entries, oldest first; go on with ``after`` the last one."""
    require_platform(actor, Permission.AUDIT_READ)
    return tx.find(AuditEntry, limit=limit, **query.conditions())
