"""Rollouts begin with a new revision and end once; what was served before can be returned to."""

from dataclasses import dataclass, replace
from typing import Any

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.store import Between, Tx
from modelyard.core.serving.entities import Deployment
from modelyard.core.serving.events import note_event
from modelyard.core.serving.pipelines import pipeline_at
from modelyard.core.serving.rollout.counting import count_only
from modelyard.core.serving.rollout.entities import Rollout, RolloutGuard
from modelyard.core.serving.rollout.states import RolloutState, move
from modelyard.core.serving.states import DeploymentState

KEPT = 100
"""So many of the newest rollouts are kept for each deployment."""
_PROVEN = (DeploymentState.STARTING, DeploymentState.RUNNING)


@dataclass(frozen=True, slots=True)
class _Served:
    """What a revision serves."""

    revision: int
    version_id: int
    models: list[dict[str, Any]]
    plan: dict[str, Any]
    engine_config: dict[str, Any]

    def is_also(self, other: "_Served") -> bool:
        """Whether the other revision serves the same, whatever the version of the pipeline is called."""
        return replace(self, revision=other.revision, version_id=other.version_id) == other


def begin_rollout(tx: Tx, old: Deployment | None, new: Deployment) -> None:
    """A deployment got a new revision, which is on trial if there is a guard. Part of deploying.

    What it is held against, and returned to, is the revision before; or, where that was on trial itself, the one that
    this would have been returned to.
    """
    guard = guard_of(tx, new.pipeline_id)
    before = _proven(tx, old) if old is not None else None
    if old is not None:
        end_trials(tx, old.id, RolloutState.SUPERSEDED, f"revision {new.revision} took its place")
    if guard is not None:
        count_only(tx, new.id, new.revision, *([before.revision] if before else []))
    if before is not None and not before.is_also(_served(new)):
        rollout = tx.insert(_begun(tx, before, new, guard))
        _trim(tx, new.id)
        if guard is not None:
            said = f"revision {rollout.to_revision} is on trial; revision {before.revision} comes back if it fails"
            note_event(tx, new.workspace_id, new.pipeline_id, said)


def end_trials(tx: Tx, deployment_id: int, state: RolloutState, reason: str) -> None:
    """What is on trial of the deployment is so no longer."""
    for rollout in tx.find(Rollout, deployment_id=deployment_id, state=RolloutState.BAKING):
        end_rollout(tx, rollout, state, reason)


def end_rollout(
    tx: Tx, rollout: Rollout, state: RolloutState, reason: str, back_revision: int | None = None
) -> Rollout:
    """The rollout has ended so; ``FAILED_PRECONDITION`` when it had ended otherwise before."""
    return tx.update(
        Rollout,
        rollout.id,
        lambda old: replace(
            old, state=move(old.state, state), reason=reason, back_revision=back_revision, ended_at=tx.now
        ),
    )


def list_rollouts(tx: Tx, actor: Actor, slug: str, name: str) -> list[Rollout]:
    """The rollouts of a pipeline's deployment, newest first."""
    pipeline = pipeline_at(tx, actor, slug, name, Permission.PIPELINE_READ)
    return tx.find(Rollout, order_by="-id", pipeline_id=pipeline.id)


def newest_rollout(tx: Tx, deployment: Deployment) -> Rollout | None:
    """The newest one of the deployment."""
    return tx.first(Rollout, order_by="-id", deployment_id=deployment.id)


def guard_of(tx: Tx, pipeline_id: int) -> RolloutGuard | None:
    """The guard of the pipeline's deployment, if it is on."""
    return tx.first(RolloutGuard, pipeline_id=pipeline_id, enabled=True)


def told(deployment: Deployment, rollout: Rollout | None) -> str | None:
    """What there is to say of the deployment's current revision, for people."""
    if rollout is None:
        return None
    if rollout.state == RolloutState.BAKING and rollout.to_revision == deployment.revision:
        return f"revision {rollout.to_revision} is on trial; revision {rollout.from_revision} comes back if it fails"
    if rollout.back_revision == deployment.revision:
        return f"revision {rollout.to_revision} was rolled back to {rollout.from_revision}: {rollout.reason}"
    return None


def _proven(tx: Tx, old: Deployment) -> _Served | None:
    """What is worth returning to."""
    trial = tx.first(Rollout, deployment_id=old.id, state=RolloutState.BAKING)
    if trial is not None:
        return _Served(trial.from_revision, trial.from_version_id, trial.models, trial.plan, trial.engine_config)
    return _served(old) if old.state in _PROVEN else None


def _served(deployment: Deployment) -> _Served:
    return _Served(
        deployment.revision,
        deployment.pipeline_version_id,
        deployment.models,
        deployment.plan,
        deployment.engine_config,
    )


def _begun(tx: Tx, before: _Served, new: Deployment, guard: RolloutGuard | None) -> Rollout:
    return Rollout(
        id=0,
        workspace_id=new.workspace_id,
        pipeline_id=new.pipeline_id,
        deployment_id=new.id,
        from_revision=before.revision,
        to_revision=new.revision,
        from_version_id=before.version_id,
        to_version_id=new.pipeline_version_id,
        models=before.models,
        plan=before.plan,
        engine_config=before.engine_config,
        state=RolloutState.BAKING if guard else RolloutState.KEPT,
        reason="" if guard else "no guard watched over it",
        back_revision=None,
        started_at=tx.now,
        serving_at=None,
        ended_at=None if guard else tx.now,
    )


def _trim(tx: Tx, deployment_id: int) -> None:
    newest = tx.find(Rollout, order_by="-id", limit=KEPT, deployment_id=deployment_id)
    if len(newest) == KEPT:
        tx.delete(Rollout, deployment_id=deployment_id, id=Between(at_most=newest[-1].id - 1))
