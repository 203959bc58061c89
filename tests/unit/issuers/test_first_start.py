"""The first start: what is made up is kept before it counts."""

import pytest

from modelyard.core.identity.clients import has_admin
from modelyard.core.kernel.errors import DomainError
from modelyard.issuers.embedded.first_start import first_start
from modelyard.issuers.embedded.passwords import Passwords
from modelyard.storage.store import SqlStore


def test_what_cannot_be_kept_does_not_count(store: SqlStore) -> None:
    def full(_: dict[str, str]) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        first_start(store, Passwords(), full, "a@x.io", None, None)
    assert not store.run_read(has_admin)


def test_a_second_start_makes_nothing_up(store: SqlStore) -> None:
    kept: list[dict[str, str]] = []
    first = first_start(store, Passwords(), kept.append, "a@x.io", None, None)
    assert set(first) == {"admin_username", "admin_email", "admin_password", "api_client_id", "api_client_secret"}
    assert first_start(store, Passwords(), kept.append, "a@x.io", None, None) == {}
    assert kept == [first]


def test_what_the_operator_chose_is_not_shown(store: SqlStore) -> None:
    kept: list[dict[str, str]] = []
    assert first_start(store, Passwords(), kept.append, "a@x.io", "correct horse", "a secret") == {}
    assert kept == []
    assert store.run_read(has_admin)


def test_a_weak_password_is_refused_before_anything_is_made(store: SqlStore) -> None:
    with pytest.raises(DomainError, match="password"):
        first_start(store, Passwords(), lambda _: None, "a@x.io", "short", None)
    assert not store.run_read(has_admin)
