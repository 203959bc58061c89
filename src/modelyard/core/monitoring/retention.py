"""How long a workspace's inference log is kept."""

from modelyard.core.access.check import require
from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.catalogue.entities import Workspace
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid, not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.monitoring.entities import LogRetention

_MOST_DAYS = 36_500
_MOST_BYTES = 2**62


def workspace_named(tx: Tx, actor: Actor, text: str, permission: Permission) -> Workspace:
    """The workspace with this number or name, for someone who holds the permission on it."""
    by_number = tx.get(Workspace, int(text)) if text.isascii() and text.isdigit() and len(text) < 19 else None
    found = by_number or tx.first(Workspace, name=text)
    require(tx, actor, permission, found.id if found else 0, "workspace", text)
    if found is None:
        raise not_found("workspace", text)
    return found


def log_retention(tx: Tx, actor: Actor, workspace: str) -> LogRetention:
    """What is kept of the workspace's log."""
    found = workspace_named(tx, actor, workspace, Permission.WORKSPACE_READ)
    kept = tx.first(LogRetention, workspace_id=found.id)
    return kept or LogRetention(0, found.id, None, None, found.created_at)


def keep_logs(tx: Tx, actor: Actor, workspace: str, days: int | None, max_bytes: int | None) -> LogRetention:
    """Say how many days of the log are kept and how many bytes; None is no limit. Older files go within the hour."""
    found = workspace_named(tx, actor, workspace, Permission.WORKSPACE_MANAGE)
    _check("days", days, _MOST_DAYS)
    _check("max_bytes", max_bytes, _MOST_BYTES)
    known = tx.first(LogRetention, workspace_id=found.id)
    wanted = LogRetention(known.id if known else 0, found.id, days, max_bytes, tx.now)
    kept = tx.update(LogRetention, known.id, lambda _: wanted) if known else tx.insert(wanted)
    about = (Action.WORKSPACE_CHANGE, "workspace", found.id)
    record(tx, actor, *about, name=found.name, log_days=days, log_max_bytes=max_bytes)
    return kept


def _check(name: str, value: int | None, most: int) -> None:
    if value is not None and not 0 < value <= most:
        raise invalid(f"{name} must be a whole number from 1 to {most}, or null for no limit; it was {value}")
