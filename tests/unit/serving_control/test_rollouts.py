"""Rollouts of deployments: what is on trial is kept or rolled back, once, and what is good comes back."""

from pathlib import Path
from typing import Any

import pytest
from test_reconcile import House, Process

from clock import Clock
from modelyard.core.audit.entities import AuditEntry
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.deployments import Deploy, deploy, get_status, namespace, redeploy
from modelyard.core.serving.entities import Deployment, DeploymentEvent, PipelineVersion
from modelyard.core.serving.pipelines import delete_pipeline_versions
from modelyard.core.serving.removal import delete_model_versions
from modelyard.core.serving.rollout.counting import RolloutCounter, add_counts, counted_revisions, counts_of
from modelyard.core.serving.rollout.counts import Counts
from modelyard.core.serving.rollout.entities import RevisionCount, Rollout
from modelyard.core.serving.rollout.guards import Terms, get_guard, remove_guard, set_guard
from modelyard.core.serving.rollout.returning import roll_back
from modelyard.core.serving.rollout.rollouts import KEPT, list_rollouts, told
from modelyard.core.serving.rollout.watching import watch_rollouts
from modelyard.core.serving.states import DeploymentState
from modelyard.core.serving.workers import remove_workers
from modelyard.storage.store import SqlStore

TERMS = Terms(bake_seconds=60, load_seconds=30)
FAILING = Counts(100, 50, 100, 0, {20: 50})


class Stand(House):
    """A house with a deployment ``p`` that serves version 0 in one worker, guarded."""

    def __init__(self, store: SqlStore, folder: Path, clock: Clock) -> None:
        super().__init__(store, folder)
        self.clock = clock
        self.worker = Process(self, "a")
        self.deployment = self.deploy("p", 0)
        self.worker.reconcile()
        self.guard()

    def guard(self, terms: Terms = TERMS) -> None:
        self.store.run_write(set_guard, self.actor, "w", "p", terms)

    def now_serves(self, version: int) -> Deployment:
        found = self.deploy("p", version)
        self.worker.reconcile()
        return found

    def say(self, revision: int, counts: Counts = FAILING) -> None:
        self.store.run_write(add_counts, {(self.deployment.id, revision): counts})

    def watch(self, **after: float) -> Rollout:
        self.clock.advance(**after)
        watch_rollouts(self.store)
        return self.rollouts()[0]

    def rollouts(self) -> list[Rollout]:
        return self.store.run_read(list_rollouts, self.actor, "w", "p")

    def current(self) -> Deployment:
        found = self.store.run_read(lambda tx: tx.get(Deployment, self.deployment.id))
        assert found is not None
        return found

    def events(self) -> list[str]:
        return [event.message for event in self.store.run_read(lambda tx: tx.find(DeploymentEvent))]

    def audited(self, action: str) -> list[AuditEntry]:
        return self.store.run_read(lambda tx: tx.find(AuditEntry, action=action))


@pytest.fixture
def stand(store: SqlStore, tmp_path: Path, clock: Clock) -> Stand:
    return Stand(store, tmp_path / "blobs", clock)


def test_a_revision_that_fails_is_followed_by_one_that_serves_what_was(stand: Stand) -> None:
    stand.now_serves(1)
    assert stand.watch(seconds=1).state == "BAKING"
    stand.say(2)
    rollout = stand.watch(seconds=1)
    assert (rollout.state, rollout.back_revision) == ("ROLLED_BACK", 3)
    assert rollout.reason == "error rate 50.0 % of 100 requests, at most 5 % allowed"
    now = stand.current()
    assert (now.revision, now.models, now.plan) == (3, stand.deployment.models, stand.deployment.plan)
    assert now.pipeline_version_id == stand.deployment.pipeline_version_id
    stand.worker.reconcile()
    assert stand.state(now) is DeploymentState.RUNNING
    assert stand.watch(seconds=500).state == "ROLLED_BACK"
    assert stand.current().revision == 3
    assert f"revision 2 is rolled back to 1, as 3: {rollout.reason}" in stand.events()
    (entry,) = stand.audited("deployment.rollback")
    assert (entry.actor_name, entry.details["reason"], entry.details["revision"]) == ("server", rollout.reason, 3)
    status = stand.store.run_read(get_status, stand.actor, namespace(now))
    assert told(now, status.rollout) == f"revision 2 was rolled back to 1: {rollout.reason}"


def test_a_rollback_is_not_on_trial_itself(stand: Stand) -> None:
    stand.now_serves(1)
    stand.say(2)
    stand.watch()
    stand.worker.reconcile()
    stand.say(3)
    stand.watch(seconds=500)
    assert [rollout.to_revision for rollout in stand.rollouts()] == [2]
    assert stand.current().revision == 3


