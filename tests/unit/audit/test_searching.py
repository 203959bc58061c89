"""Searching: every filter, pages, and only for administrators."""

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from audit_chain import ADA, entries, write
from clock import Clock
from modelyard.core.access.permissions import Role
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.audit.entities import Outcome
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.monitoring.audit_search import AuditQuery, begin_export, export_page, search
from modelyard.dialects.native.audit_formats import csv_line, json_line, row
from modelyard.storage.store import SqlStore

ROOT = Actor("u-root", "root", platform_roles=frozenset({Role.ADMIN}))


@pytest.fixture
def found(store: SqlStore, clock: Clock) -> Callable[..., list[int]]:
    """The numbers of the entries that a query finds, among five that differ in everything."""
    bob = Actor("u-bob", "bob", address="2001:db8::1")
    for actor, action, thing, outcome in (
        (ADA, Action.DEPLOY, ("deployment", 1), Outcome.OK),
        (ADA, Action.UNDEPLOY, ("deployment", 1), Outcome.FAILED),
        (bob, Action.DEPLOY, ("deployment", 2), Outcome.OK),
        (bob, Action.GRANT_GIVE, ("workspace", 1), Outcome.REFUSED),
        (ADA, Action.DEPLOY, ("deployment", 1), Outcome.OK),
    ):
        store.run_write(record, actor, action, *thing, outcome)
        clock.advance(hours=1)

    def ids(limit: int = 100, **query: Any) -> list[int]:
        return [entry.id for entry in store.run_read(search, ROOT, AuditQuery(**query), limit)]

    return ids


def test_filters_hold_together_and_the_newest_comes_first(found: Callable[..., list[int]], clock: Clock) -> None:
    start = clock.now - timedelta(hours=5)
    assert found() == [5, 4, 3, 2, 1]
    assert found(actor="bob") == [4, 3]
    assert found(actor_id="u-ada", action="deployment.deploy") == [5, 1]
    assert found(object_type="deployment", object_id="1") == [5, 2, 1]
    assert found(object_id="1") == [5, 4, 2, 1]
    assert found(outcome="refused") == [4]
    assert found(address="2001:db8::1", object_type="deployment") == [3]
    assert found(since=start + timedelta(hours=1), until=start + timedelta(hours=3)) == [4, 3, 2]
    assert found(since=clock.now) == []
    assert found(before=4, limit=2) == [3, 2]
    assert found(after=2, before=5) == [4, 3]


def test_an_export_gives_what_was_there_when_it_began_and_tells_of_itself(store: SqlStore) -> None:
    write(store, 3)
    query = store.run_write(begin_export, ROOT, AuditQuery(after=1), format="csv")
    write(store, 2)
    first = store.run_read(export_page, ROOT, query, 2)
    rest = store.run_read(export_page, ROOT, AuditQuery(after=first[-1].id, before=query.before), 10)
    assert [entry.id for entry in (*first, *rest)] == [2, 3, 4]
    assert (rest[-1].action, rest[-1].actor_name, rest[-1].details) == ("audit.export", "root", {"format": "csv"})


@pytest.mark.parametrize("use_case", [search, export_page])
def test_only_administrators_read_the_log(store: SqlStore, use_case: Callable[..., Any]) -> None:
    for actor in (ADA, Actor("u", "u", platform_roles=frozenset({Role.USER}))):
        with pytest.raises(DomainError) as caught:
            store.run_read(use_case, actor, AuditQuery(), 10)
        assert caught.value.kind is ErrorKind.FORBIDDEN
        with pytest.raises(DomainError, match=r"audit\.read"):
            store.run_write(begin_export, actor, AuditQuery())
    assert entries(store) == []


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\ttab", "=cmd|' /C calc'!A0"])
def test_no_cell_of_a_csv_file_is_a_formula(store: SqlStore, name: str) -> None:
    store.run_write(record, Actor("", name), Action.LOGIN, "session", "", name=f'"{name}"\n,x')
    (entry,) = entries(store)
    (cells,) = csv.reader(io.StringIO(csv_line(entry).decode(), newline=""))
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert cells[3].removeprefix("'") == entry.actor_name
    assert json.loads(cells[10]) == entry.details


def test_a_line_of_json_has_every_field(store: SqlStore) -> None:
    write(store)
    line = json_line(entries(store)[0])
    assert line.count(b"\n") == 1
    assert json.loads(line) == row(entries(store)[0])
    assert json.loads(line)["at"] == "2026-03-01T12:00:00.000000Z"
