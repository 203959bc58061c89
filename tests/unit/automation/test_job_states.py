"""The states of a job are a table."""

import itertools

import pytest

from modelyard.core.automation.states import TRANSITIONS, JobState, move
from modelyard.core.kernel.errors import DomainError, ErrorKind

PENDING, RUNNING, SUCCEEDED, FAILED, ERROR = JobState


@pytest.mark.parametrize(("before", "after"), list(itertools.product(JobState, JobState)))
def test_every_pair_is_allowed_or_refused(before: JobState, after: JobState) -> None:
    allowed = {PENDING: {RUNNING}, RUNNING: {PENDING, SUCCEEDED, FAILED, ERROR}}
    if after in allowed.get(before, set()):
        assert move(before, after) is after
    else:
        with pytest.raises(DomainError) as caught:
            move(before, after)
        assert caught.value.kind is ErrorKind.FAILED_PRECONDITION


def test_the_table_knows_every_state() -> None:
    assert set(TRANSITIONS) == set(JobState)
