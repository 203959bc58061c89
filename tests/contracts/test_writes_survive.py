"""Writes that are grouped go on, whatever one of them, the database or a listener does."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from modelyard.storage.group_commit import GroupCommit

Group = list[Callable[[Any], Any]]


def _alone(use_case: Callable[[Any], Any]) -> Any:
    return use_case(None)


def _several(together: Callable[[Group], list[Any]]) -> list[Any]:
    """What five writes at once give, and one after them."""

    async def write() -> list[Any]:
        with ThreadPoolExecutor(1) as thread:
            group = GroupCommit(thread, together, _alone)
            first = await asyncio.gather(*(group.write(lambda _: "done") for _ in range(5)), return_exceptions=True)
            return [*first, await asyncio.wait_for(group.write(lambda _: "later"), 5)]

    return asyncio.run(write())


def test_what_the_driver_itself_refuses_is_tried_one_by_one() -> None:
    def full(_: Group) -> list[Any]:
        raise sqlite3.OperationalError("database or disk is full")

    assert _several(full) == ["done"] * 5 + ["later"]


@pytest.mark.parametrize("error", [RuntimeError("a listener failed"), MemoryError()])
def test_another_failure_is_told_to_all_and_stops_no_later_write(error: Exception) -> None:
    def broken(_: Group) -> list[Any]:
        raise error

    results = _several(broken)
    assert results[0] == "done"  # it began before the others came
    assert results[1:5] == [error] * 4
    assert results[5] == "later"
