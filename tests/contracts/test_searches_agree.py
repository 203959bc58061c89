"""Searches find the same things in the same order on every engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.core.access.permissions import Role
from modelyard.core.identity.clients import FirstAccounts, ensure_accounts
from modelyard.core.identity.entities import User
from modelyard.core.identity.users import load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.search import total_order
from modelyard.core.kernel.store import Part, Tx
from modelyard.core.tracking.first_start import ensure_tracking
from modelyard.core.tracking.log import log_batch
from modelyard.core.tracking.recording import Batch, Measurement
from modelyard.core.tracking.runs import NewRun, create_run, search_runs
from modelyard.dialects.mlflow import grammar
from modelyard.dialects.mlflow.dialect import renamed
from modelyard.storage.store import SqlStore
from stores import migrated

_NAN, _INF = float("nan"), float("inf")
_RUNS: dict[str, tuple[dict[str, float], str | None]] = {
    "a": ({"m": 1.0}, "50%"),
    "B": ({"m": _NAN}, "50\\"),
    "b": ({"m": _INF}, "É"),
    "c_d": ({"m": -1.0, "n": 2.0}, "é"),
    "cXd": ({"n": 1.0}, None),
    "Z": ({"m": 1.0, "n": _NAN}, "a\\%b"),
    "é": ({}, "ABC"),
    "😀": ({"m": 0.0}, "abc"),
}
_SEARCHES: dict[tuple[str, str], list[str]] = {
    ("", "run_name"): ["B", "Z", "a", "b", "cXd", "c_d", "é", "😀"],
    ("", "run_name DESC"): ["😀", "é", "c_d", "cXd", "b", "a", "Z", "B"],
    ("", "metrics.m, run_name"): ["c_d", "😀", "Z", "a", "b", "B", "cXd", "é"],
    ("", "metrics.m DESC, run_name"): ["b", "Z", "a", "😀", "c_d", "B", "cXd", "é"],
    ("metrics.m > -2", "metrics.m, run_name"): ["c_d", "😀", "Z", "a", "b"],
    ("metrics.m != 1", "metrics.m, run_name"): ["c_d", "😀", "b", "B"],
    ("metrics.n < 3", "metrics.m DESC, run_name"): ["c_d", "cXd"],
    ("", "params.p, run_name"): ["a", "B", "é", "Z", "😀", "b", "c_d", "cXd"],
    ("", "params.p DESC, run_name"): ["c_d", "b", "😀", "Z", "é", "B", "a", "cXd"],
    ("run_name LIKE 'c_d'", "run_name"): ["cXd", "c_d"],
    ("run_name LIKE 'B%'", "run_name"): ["B"],
    ("run_name ILIKE 'B%'", "run_name"): ["B", "b"],
    ("params.p LIKE '50\\'", "run_name"): ["B"],
    ("params.p LIKE '%\\'", "run_name"): ["B"],
    ("params.p LIKE 'a\\%'", "run_name"): ["Z"],
    ("params.p LIKE '50%'", "run_name"): ["B", "a"],
    ("params.p LIKE 'É'", "run_name"): ["b"],
    ("params.p ILIKE 'aBc'", "run_name"): ["é", "😀"],
    ("params.p = 'abc'", "run_name"): ["😀"],
    ("params.p IS NULL", "run_name"): ["cXd"],
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def tracked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[SqlStore, Actor]]:
    """A store with the runs, and who may see them."""
    place: Path = tmp_path_factory.mktemp("searches")
    sqlite = request.param == "sqlite"
    store = SqlStore(migrated(place / "db") if sqlite else request.getfixturevalue("module_postgres_url"))
    store.run_write(ensure_accounts, FirstAccounts("admin", "a@x.io", "hash", "hash"))
    store.run_write(ensure_tracking, Role.READ)
    user = store.run_read(lambda tx: tx.first(User, username="admin"))
    assert user is not None
    actor = store.run_read(load_actor, user.id, None)
    for name in _RUNS:
        store.run_write(_log, actor, name)
    yield store, actor
    store.close()


def _log(tx: Tx, actor: Actor, name: str) -> None:
    metrics, param = _RUNS[name]
    run_id = create_run(tx, actor, NewRun("0", name=name)).run.id
    measured = [Measurement(key, value, 1) for key, value in metrics.items()]
    log_batch(tx, actor, run_id, Batch(measured, {} if param is None else {"p": param}))


@pytest.mark.parametrize(("filter_", "order_by"), _SEARCHES)
def test_a_search_finds_the_same_on_every_engine(tracked: tuple[SqlStore, Actor], filter_: str, order_by: str) -> None:
    store, actor = tracked
    conditions, orders = grammar.runs(filter_, order_by.split(", "))
    order = total_order(orders, grammar.RUNS.default, grammar.RUNS.ties)
    asked = renamed((conditions, order), {"run_id": "id", "run_name": "name"})
    found = store.run_read(search_runs, actor, ["0"], *asked, {"active"}, Part(100))
    assert [view.run.name for view in found] == _SEARCHES[filter_, order_by]
