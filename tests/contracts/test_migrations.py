"""Databases of earlier releases: what was in them is there afterwards, and works with what came."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from modelyard.core.catalogue.entities import DefaultWorkspace, Model, Workspace
from modelyard.core.identity.clients import GrantType
from modelyard.core.identity.entities import OAuthClient, Session
from modelyard.storage import migrate as migrations
from modelyard.storage.store import SqlStore, sqlite_url


@pytest.fixture(params=["sqlite", "postgresql"])
def old_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    """A database as the first release left it."""
    sqlite = request.param == "sqlite"
    url = sqlite_url(tmp_path / "store.db") if sqlite else request.getfixturevalue("fresh_postgres_url")
    store = SqlStore(url)
    with store.connection() as connection, connection.begin():
        config = migrations._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    yield store
    store.close()


def run(store: SqlStore, *statements: str) -> None:
    with store.connection() as connection, connection.begin():
        for statement in statements:
            connection.execute(text(statement))


def test_clients_and_sessions_of_the_first_release_go_on(old_store: SqlStore) -> None:
    grants = '["password", "refresh_token"]'
    run(
        old_store,
        "insert into users (id, username, first_name, last_name, enabled, service, created_at) "
        "values ('u1', 'mary', '', '', true, false, 1)",
        f"insert into oauth_clients (id, grants, created_at) values ('sdk-client', '{grants}', 1)",  # noqa: S608
        f"insert into oauth_clients (id, grants, created_at) values ('sd-api', '{grants}', 1)",  # noqa: S608
        f"insert into oauth_clients (id, grants, created_at) values ('own', '{grants}', 1)",  # noqa: S608
        "insert into sessions (id, user_id, client_id, realm, scope, offline, generation, rotated_at, created_at, "
        "expires_at) values ('s1', 'u1', 'sdk-client', 'master', 'email', false, 3, 2000000, 1000000, 9000000)",
    )
    migrations.migrate(old_store)
    sdk = old_store.run_read(lambda tx: tx.get(OAuthClient, "sdk-client"))
    assert sdk is not None
    assert {GrantType.DEVICE_CODE, GrantType.AUTHORIZATION_CODE, GrantType.PASSWORD} <= set(sdk.grants)
    assert "http://127.0.0.1/callback" in sdk.redirect_uris
    own = old_store.run_read(lambda tx: tx.get(OAuthClient, "own"))
    assert own is not None
    assert (own.grants, own.redirect_uris, own.consent) == (["password", "refresh_token"], [], False)
    flagged = old_store.run_read(lambda tx: tx.find(OAuthClient, id_tokens_as_bearer=True))
    assert [client.id for client in flagged] == ["sd-api"]
    session = old_store.run_read(lambda tx: tx.get(Session, "s1"))
    assert session is not None
    assert session.authenticated_at == session.created_at
    assert session.browser_session_id is None


def test_workspaces_are_made_anew_with_all_that_is_in_them(old_store: SqlStore) -> None:
    run(
        old_store,
        "insert into users (id, username, first_name, last_name, enabled, service, created_at) "
        "values ('u1', 'mary', '', '', true, false, 1)",
        "insert into workspaces (id, name, archived, created_at, created_by) values (1, 'Fraud', false, 1, 'u1')",
        "insert into models (id, workspace_id, name, owner_id, created_at, updated_at) values (1, 1, 'm', 'u1', 1, 1)",
        "insert into default_workspaces (user_id, workspace_id) values ('u1', 1)",
    )
    migrations.migrate(old_store)
    assert [model.workspace_id for model in old_store.run_read(lambda tx: tx.find(Model))] == [1]
    assert [w.slug for w in old_store.run_read(lambda tx: tx.find(Workspace))] == ["fraud"]
    assert old_store.run_read(lambda tx: tx.first(DefaultWorkspace, order_by="user_id", workspace_id=1)) is not None
    with pytest.raises(IntegrityError):  # rows that refer to nothing are refused as ever
        run(old_store, "update default_workspaces set workspace_id = 77")


@pytest.fixture
def dangling(tmp_path: Path) -> Iterator[Callable[[str], SqlStore]]:
    """Makes databases at a revision, with a row that refers to nothing."""
    stores: list[SqlStore] = []

    def make(revision: str) -> SqlStore:
        store = SqlStore(sqlite_url(tmp_path / "store.db"))
        stores.append(store)
        with store.connection() as connection, connection.begin():
            config = migrations._config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
        with store.connection() as connection:
            connection.connection.driver_connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute(text("insert into default_workspaces (user_id, workspace_id) values ('nobody', 77)"))
            connection.commit()
            connection.connection.driver_connection.execute("PRAGMA foreign_keys = ON")
        return store

    yield make
    for store in stores:
        store.close()


def test_a_migration_that_would_leave_rows_that_refer_to_nothing_changes_nothing(
    dangling: Callable[[str], SqlStore],
) -> None:
    store = dangling("0001")

    with pytest.raises(RuntimeError, match="rows that refer to nothing"):
        migrations.migrate(store)

    with store.connection() as connection:
        assert connection.execute(text("select version_num from alembic_version")).scalar() == "0001"


def test_a_start_without_a_migration_does_not_look_through_all_rows(dangling: Callable[[str], SqlStore]) -> None:
    store = dangling("head")

    migrations.migrate(store)

    assert migrations.is_current(store)
