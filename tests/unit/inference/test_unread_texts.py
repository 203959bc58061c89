"""Texts that a client does not read: the model waits for it no longer than it may."""

import asyncio

import pytest

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.deadlines import Deadline
from modelyard.core.serving.rollout.counting import is_fault
from modelyard.web.inference.channel import Channel


def test_what_a_client_does_not_read_in_time_is_no_failure_of_the_model() -> None:
    async def fill() -> None:
        channel: Channel[str] = Channel()
        deadline = Deadline(0.1)
        while True:
            await asyncio.to_thread(channel.put, "piece", deadline)

    with pytest.raises(DomainError) as caught:
        asyncio.run(fill())
    assert caught.value.kind is ErrorKind.TIMED_OUT
    assert "was not read within 0.1 s" in caught.value.message
    assert not is_fault(caught.value)
    assert is_fault(Deadline(0.1).error())
