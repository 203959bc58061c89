"""The states of a job, and who may follow whom."""

from enum import StrEnum

from modelyard.core.kernel.errors import failed_precondition


class JobState(StrEnum):
    """FAILED is the job's own fault (its data, its owner's rights), ERROR that of whoever ran it."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ERROR = "Error"


TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    JobState.PENDING: frozenset({JobState.RUNNING}),
    JobState.RUNNING: frozenset({JobState.PENDING, JobState.SUCCEEDED, JobState.FAILED, JobState.ERROR}),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.ERROR: frozenset(),
}
"""RUNNING becomes PENDING again when the process that ran the job died."""

UNFINISHED = (JobState.PENDING, JobState.RUNNING)


def move(current: str, to: JobState) -> JobState:
    """The state after the move; ``FAILED_PRECONDITION`` when the table does not allow it."""
    if to not in TRANSITIONS[JobState(current)]:
        raise failed_precondition(f"a job that is {current} cannot become {to}")
    return to
