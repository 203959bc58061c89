"""Jobs that wait for a runner, have ended, or lost their runner: what is asked about them once a second."""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any

from modelyard.core.automation.entities import Job
from modelyard.core.automation.states import JobState, move
from modelyard.core.identity.access_tokens import revoke_lent
from modelyard.core.kernel.store import Between, Tx

RUNNER_TIMEOUT = timedelta(seconds=10)
_ATTEMPTS = 3
_KEPT = timedelta(days=30)


def waiting_jobs(tx: Tx) -> int:
    """How many jobs wait for a runner."""
    return len(tx.values(Job, ("id",), state=JobState.PENDING))


def finish_job(  # the end of one job
    tx: Tx, job_id: int, runner: str, state: JobState, error: str | None, result: dict[str, Any] | None
) -> None:
    """The job has ended; what a runner says that has lost the job counts no longer."""
    job = tx.first(Job, id=job_id, runner=runner, state=JobState.RUNNING)
    if job is not None:
        _end(tx, job, state, error, result)


def give_up(tx: Tx, runners: Collection[str], *, blamed: bool = True) -> None:
    """These runners are dead: others take their jobs, but not one over which too many died.

    Not ``blamed`` on the jobs is that the server stopped.
    """
    for job in tx.find(Job, state=JobState.RUNNING, runner=list(runners)):
        _release(tx, job, blamed=blamed)


def sweep_jobs(tx: Tx) -> None:
    """Give up runners that were not heard of for ``RUNNER_TIMEOUT``."""
    for job in tx.find(Job, state=JobState.RUNNING, heartbeat_at=Between(at_most=tx.now - RUNNER_TIMEOUT)):
        _release(tx, job, blamed=True)


def sweep_finished(tx: Tx) -> None:
    """Forget jobs that ended long ago."""
    tx.delete(Job, finished_at=Between(at_most=tx.now - _KEPT))


def _release(tx: Tx, job: Job, *, blamed: bool) -> None:
    attempts = job.attempts + blamed
    if attempts >= _ATTEMPTS:
        message = f"the process that ran the job ended {attempts} times before the job did; see the server's log"
        _end(tx, replace(job, attempts=attempts), JobState.ERROR, message, None)
        return
    revoke_lent(tx, job.token_id)
    state = move(job.state, JobState.PENDING)
    nobody = replace(job, runner=None, heartbeat_at=None, token_id=None)
    tx.update(Job, job.id, lambda _: replace(nobody, state=state, attempts=attempts, done=0, failed=0))


def _end(tx: Tx, job: Job, state: JobState, error: str | None, result: dict[str, Any] | None) -> None:
    revoke_lent(tx, job.token_id)
    ended = replace(
        job,
        state=move(job.state, state),
        error=error,
        result=result,
        runner=None,
        heartbeat_at=None,
        token_id=None,
        finished_at=tx.now,
    )
    tx.update(Job, job.id, lambda _: ended)
