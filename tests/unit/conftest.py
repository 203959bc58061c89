"""A real store on a fresh SQLite file, with a clock that tests move."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from modelyard.storage.migrate import migrate
from modelyard.storage.store import SqlStore, sqlite_url


class Clock:
    """The time that use-cases see; ``advance`` moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[SqlStore]:
    made = SqlStore(sqlite_url(tmp_path / "store.db"), clock)
    migrate(made)
    yield made
    made.close()
