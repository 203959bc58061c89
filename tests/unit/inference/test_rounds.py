"""How far the event loop is behind."""

import asyncio
import socket
import time

import pytest
import uvloop

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.web.inference.rounds import LONGEST_SECONDS, SPARING_SECONDS, Rounds

_EACH = 0.005
_CONNECTIONS = 30


def work(seconds: float) -> None:
    """Take so much processor time."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


class _Slow(asyncio.Protocol):
    """Answers each message after ``_EACH`` seconds of work, or refuses it."""

    answered: list[bool]
    rounds: Rounds

    def data_received(self, _: bytes) -> None:
        try:
            self.rounds.require()
        except DomainError as error:
            assert error.kind is ErrorKind.RATE_LIMITED
            self.answered.append(False)
        else:
            work(_EACH)
            self.answered.append(True)


@pytest.mark.alone
def test_a_lasting_crowd_is_answered_for_one_rounds_time_and_the_rest_refused_and_then_it_goes_on() -> None:
    async def crowd() -> tuple[list[bool], list[bool], list[bool]]:
        protocol = type("Slow", (_Slow,), {"answered": [], "rounds": Rounds()})
        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
        clients = [socket.create_connection(server.sockets[0].getsockname()) for _ in range(_CONNECTIONS)]
        await asyncio.sleep(0.1)
        answered = []
        for asking in (clients, clients, clients[:4]):
            for client in asking:
                client.send(b"x")
            await asyncio.sleep(0.4)
            answered.append(protocol.answered)  # type: ignore[attr-defined]
            protocol.answered = []  # type: ignore[attr-defined]
        for client in clients:
            client.close()
        server.close()
        first, second, third = answered
        return first, second, third

    first, second, third = uvloop.run(crowd())
    assert first == [True] * _CONNECTIONS  # that was only one long round
    assert len(second) == _CONNECTIONS
    assert 1 <= second.count(True) <= LONGEST_SECONDS / _EACH + 2
    assert third == [True] * 4


async def after_a_long_round(rounds: Rounds) -> None:
    rounds.require()
    work(1.5 * LONGEST_SECONDS)
    await asyncio.sleep(0)


def test_who_asks_after_a_models_slow_first_answer_is_answered() -> None:
    async def ask() -> None:
        rounds = Rounds()
        rounds.require()
        work(1.5 * LONGEST_SECONDS)
        rounds.require()  # an answer that a task sent is followed by a request before the loop comes round
        await asyncio.sleep(0)
        rounds.require()

    asyncio.run(ask())


def test_even_one_long_round_comes_to_an_end() -> None:
    async def crowd() -> None:
        rounds = Rounds()
        rounds.require()
        work(1.1 * SPARING_SECONDS)
        with pytest.raises(DomainError):
            rounds.require()

    asyncio.run(crowd())


def test_time_that_the_machine_gave_to_others_is_not_the_servers_own_lag() -> None:
    async def crowd() -> None:
        rounds = Rounds()
        await after_a_long_round(rounds)
        rounds.require()
        time.sleep(3 * LONGEST_SECONDS)  # noqa: ASYNC251  # nothing else is to run
        rounds.require()
        work(1.5 * LONGEST_SECONDS)
        with pytest.raises(DomainError):
            rounds.require()

    asyncio.run(crowd())


def test_answers_that_cost_next_to_nothing_are_not_refused_for_a_few_moments() -> None:
    async def crowd() -> int:
        rounds, answered = Rounds(), 0
        await after_a_long_round(rounds)
        until = time.monotonic() + 0.1
        while time.monotonic() < until:
            rounds.require()
            answered += 1
        return answered

    assert asyncio.run(crowd()) > 1000


@pytest.mark.alone
def test_looking_costs_less_than_a_microsecond() -> None:
    async def look() -> float:
        rounds, count = Rounds(), 20_000
        began = time.perf_counter()
        for _ in range(count):
            rounds.require()
            await asyncio.sleep(0)  # each in a round of its own: the dearest case
        around = time.perf_counter() - began
        began = time.perf_counter()
        for _ in range(count):
            await asyncio.sleep(0)
        return (around - (time.perf_counter() - began)) / count

    assert min(uvloop.run(look()) for _ in range(5)) < 1e-6
