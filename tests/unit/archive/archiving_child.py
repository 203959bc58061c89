"""Processes that archive, each killed one step further: ``python archiving_child.py ORIGINAL FOLDER``.

A step is whatever changes a disk: making, renaming, syncing or removing a file, or committing a transaction. The n-th
process works on a copy of the original, ``FOLDER/<n>``, and ends before its n-th step. The first that comes to its end
is the last one.
"""

import os
import shutil
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from sqlalchemy import event

from modelyard.archive.archiver import Archiver
from modelyard.storage.store import SqlStore, sqlite_url


class Steps:
    """Counts steps and ends the process before the n-th."""

    def __init__(self, last: int) -> None:
        self._left = last

    def count(self, *_: Any) -> None:
        """Here is a step."""
        self._left -= 1
        if not self._left:
            os._exit(9)

    def wrap(self, owner: Any, name: str) -> None:
        """Make each call of this function a step."""
        plain: Callable[..., Any] = getattr(owner, name)

        def step(*args: Any, **kwargs: Any) -> Any:
            self.count()
            return plain(*args, **kwargs)

        setattr(owner, name, step)


def archive(folder: Path, last: int) -> None:
    """Archive what lies below the folder until killed."""
    store, steps = SqlStore(sqlite_url(folder / "store.db")), Steps(last)
    for owner, name in ((os, "fsync"), (os, "unlink"), (os, "rename"), (os, "mkdir")):
        steps.wrap(owner, name)
    steps.wrap(pq.ParquetWriter, "write_table")
    steps.wrap(SqlStore, "_write_once")
    event.listen(store._writer, "commit", steps.count)
    Archiver(store, folder / "logs", folder / "archive").run_once()


def main() -> None:
    """Kill one after another."""
    original, folder = map(Path, sys.argv[1:])
    for last in count(1):
        shutil.copytree(original, folder / str(last))
        child = os.fork()
        if not child:
            archive(folder / str(last), last)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status != 9:
            sys.exit(status)


if __name__ == "__main__":
    main()
