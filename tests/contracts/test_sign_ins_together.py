"""Failed sign-ins at the same time, on every engine: none is lost, and many at once learn no more than one by one."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from modelyard.core.identity import throttle
from modelyard.core.identity.access_tokens import NewToken, create_token, find_token, note_uses, sweep_tokens
from modelyard.core.identity.service_accounts import NewServiceAccount, create_service_account, delete_service_account
from modelyard.core.identity.throttle import NAME_FROM_PLACE, attempt_by
from modelyard.core.identity.users import NewUser, add_user, load_actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.storage.store import SqlStore
from stores import migrated

_AT_ONCE = 16


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    sqlite = request.param == "sqlite"
    made = SqlStore(migrated(tmp_path / "store.db") if sqlite else request.getfixturevalue("migrated_postgres_url"))
    yield made
    made.close()


def test_of_many_failures_at_once_only_the_free_ones_are_answered(store: SqlStore) -> None:
    attempt, ready = attempt_by("ada", "192.0.2.1"), threading.Barrier(_AT_ONCE)

    def fail(_: int) -> bool:
        ready.wait()
        try:
            store.run_write(throttle.note_failure, attempt)
        except DomainError as error:
            assert error.kind is ErrorKind.RATE_LIMITED
            return False
        return True

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        answered = list(threads.map(fail, range(_AT_ONCE)))
    assert sum(answered) == NAME_FROM_PLACE.free
    with pytest.raises(DomainError):
        store.run_read(throttle.is_news, attempt)


def test_records_are_forgiven_and_swept(store: SqlStore) -> None:
    for _ in range(2):
        store.run_write(throttle.note_failure, attempt_by("ada", "192.0.2.1"))
    store.run_write(throttle.note_success, attempt_by("ada", "192.0.2.1"))
    store.run_write(throttle.note_failure, attempt_by("ada", "192.0.2.1"))
    store.run_write(throttle.forgive_all)
    store.run_write(throttle.sweep_sign_in_records)
    assert store.run_read(throttle.totals) == {}
    assert not store.run_read(throttle.is_news, attempt_by("ada", "192.0.2.1"))


def test_tokens_and_service_accounts_come_and_go(store: SqlStore) -> None:
    user = store.run_write(add_user, NewUser("root", None, None, ("ADMIN",)))  # type: ignore[arg-type]
    root = store.run_read(load_actor, user.id, None)
    new = NewServiceAccount("scorer", client_secret_hash="hash")
    account = store.run_write(create_service_account, root, new).user.id
    ends = user.created_at + timedelta(days=1)
    token = store.run_write(create_token, root, account, NewToken("t", ["read", "infer"], ends, "secret"))
    assert store.run_read(find_token, "secret") == token
    store.run_write(note_uses, {token.id})
    store.run_write(sweep_tokens)
    used = store.run_read(find_token, "secret")
    assert used is not None
    assert used.last_used_at is not None
    store.run_write(delete_service_account, root, "scorer")
    assert store.run_read(find_token, "secret") is None
