"""A real store with two tenants in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tenants import NOW, Tenant, grant, settle, user

from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.ids import new_uuid
from modelyard.storage.store import SqlStore
from stores import migrated


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """Both engines give the same answers."""
    if request.param == "sqlite":
        made = SqlStore(migrated(tmp_path / "store.db"), lambda: NOW)
    else:
        made = SqlStore(request.getfixturevalue("migrated_postgres_url"), lambda: NOW)
    yield made
    made.close()


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
