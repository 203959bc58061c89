"""The states of a deployment, and who may follow whom."""

from enum import StrEnum

from modelyard.core.kernel.errors import failed_precondition


class DeploymentState(StrEnum):
    """STARTING until every live worker serves the current revision, STOPPING until none serves any."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    ERROR = "ERROR"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"


TRANSITIONS: dict[DeploymentState, frozenset[DeploymentState]] = {
    DeploymentState.STARTING: frozenset(
        {DeploymentState.STARTING, DeploymentState.RUNNING, DeploymentState.ERROR, DeploymentState.STOPPING}
    ),
    DeploymentState.RUNNING: frozenset({DeploymentState.STARTING, DeploymentState.ERROR, DeploymentState.STOPPING}),
    DeploymentState.ERROR: frozenset({DeploymentState.STARTING, DeploymentState.RUNNING, DeploymentState.STOPPING}),
    DeploymentState.STOPPING: frozenset({DeploymentState.STARTING, DeploymentState.STOPPED}),
    DeploymentState.STOPPED: frozenset({DeploymentState.STARTING}),
}

SERVED = (DeploymentState.STARTING, DeploymentState.RUNNING, DeploymentState.ERROR)
"""States in which workers hold the deployment, or try to."""


def move(current: str, to: DeploymentState) -> DeploymentState:
    """The state after the move; ``FAILED_PRECONDITION`` when the table does not allow it."""
    if to not in TRANSITIONS[DeploymentState(current)]:
        raise failed_precondition(f"a deployment that is {current} cannot become {to}")
    return to
