"""A real store on a fresh SQLite file, with a clock that tests move."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clock import Clock
from modelyard.storage.store import SqlStore
from stores import migrated


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[SqlStore]:
    made = SqlStore(migrated(tmp_path / "store.db"), clock)
    yield made
    made.close()
