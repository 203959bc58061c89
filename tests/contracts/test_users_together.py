"""The first tokens of one person, in many processes at once: one account, on every engine."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelyard.core.identity.entities import ExternalIdentity, User
from modelyard.core.identity.external import Admission, ExternalPerson, admit
from modelyard.core.kernel.errors import DomainError
from modelyard.storage.store import SqlStore
from stores import migrated

PERSON = ExternalPerson("https://a.example", "1", ("alice",), "a@corp.example", "", "", frozenset())


@pytest.fixture(params=["sqlite", "postgresql"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[SqlStore]]:
    name = "migrated_postgres_url"
    url = migrated(tmp_path / "db") if request.param == "sqlite" else request.getfixturevalue(name)
    made = [SqlStore(url) for _ in range(4)]
    yield made
    for store in made:
        store.close()


def test_a_person_who_comes_in_everywhere_at_once_is_one_user(stores: list[SqlStore]) -> None:
    users: list[str] = []
    start = threading.Barrier(len(stores))

    def enter(store: SqlStore) -> None:
        start.wait()
        for _ in range(2):  # as the issuer's verifier does: another process may have been quicker
            try:
                users.append(store.run_write(admit, PERSON, Admission()).id)
            except DomainError:
                continue
            return

    threads = [threading.Thread(target=enter, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(users) == len(stores)
    assert len(set(users)) == 1
    assert len(stores[0].run_read(lambda tx: tx.find(User))) == 1
    assert len(stores[0].run_read(lambda tx: tx.find(ExternalIdentity))) == 1
