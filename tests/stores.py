"""New databases at the current schema. It is made once in each process that runs tests, and copied from then on."""

import functools
from pathlib import Path
from tempfile import TemporaryDirectory

from modelyard.storage.migrate import migrate
from modelyard.storage.store import SqlStore, sqlite_url


def migrated(path: Path) -> str:
    """The URL of a SQLite database that is made there."""
    path.write_bytes(_migrated())
    return sqlite_url(path)


@functools.cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        migrate_once(sqlite_url(path))
        return path.read_bytes()


def migrate_once(url: str) -> None:
    """Bring an empty database to the current schema."""
    store = SqlStore(url)
    migrate(store)
    store.close()
