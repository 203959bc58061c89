"""Brings a database to the current schema, whatever released version it was left at."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from modelyard.storage.store import SqlStore


def migrate(store: SqlStore) -> None:
    """Apply all migrations that are missing, in one transaction."""
    with store.connection() as connection, _tables_replaceable(connection), connection.begin():
        config = _config()
        config.attributes["connection"] = connection
        before = _revision(connection)
        command.upgrade(config, "head")
        if _revision(connection) != before:  # else a start would take longer with every row
            _check_references(connection)


def _check_references(connection: Connection) -> None:
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise RuntimeError("the migration would leave rows that refer to nothing; nothing was changed")


@contextmanager
def _tables_replaceable(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by making it anew: meanwhile, what refers to it must neither hinder that nor go with it.

    It is told so outside of any transaction (https://www.sqlite.org/lang_altertable.html, section 7, step 1).
    """
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        if connection.dialect.name == "sqlite":
            driver.execute("PRAGMA foreign_keys = ON")


def is_current(store: SqlStore) -> bool:
    """Whether the database stands at the newest migration this program knows."""
    with store.connection() as connection, connection.begin():
        revision = _revision(connection)
    return revision == ScriptDirectory.from_config(_config()).get_current_head()


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
