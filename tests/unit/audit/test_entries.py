"""What an entry holds, and the exact bytes that its hash is made of."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from audit_chain import ADA, entries
from clock import Clock
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import GENESIS, canonical, digest, plain, record
from modelyard.core.audit.configuration import record_configuration
from modelyard.core.audit.entities import AuditEntry, Outcome
from modelyard.core.kernel.actor import Actor
from modelyard.storage.store import SqlStore

KNOWN = AuditEntry(
    id=7,
    at=datetime(2026, 3, 1, 12, 0, 0, 123456, UTC),
    actor_id="5f0c7f3e-0000-4000-8000-000000000001",
    actor_name="zoë@example.com",
    client_id=None,
    address="192.0.2.7",
    action="grant.give",
    object_type="workspace",
    object_id="12",
    outcome="ok",
    details={"role": "OWNER", "number": 1, "nested": {"b": None, "a": [True, 0.5]}},
    previous_hash=GENESIS,
    hash="",
)


def test_the_canonical_form_is_this_and_stays_this() -> None:
    expected = (
        '{"action":"grant.give","actor_id":"5f0c7f3e-0000-4000-8000-000000000001",'
        '"actor_name":"zo\\u00eb@example.com","address":"192.0.2.7","at":1772366400123456,"client_id":null,'
        '"details":{"nested":{"a":[true,0.5],"b":null},"number":1,"role":"OWNER"},"id":7,"object_id":"12",'
        '"object_type":"workspace","outcome":"ok","previous_hash":"' + "0" * 64 + '"}'
    )
    assert canonical(KNOWN).decode() == expected
    assert digest(KNOWN) == "bf053ce0d17098f3dfb208c0356ce1f29f64659474b3ec7d537e16a3c18db07c"


@pytest.mark.parametrize("name", [name for name in AuditEntry.__slots__ if name != "hash"])
def test_every_field_counts(name: str) -> None:
    other = {"id": 8, "at": datetime(2026, 3, 1, tzinfo=UTC), "details": {}}.get(name, "other")
    assert digest(replace(KNOWN, **{name: other})) != digest(KNOWN)


def test_an_entry_says_who_what_when_from_where_and_how_it_ended(store: SqlStore, clock: Clock) -> None:
    made = store.run_write(record, ADA, Action.UNDEPLOY, "deployment", 12, Outcome.FAILED, name="fraud")
    assert entries(store) == [made]
    assert (made.actor_id, made.actor_name, made.client_id) == ("u-ada", "ada@example.com", "sdk-client")
    assert (made.at, made.address, made.outcome) == (clock.now, "192.0.2.7", "failed")
    assert (made.action, made.object_type, made.object_id) == ("deployment.undeploy", "deployment", "12")
    assert made.details == {"name": "fraud"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [("ada", "ada"), ("a\0b\nc\ud800", "a\ufffdb\ufffdc\ufffd"), ("x" * 300, "x" * 254 + "…"), ("Zoë", "Zoë")],
)
def test_names_that_anybody_may_send_are_kept_printable_and_short(store: SqlStore, given: str, kept: str) -> None:
    assert plain(given) == kept
    made = store.run_write(record, Actor("", given, client_id=given, address=given), Action.LOGIN, "client", given)
    assert (made.actor_name, made.client_id, made.address, made.object_id) == (kept, kept, kept, kept)
    assert entries(store) == [made]


def test_settings_are_recorded_when_they_changed_since_the_last_start(store: SqlStore) -> None:
    first, second = {"port": 1, "workers": 2}, {"port": 1, "workers": 3, "data": "/srv"}
    assert store.run_write(record_configuration, first, "ops")
    assert not store.run_write(record_configuration, first, "ops")
    assert store.run_write(record_configuration, second, "root")
    found = entries(store)
    assert [entry.details["changed"] for entry in found] == [["port", "workers"], ["data", "workers"]]
    assert (found[1].actor_name, found[1].details["started_by"]) == ("server", "root")
    assert found[1].details["settings"] == second
