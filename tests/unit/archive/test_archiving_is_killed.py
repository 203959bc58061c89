"""Archiving that is killed at any step, twice at work, or without room loses no row and doubles none."""

import resource
import shutil
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from archived_pipeline import Archived

from modelyard.segments.ownership import alone
from modelyard.storage.store import SqlStore, sqlite_url

CHILD = Path(__file__).with_name("archiving_child.py")
_EXPECTED = [float(value) for value in range(48)]


def small_log(archived: Archived) -> None:
    """Eight files of one day in the archive, which are merged next, and two segments that are not there yet."""
    for n in range(0, 42, 6):
        archived.log([n, n + 1, n + 2, n + 3, n + 4, n + 5], n)
        archived.roll()
    archived.archive()
    archived.log([42, 43, 44], 10**9)
    archived.log([45], 2 * 10**9, extra={"name": ["x"]})
    archived.roll()
    archived.log([46, 47], 3 * 10**9)
    archived.close()


def settled(archived: Archived) -> None:
    """Every row is there once, and nothing lies around."""
    assert archived.values() == _EXPECTED
    archived.archive()
    assert archived.values() == _EXPECTED
    assert not archived.segments()
    assert len(archived.parquet()) == len(archived.files())
    assert not list((archived.folder / "tmp").iterdir())


def test_a_kill_before_any_step_loses_and_doubles_nothing(archived: Archived, tmp_path: Path) -> None:
    small_log(archived)
    original, killed = tmp_path / "original", tmp_path / "killed"
    for name in ("logs", "archive"):
        shutil.copytree(tmp_path / name, original / name)
    with archived.store.connection() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql(f"VACUUM INTO '{original / 'store.db'}'")
    subprocess.run([sys.executable, CHILD, original, killed], check=True, timeout=120)
    folders = list(killed.iterdir())
    assert len(folders) > 25
    for folder in folders:
        with closing(SqlStore(sqlite_url(folder / "store.db"))) as store:
            settled(Archived(store, archived.actor, archived.pipeline, folder / "logs", folder / "archive"))


def test_two_that_archive_at_once_do_it_once(archived: Archived) -> None:
    small_log(archived)
    threads = [threading.Thread(target=archived.archive) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    settled(archived)


def test_who_comes_second_leaves_it_to_the_first(archived: Archived) -> None:
    archived.log([1], 1)
    archived.close()
    archived.folder.mkdir()
    with alone(archived.folder / "lock") as mine:
        assert mine
        archived.archive()
    assert len(archived.segments()) == 1


def test_without_room_everything_stays_as_it_was(archived: Archived) -> None:
    small_log(archived)
    before = archived.files(), archived.segments()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            archived.archive()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (archived.files(), archived.segments()) == before
    settled(archived)