def test_what_held_for_its_time_is_kept_and_counted_on(stand: Stand) -> None:
    stand.now_serves(1)
    assert stand.watch().serving_at == stand.clock.now
    stand.say(2, Counts(100, 1, 100, 0, {20: 99}))
    assert stand.watch(seconds=59).state == "BAKING"
    kept = stand.watch(seconds=1)
    assert (kept.state, kept.reason) == ("KEPT", "it held for 60 s: 100 requests, error rate 1.0 %")
    stand.say(2)
    stand.watch(seconds=1)
    assert stand.current().revision == 2


def test_what_cannot_be_loaded_is_rolled_back(stand: Stand) -> None:
    stand.broken.add(stand.versions[1]["sha"])
    stand.now_serves(1)
    assert stand.current().state == "ERROR"
    rollout = stand.watch(seconds=1)
    assert rollout.reason == "it cannot be served: this model is broken"
    stand.worker.reconcile()
    assert stand.state(stand.deployment) is DeploymentState.RUNNING


def test_what_is_not_ready_in_time_is_rolled_back_but_time_without_workers_does_not_count(stand: Stand) -> None:
    stand.deploy("p", 1)
    stand.store.run_write(remove_workers, ["a"])
    assert stand.watch(seconds=500).state == "BAKING"
    stand.worker = Process(stand, "b")
    stand.deploy("p", 0)
    stand.deploy("p", 1)
    assert stand.watch(seconds=30).state == "BAKING"
    assert stand.watch(seconds=1).reason == "it was not ready within 30 s"


def test_redeploys_in_a_row_return_to_the_last_one_that_was_good(stand: Stand) -> None:
    stand.now_serves(1)
    config = {"engine": {"cpu": 1}}
    version = stand.current().pipeline_version_id
    again = stand.store.run_write(deploy, stand.actor, Deploy("p", version_id=version, engine_config=config))
    stand.worker.reconcile()
    newest, first = stand.rollouts()
    assert (first.state, first.reason) == ("SUPERSEDED", "revision 3 took its place")
    assert (newest.from_revision, newest.to_revision, newest.state) == (1, 3, "BAKING")
    stand.say(again.revision)
    assert stand.watch().back_revision == 4
    now = stand.current()
    assert (now.models, now.engine_config) == (stand.deployment.models, {})


def test_going_back_by_deploying_what_was_good_begins_no_trial(stand: Stand) -> None:
    stand.now_serves(1)
    stand.now_serves(0)
    (only,) = stand.rollouts()
    assert only.state == "SUPERSEDED"
    stand.store.run_write(redeploy, stand.actor, stand.deployment.id)
    assert len(stand.rollouts()) == 1


def test_a_guard_that_goes_keeps_what_is_on_trial(stand: Stand) -> None:
    stand.now_serves(1)
    stand.say(2)
    stand.store.run_write(remove_guard, stand.actor, "w", "p")
    kept = stand.watch(seconds=1)
    assert (kept.state, kept.reason) == ("KEPT", "the guard was removed")
    assert stand.current().revision == 2
    assert stand.store.run_read(counted_revisions) == {}
    stand.guard()
    stand.now_serves(0)
    stand.guard(Terms(enabled=False))
    assert stand.watch().reason == "the guard was switched off"
    assert [entry.details["enabled"] for entry in stand.audited("deployment.guard")] == [True, None, True, False]
    stand.store.run_write(remove_guard, stand.actor, "w", "p")
    stand.store.run_write(remove_guard, stand.actor, "w", "p")
    assert len(stand.audited("deployment.guard")) == 5
    assert not stand.store.run_read(get_guard, stand.actor, "w", "p").enabled


def test_terms_that_change_in_between_count_at_once(stand: Stand) -> None:
    stand.now_serves(1)
    stand.say(2, Counts(100, 4, 100, 0, {20: 96}))
    assert stand.watch().state == "BAKING"
    stand.guard(Terms(max_error_rate=0.03))
    assert stand.watch().state == "ROLLED_BACK"


def test_what_is_stopped_is_not_on_trial(stand: Stand) -> None:
    stand.now_serves(1)
    stand.undeploy(stand.deployment)
    (ended,) = stand.rollouts()
    assert (ended.state, ended.reason) == ("SUPERSEDED", "the deployment was stopped")
    stand.worker.reconcile()
    stand.now_serves(0)
    assert len(stand.rollouts()) == 1  # nothing was served before


def test_what_may_have_to_come_back_is_not_removed(stand: Stand) -> None:
    stand.now_serves(1)
    version = stand.store.run_read(lambda tx: tx.get(PipelineVersion, stand.deployment.pipeline_version_id))
    assert version is not None
    for remove, uuid in (
        (delete_pipeline_versions, version.version),
        (delete_model_versions, stand.versions[0]["version"]),
    ):
        with pytest.raises(DomainError) as caught:
            stand.store.run_write(remove, stand.actor, [uuid])
        assert caught.value.kind is ErrorKind.CONFLICT
    stand.watch()
    assert stand.watch(seconds=60).state == "KEPT"
    stand.store.run_write(delete_pipeline_versions, stand.actor, [version.version])
    with pytest.raises(DomainError, match="what revision 1 of p served is gone"):
        stand.store.run_write(roll_back, stand.actor, "w", "p")


