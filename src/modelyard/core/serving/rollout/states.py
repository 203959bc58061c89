"""The states of a rollout, and who may follow whom."""

from enum import StrEnum

from modelyard.core.kernel.errors import failed_precondition


class RolloutState(StrEnum):
    """BAKING while the new revision is on trial; all others are ends, but that what was kept can be rolled back."""

    BAKING = "BAKING"
    KEPT = "KEPT"
    ROLLED_BACK = "ROLLED_BACK"
    SUPERSEDED = "SUPERSEDED"
    """Another revision took its place, or the deployment was stopped, before it was judged."""


TRANSITIONS: dict[RolloutState, frozenset[RolloutState]] = {
    RolloutState.BAKING: frozenset({RolloutState.KEPT, RolloutState.ROLLED_BACK, RolloutState.SUPERSEDED}),
    RolloutState.KEPT: frozenset({RolloutState.ROLLED_BACK}),
    RolloutState.ROLLED_BACK: frozenset(),
    RolloutState.SUPERSEDED: frozenset(),
}


def move(current: str, to: RolloutState) -> RolloutState:
    """The state after the move; ``FAILED_PRECONDITION`` when the table does not allow it."""
    if to not in TRANSITIONS[RolloutState(current)]:
        raise failed_precondition(f"a rollout that is {current} cannot become {to}")
    return to
