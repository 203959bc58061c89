"""The states of a rollout are a table."""

import itertools

import pytest

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.rollout.states import TRANSITIONS, RolloutState, move

BAKING, KEPT, ROLLED_BACK, SUPERSEDED = RolloutState


@pytest.mark.parametrize(("before", "after"), list(itertools.product(RolloutState, RolloutState)))
def test_every_pair_of_a_rollout_is_allowed_or_refused(before: RolloutState, after: RolloutState) -> None:
    allowed = {BAKING: {KEPT, ROLLED_BACK, SUPERSEDED}, KEPT: {ROLLED_BACK}, ROLLED_BACK: set(), SUPERSEDED: set()}
    if after in allowed[before]:
        assert move(before, after) is after
    else:
        with pytest.raises(DomainError) as caught:
            move(before, after)
        assert caught.value.kind is ErrorKind.FAILED_PRECONDITION


def test_the_table_of_rollouts_knows_every_state() -> None:
    assert set(TRANSITIONS) == set(RolloutState)
