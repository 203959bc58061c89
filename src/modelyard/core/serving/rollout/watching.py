"""Watching over what is on trial: once a second, by whichever process controls the server, or by several."""

from dataclasses import replace

from modelyard.core.audit.chain import SERVER
from modelyard.core.kernel.store import Store, Tx
from modelyard.core.serving.entities import Deployment, Worker
from modelyard.core.serving.events import note_event
from modelyard.core.serving.rollout.counting import counts_of
from modelyard.core.serving.rollout.deciding import Decision, Trial, decide
from modelyard.core.serving.rollout.entities import Rollout
from modelyard.core.serving.rollout.returning import go_back, is_there
from modelyard.core.serving.rollout.rollouts import end_rollout, guard_of
from modelyard.core.serving.rollout.states import RolloutState
from modelyard.core.serving.rollout.trials import on_trial
from modelyard.core.serving.states import SERVED, DeploymentState


def watch_rollouts(store: Store) -> None:
    """Judge everything that is on trial. Blocking."""
    for key in store.run_read(on_trial):
        store.run_write(judge, key)


def judge(tx: Tx, rollout_id: int) -> None:
    """Keep what is on trial, or return to what was before, or wait: whole, or not at all, and only once."""
    found = tx.get(Rollout, rollout_id)
    if found is None or found.state != RolloutState.BAKING:
        return
    deployment = tx.get(Deployment, found.deployment_id)
    guard = guard_of(tx, found.pipeline_id)
    if deployment is None or guard is None or not _is_current(deployment, found):
        end_rollout(tx, found, RolloutState.SUPERSEDED, "it is served no longer, or nobody watches over it")
        return
    rollout = _seen_serving(tx, deployment, found)
    before = counts_of(tx, deployment.id, rollout.from_revision)
    since = counts_of(tx, deployment.id, rollout.to_revision)
    verdict = decide(guard, _trial(tx, deployment, rollout), before, since)
    if verdict.decision is Decision.KEEP:
        _keep(tx, rollout, verdict.reason)
    elif verdict.decision is Decision.ROLL_BACK and is_there(tx, rollout):
        go_back(tx, SERVER, deployment, rollout, verdict.reason)
    elif verdict.decision is Decision.ROLL_BACK:
        _keep(tx, rollout, f"{verdict.reason}; but what was served before is gone")


def _is_current(deployment: Deployment, rollout: Rollout) -> bool:
    return deployment.revision == rollout.to_revision and deployment.state in SERVED


def _seen_serving(tx: Tx, deployment: Deployment, rollout: Rollout) -> Rollout:
    """The rollout, with the time when its revision was first seen to be served by all workers."""
    if rollout.serving_at is not None or deployment.state != DeploymentState.RUNNING:
        return rollout
    return tx.update(Rollout, rollout.id, lambda old: replace(old, serving_at=tx.now))


def _trial(tx: Tx, deployment: Deployment, rollout: Rollout) -> Trial:
    """How it stands; time without a worker, as between two starts of the server, does not count."""
    workers = [at for (at,) in tx.values(Worker, ("started_at",))]
    if not workers:
        return Trial(0.0, None)
    began = min(workers)
    serving = (tx.now - max(rollout.serving_at, began)).total_seconds() if rollout.serving_at else None
    error = (deployment.error or "no reason was told") if deployment.state == DeploymentState.ERROR else None
    return Trial((tx.now - max(rollout.started_at, began)).total_seconds(), serving, error)


def _keep(tx: Tx, rollout: Rollout, reason: str) -> None:
    ended = end_rollout(tx, rollout, RolloutState.KEPT, reason)
    note_event(tx, ended.workspace_id, ended.pipeline_id, f"revision {ended.to_revision} is kept: {reason}")
