"""Requests of devices: who may decide them, when, and how often one may guess."""

import pytest

from clock import Clock
from modelyard.core.identity.device_grants import (
    TRANSITIONS,
    DeviceRequest,
    DeviceState,
    Poll,
    begin_device_grant,
    decide,
    find_device_grant,
    normal_code,
    poll_device_grant,
)
from modelyard.core.identity.entities import DeviceGrant, Session
from modelyard.core.kernel.errors import DomainError, ErrorKind
from signed_in import Web

CODE = "BCDFGHJK"


@pytest.fixture
def grant(web: Web) -> DeviceGrant:
    return web.store.run_write(begin_device_grant, DeviceRequest("device", CODE, "sdk-client", "master", "profile"))


def poll(web: Web) -> Session | Poll:
    return web.store.run_write(poll_device_grant, "device", "sdk-client", web.lifetimes, confidential=False)


def look(web: Web, typed: str, address: str = "192.0.2.1") -> DeviceGrant | None:
    return web.store.run_write(find_device_grant, typed, address)


@pytest.mark.parametrize("state", DeviceState)
@pytest.mark.parametrize("to", [DeviceState.APPROVED, DeviceState.DENIED, DeviceState.REDEEMED])
def test_a_request_moves_as_the_table_says(web: Web, grant: DeviceGrant, state: DeviceState, to: DeviceState) -> None:
    way = {
        DeviceState.PENDING: [],
        DeviceState.APPROVED: [DeviceState.APPROVED],
        DeviceState.DENIED: [DeviceState.DENIED],
        DeviceState.REDEEMED: [DeviceState.APPROVED, DeviceState.REDEEMED],
    }[state]
    for step in way:
        web.store.run_write(decide, grant.id, web.browser, step)
    if to in TRANSITIONS[state]:
        assert web.store.run_write(decide, grant.id, web.browser, to).state == to
    else:
        with pytest.raises(DomainError) as caught:
            web.store.run_write(decide, grant.id, web.browser, to)
        assert caught.value.kind is ErrorKind.FAILED_PRECONDITION


def test_polling_at_the_agreed_pace_is_never_told_to_slow_down(web: Web, grant: DeviceGrant, clock: Clock) -> None:
    for _ in range(20):
        assert poll(web) == Poll.PENDING
        clock.advance(seconds=4.5)


def test_polling_too_fast_lengthens_the_pace_and_costs_no_tokens(web: Web, grant: DeviceGrant, clock: Clock) -> None:
    assert poll(web) == Poll.PENDING
    assert [poll(web) for _ in range(3)] == [Poll.SLOW_DOWN] * 3
    clock.advance(seconds=12)
    assert poll(web) == Poll.SLOW_DOWN
    clock.advance(seconds=30)
    assert poll(web) == Poll.PENDING
    web.store.run_write(decide, grant.id, web.browser, DeviceState.APPROVED)
    assert isinstance(poll(web), Session)
    assert poll(web) == Poll.UNKNOWN


def test_a_request_ends_after_ten_minutes(web: Web, grant: DeviceGrant, clock: Clock) -> None:
    clock.advance(seconds=600)
    assert poll(web) == Poll.EXPIRED
    assert look(web, CODE) is None


def test_ten_wrong_codes_a_minute_are_enough_for_an_address(web: Web, grant: DeviceGrant, clock: Clock) -> None:
    for _ in range(10):
        assert look(web, "XXXXXXXX") is None
    with pytest.raises(DomainError) as caught:
        look(web, CODE)
    assert caught.value.kind is ErrorKind.RATE_LIMITED
    assert look(web, CODE, "192.0.2.2") == grant
    clock.advance(seconds=61)
    assert look(web, CODE) == grant


@pytest.mark.parametrize("typed", ["BCDF-GHJK", "bcdf ghjk", " b.c_d+fghjk!", "BCDFGHJK"])
def test_how_a_code_is_typed_does_not_matter(typed: str) -> None:
    assert normal_code(typed) == CODE
