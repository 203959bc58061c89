"""The states of a deployment are a table."""

import itertools

import pytest

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.states import TRANSITIONS, DeploymentState, move

STARTING, RUNNING, ERROR, STOPPING, STOPPED = DeploymentState


@pytest.mark.parametrize(("before", "after"), list(itertools.product(DeploymentState, DeploymentState)))
def test_every_pair_is_allowed_or_refused(before: DeploymentState, after: DeploymentState) -> None:
    allowed = {
        STARTING: {STARTING, RUNNING, ERROR, STOPPING},
        RUNNING: {STARTING, ERROR, STOPPING},
        ERROR: {STARTING, RUNNING, STOPPING},
        STOPPING: {STARTING, STOPPED},
        STOPPED: {STARTING},
    }
    if after in allowed[before]:
        assert move(before, after) is after
    else:
        with pytest.raises(DomainError) as caught:
            move(before, after)
        assert caught.value.kind is ErrorKind.FAILED_PRECONDITION


def test_the_table_knows_every_state() -> None:
    assert set(TRANSITIONS) == set(DeploymentState)
