"""A real store with two tenants in it."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url
from tenants import NOW, Tenant, grant, settle, user

from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.ids import new_uuid
from modelyard.storage.migrate import migrate
from modelyard.storage.store import SqlStore, sqlite_url

_NUMBERS = itertools.count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """Both engines give the same answers."""
    if request.param == "sqlite":
        made = SqlStore(sqlite_url(tmp_path / "store.db"), lambda: NOW)
    else:
        made = SqlStore(request.getfixturevalue("empty_postgres_url"), lambda: NOW)
    migrate(made)
    yield made
    made.close()


@pytest.fixture
def empty_postgres_url(postgres_url: str) -> str:
    name = f"graph_{next(_NUMBERS)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]  # a name cannot be a parameter
    return make_url(postgres_url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def ann(store: SqlStore) -> Tenant:
    return store.run_write(settle, "ann")


@pytest.fixture
def bob(store: SqlStore, ann: Tenant) -> Tenant:
    return store.run_write(settle, "bob")


@pytest.fixture
def reader_of_ann(store: SqlStore, ann: Tenant) -> Actor:
    actor = user(store, "rita")
    store.run_write(grant, actor.user_id, ann.workspace, "READER")
    return actor


@pytest.fixture
def admin(store: SqlStore) -> Actor:
    return Actor(new_uuid(), "root", platform_roles=frozenset({"ADMIN"}))


@pytest.fixture
def newcomer(store: SqlStore) -> Actor:
    return user(store, "nina")
