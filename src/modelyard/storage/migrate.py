"""Brings a database to the current schema, whatever released version it was left at."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from modelyard.storage.store import SqlStore


def migrate(store: SqlStore) -> None:
    """Apply all migrations that are missing, in one transaction."""
    with store.connection() as connection, connection.begin():
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(store: SqlStore) -> bool:
    """Whether the database stands at the newest migration this program knows."""
    with store.connection() as connection, connection.begin():
        revision = MigrationContext.configure(connection).get_current_revision()
    return revision == ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