def test_rolling_back_by_hand_works_while_on_trial_and_later_and_without_a_guard(stand: Stand) -> None:
    stand.now_serves(1)
    assert stand.store.run_write(roll_back, stand.actor, "w", "p").reason == "by hand, by owner"
    with pytest.raises(DomainError, match="revision 3 of p took the place of nothing that could come back") as caught:
        stand.store.run_write(roll_back, stand.actor, "w", "p")
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    stand.store.run_write(remove_guard, stand.actor, "w", "p")
    stand.now_serves(1)
    assert (stand.rollouts()[0].state, stand.rollouts()[0].reason) == ("KEPT", "no guard watched over it")
    back = stand.store.run_write(roll_back, stand.actor, "w", "p")
    assert (back.state, back.from_revision, back.back_revision) == ("ROLLED_BACK", 3, 5)
    assert stand.current().models == stand.deployment.models
    stand.undeploy(stand.deployment)
    with pytest.raises(DomainError, match="is not deployed"):
        stand.store.run_write(roll_back, stand.actor, "w", "p")


def test_only_the_newest_rollouts_are_kept(stand: Stand) -> None:
    stand.store.run_write(remove_guard, stand.actor, "w", "p")
    versions = [stand.deploy("p", 1 - number % 2).pipeline_version_id for number in range(2)]
    for number in range(KEPT + 2):
        stand.store.run_write(deploy, stand.actor, Deploy("p", version_id=versions[number % 2]))
    found = [rollout.to_revision for rollout in stand.rollouts()]
    assert found == list(range(KEPT + 5, 5, -1))


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"bake_seconds": 0}, "bake_seconds must be from 1 to 604800; it was 0"),
        ({"load_seconds": 10**9}, "load_seconds"),
        ({"min_requests": 0}, "min_requests"),
        ({"max_error_rate": 1.5}, "max_error_rate must be from 0 to 1; it was 1.5"),
        ({"max_error_rate": float("nan")}, "max_error_rate"),
        ({"max_p99_ms": 0.0}, "max_p99_ms"),
        ({"max_latency_ratio": 0.5}, "max_latency_ratio must be from 1 to"),
        ({"max_failed_checks": -0.1}, "max_failed_checks"),
    ],
)
def test_terms_that_make_no_sense_are_refused(stand: Stand, terms: dict[str, Any], words: str) -> None:
    with pytest.raises(DomainError, match=words) as caught:
        stand.guard(Terms(**terms))
    assert caught.value.kind is ErrorKind.INVALID


def test_a_worker_writes_what_it_counted_once_of_both_revisions(stand: Stand) -> None:
    counter = RolloutCounter(stand.store, stand.worker.routes)
    (old,) = stand.worker.routes.all()
    old.tally.answered(5_000_000, 2, 1)
    counter.reload()
    stand.now_serves(1)
    counter.reload()
    (new,) = stand.worker.routes.all()
    assert new.tally is not old.tally
    for _ in range(3):
        new.tally.answered(9_000_000, 1)
    new.tally.failed()
    old.tally.answered(5_000_000, 2)  # it was under way while the other one took over
    for _ in range(3):
        counter.flush()
    before, since = (stand.store.run_read(counts_of, stand.deployment.id, revision) for revision in (1, 2))
    assert (before.requests, before.rows, before.failed_rows) == (2, 4, 1)
    assert (since.requests, since.failures, since.rows, sum(since.latency.values())) == (4, 1, 3, 3)


def test_what_is_not_on_trial_is_written_seldom_and_at_the_end(stand: Stand) -> None:
    counter = RolloutCounter(stand.store, stand.worker.routes)
    counter.reload()
    (route,) = stand.worker.routes.all()
    for _ in range(9):
        route.tally.answered(1, 1)
        counter.flush()
    assert stand.store.run_read(counts_of, stand.deployment.id, 1).requests == 0
    counter.flush()
    assert stand.store.run_read(counts_of, stand.deployment.id, 1).requests == 9
    route.tally.answered(1, 1)
    counter.close()
    assert stand.store.run_read(counts_of, stand.deployment.id, 1).requests == 10


def test_nothing_is_written_of_what_nobody_guards(stand: Stand) -> None:
    stand.store.run_write(remove_guard, stand.actor, "w", "p")
    counter = RolloutCounter(stand.store, stand.worker.routes)
    counter.reload()
    stand.worker.routes.all()[0].tally.failed()
    counter.close()
    assert stand.store.run_read(lambda tx: tx.find(RevisionCount)) == []
