"""Jobs are taken by one runner at a time, given up when it dies, and done with what their owner may then."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from clock import Clock
from modelyard.artifacts.local import LocalArtifacts
from modelyard.core.access.permissions import Role
from modelyard.core.automation.ending import (
    RUNNER_TIMEOUT,
    finish_job,
    give_up,
    sweep_finished,
    sweep_jobs,
    waiting_jobs,
)
from modelyard.core.automation.entities import Job, JobKind
from modelyard.core.automation.jobs import Place, create_job, delete_job, get_job, list_jobs
from modelyard.core.automation.payloads import Manner
from modelyard.core.automation.running import beat, prepare_job, take_job
from modelyard.core.automation.states import JobState
from modelyard.core.catalogue.models import CheckedFile, NewVersion, record_upload
from modelyard.core.catalogue.workspaces import create_workspace
from modelyard.core.identity.access_tokens import find_token
from modelyard.core.identity.users import NewUser, add_user, load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Part
from modelyard.core.serving.deployments import Deploy, deploy, undeploy
from modelyard.core.serving.pipelines import create_pipeline
from modelyard.core.serving.signature import Signature, TensorSpec
from modelyard.storage.store import SqlStore

SIGNATURE = Signature((TensorSpec("x", "float32", (None, 2)),), (TensorSpec("y", "float32", (None, 1)),))


@dataclass(frozen=True)
class Desk:
    """A store with a deployed pipeline, and who owns it."""

    store: SqlStore
    actor: Actor
    place: Place
    deployment_id: int

    def ask(self, kind: JobKind = JobKind.BATCH) -> Job:
        return self.store.run_write(create_job, self.actor, self.place, kind, {"asked": "for"})

    def see(self, job: Job) -> Job:
        return self.store.run_read(get_job, self.actor, self.place, JobKind(job.kind), job.name)

    def token(self, secret_hash: str) -> object:
        return self.store.run_read(find_token, secret_hash)


@pytest.fixture
def desk(store: SqlStore, tmp_path: Path) -> Desk:
    user = store.run_write(add_user, NewUser("owner", None, None, (Role.USER,)))
    actor = store.run_read(load_actor, user.id, None)
    workspace = store.run_write(create_workspace, actor, "w")
    with LocalArtifacts(tmp_path / "blobs").upload(10) as incoming:
        incoming.write(b"x")
        sha = incoming.finish()
        incoming.keep()
    checked = CheckedFile(sha, 1, SIGNATURE.to_json())
    version = store.run_write(record_upload, actor, NewVersion(workspace.id, "m", "m.onnx"), checked)
    model = {"name": "m", "version": version.version, "sha": sha}
    definition = {"id": "p", "steps": [{"ModelInference": {"models": [model]}}]}
    made = store.run_write(create_pipeline, actor, workspace.id, "p", definition)
    deployment = store.run_write(deploy, actor, Deploy("p", version_id=made.id))
    return Desk(store, actor, Place(workspace.slug, "p"), deployment.id)


def test_the_oldest_job_is_taken_first_and_by_one_runner_alone(desk: Desk) -> None:
    first, second = desk.ask(), desk.ask(JobKind.LOAD_TEST)
    assert desk.store.run_read(waiting_jobs) == 2
    taken = [desk.store.run_write(take_job, name) for name in ("a", "b", "c")]
    assert [job and job.id for job in taken] == [first.id, second.id, None]
    assert (desk.see(first).state, desk.see(first).runner) == (JobState.RUNNING, "a")


def test_a_runner_that_is_not_heard_of_loses_its_job(desk: Desk, clock: Clock) -> None:
    job = desk.ask()
    desk.store.run_write(take_job, "a")
    clock.advance(seconds=RUNNER_TIMEOUT.seconds - 1)
    assert desk.store.run_write(beat, job.id, "a", 5, 1)
    clock.advance(seconds=RUNNER_TIMEOUT.seconds - 1)
    desk.store.run_write(sweep_jobs)
    assert (desk.see(job).state, desk.see(job).done, desk.see(job).failed) == (JobState.RUNNING, 5, 1)
    clock.advance(seconds=2)
    desk.store.run_write(sweep_jobs)
    assert (desk.see(job).state, desk.see(job).done, desk.see(job).attempts) == (JobState.PENDING, 0, 1)
    assert not desk.store.run_write(beat, job.id, "a", 9, 0)
    desk.store.run_write(take_job, "b")
    desk.store.run_write(finish_job, job.id, "a", JobState.SUCCEEDED, None, {})
    assert (desk.see(job).state, desk.see(job).runner) == (JobState.RUNNING, "b")


def test_a_job_over_which_three_runners_died_ends_but_a_stopping_server_is_no_blame(desk: Desk) -> None:
    job = desk.ask()
    for _ in range(5):
        desk.store.run_write(take_job, "a")
        desk.store.run_write(give_up, ["a"], blamed=False)
    assert (desk.see(job).state, desk.see(job).attempts) == (JobState.PENDING, 0)
    for _ in range(3):
        desk.store.run_write(take_job, "a")
        desk.store.run_write(give_up, ["a"])
    ended = desk.see(job)
    assert (ended.state, ended.attempts) == (JobState.ERROR, 3)
    assert "ended 3 times" in (ended.error or "")
    assert desk.store.run_write(take_job, "a") is None


@pytest.mark.parametrize("end", ["finish", "give up", "delete"])
def test_however_a_job_ends_the_token_it_was_lent_opens_nothing_any_more(desk: Desk, end: str) -> None:
    job = desk.store.run_write(
        lambda tx: (create_job(tx, desk.actor, desk.place, JobKind.BATCH, {}), take_job(tx, "a"))[1]
    )
    assert job is not None
    work = desk.store.run_write(prepare_job, job, "hash")
    assert (work.pipeline, work.inputs, work.manner) == ("p", SIGNATURE.inputs, Manner.OPEN_INFERENCE)
    assert desk.token("hash") is not None
    match end:
        case "finish":
            desk.store.run_write(finish_job, job.id, "a", JobState.SUCCEEDED, None, {})
        case "give up":
            desk.store.run_write(give_up, ["a"])
        case _:
            desk.store.run_write(delete_job, desk.actor, desk.place, JobKind.BATCH, job.name)
    assert desk.token("hash") is None


def test_a_job_of_what_is_not_deployed_is_not_begun(desk: Desk) -> None:
    desk.ask()
    job = desk.store.run_write(take_job, "a")
    desk.store.run_write(undeploy, desk.actor, deployment_id=desk.deployment_id)
    with pytest.raises(DomainError, match="p is not deployed"):
        desk.store.run_write(prepare_job, job, "hash")
    assert desk.token("hash") is None


def test_so_many_may_wait_and_no_more(desk: Desk) -> None:
    for _ in range(100):
        desk.ask()
    with pytest.raises(DomainError) as caught:
        desk.ask()
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION


def test_pages_hold_one_kind_newest_first(desk: Desk) -> None:
    made = [desk.ask(JobKind.BATCH) for _ in range(3)]
    desk.ask(JobKind.LOAD_TEST)
    page = desk.store.run_read(list_jobs, desk.actor, desk.place, JobKind.BATCH, Part(2, 1))
    assert ([job.id for job in page.jobs], page.total) == ([made[1].id, made[0].id], 3)


def test_jobs_that_ended_long_ago_are_forgotten(desk: Desk, clock: Clock) -> None:
    old, waiting = desk.ask(), desk.ask()
    desk.store.run_write(take_job, "a")
    desk.store.run_write(finish_job, old.id, "a", JobState.FAILED, "why", None)
    clock.advance(days=31)
    desk.store.run_write(sweep_finished)
    assert desk.see(waiting).state == JobState.PENDING
    with pytest.raises(DomainError):
        desk.see(old)
