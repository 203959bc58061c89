"""With which settings the server starts."""

from typing import Any

from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import SERVER, record
from modelyard.core.audit.entities import AuditEntry
from modelyard.core.kernel.store import Tx


def record_configuration(tx: Tx, settings: dict[str, Any], started_by: str) -> bool:
    """Record the settings when they are not those of the last time; returns whether. JSON types, secrets left out."""
    before = tx.first(AuditEntry, order_by="-id", action=Action.CONFIGURE)
    known = before.details["settings"] if before else {}
    changed = sorted(key for key in settings.keys() | known.keys() if settings.get(key) != known.get(key))
    if before is not None and not changed:
        return False
    record(tx, SERVER, Action.CONFIGURE, "server", "", changed=changed, settings=settings, started_by=started_by)
    return True
