"""An audit log to look into and to tamper with, as somebody does who owns the database."""

from typing import Any

from sqlalchemy import text

from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.audit.entities import AuditEntry
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.store import Tx
from modelyard.storage.store import SqlStore

ADA = Actor("u-ada", "ada@example.com", client_id="sdk-client", address="192.0.2.7")


def write(store: SqlStore, count: int = 1, actor: Actor = ADA, action: Action = Action.DEPLOY) -> None:
    """Append entries, each in a transaction of its own."""
    for number in range(count):
        store.run_write(record, actor, action, "deployment", number, name="fraud")


def entries(store: SqlStore, **where: Any) -> list[AuditEntry]:
    """What the log holds, oldest first."""

    def find(tx: Tx) -> list[AuditEntry]:
        return tx.find(AuditEntry, **where)

    return store.run_read(find)


def tamper(store: SqlStore, *statements: str, **values: Any) -> None:
    """Run statements on the database with what keeps entries from being changed out of the way."""
    with store.connection() as connection, connection.begin():
        if connection.dialect.name == "sqlite":
            unlock = ["DROP TRIGGER IF EXISTS audit_entries_update", "DROP TRIGGER IF EXISTS audit_entries_delete"]
        else:
            unlock = ["ALTER TABLE audit_entries DISABLE TRIGGER ALL"]
        for statement in (*unlock, *statements):
            connection.execute(text(statement), values)
