"""Returning to what was served before a rollout: a further revision, made by a person or for a guard."""

from dataclasses import replace
from typing import Any

from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.catalogue.entities import ModelConfig, ModelVersion
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import failed_precondition
from modelyard.core.kernel.store import Topic, Tx
from modelyard.core.serving.entities import Deployment, PipelineVersion
from modelyard.core.serving.events import note_event
from modelyard.core.serving.pipelines import may_serve, pipeline_at
from modelyard.core.serving.rollout.counting import count_only
from modelyard.core.serving.rollout.entities import Rollout
from modelyard.core.serving.rollout.rollouts import end_rollout, guard_of, newest_rollout
from modelyard.core.serving.rollout.states import RolloutState
from modelyard.core.serving.settling import settle
from modelyard.core.serving.states import SERVED, DeploymentState, move

_REVERSIBLE = (RolloutState.BAKING, RolloutState.KEPT)


def roll_back(tx: Tx, actor: Actor, slug: str, name: str) -> Rollout:
    """Serve again what was served before the current revision, by hand; ``FAILED_PRECONDITION`` when nothing was."""
    pipeline = pipeline_at(tx, actor, slug, name, Permission.PIPELINE_DEPLOY)
    deployment = tx.first(Deployment, pipeline_id=pipeline.id)
    if deployment is None or deployment.state not in SERVED:
        raise failed_precondition(f"{name} is not deployed: there is nothing to roll back")
    rollout = newest_rollout(tx, deployment)
    if rollout is None or rollout.to_revision != deployment.revision or rollout.state not in _REVERSIBLE:
        raise failed_precondition(
            f"revision {deployment.revision} of {name} took the place of nothing that could come back; "
            "deploy the version that you want"
        )
    models = tx.find(ModelVersion, id=[model["version_id"] for model in rollout.models])
    if not all(may_serve(tx, actor, deployment.workspace_id, model) for model in models) or not is_there(tx, rollout):
        raise failed_precondition(f"what revision {rollout.from_revision} of {name} served is gone; deploy another one")
    return go_back(tx, actor, deployment, rollout, f"by hand, by {actor.username}")


def go_back(tx: Tx, actor: Actor, deployment: Deployment, rollout: Rollout, reason: str) -> Rollout:
    """The deployment gets a further revision, which serves what was served before the rollout and is not on trial."""
    changed = tx.update(Deployment, deployment.id, lambda old: _returned(tx, old, rollout))
    ended = end_rollout(tx, rollout, RolloutState.ROLLED_BACK, reason, changed.revision)
    if guard_of(tx, deployment.pipeline_id) is not None:
        count_only(tx, deployment.id, changed.revision)
    tx.touch(Topic.ROUTES)
    said = f"revision {rollout.to_revision} is rolled back to {rollout.from_revision}, as {changed.revision}: {reason}"
    note_event(tx, deployment.workspace_id, deployment.pipeline_id, said)
    settle(tx, changed)
    place: dict[str, Any] = {
        "workspace_id": deployment.workspace_id,
        "pipeline_id": deployment.pipeline_id,
        "name": deployment.name,
    }
    revisions: dict[str, Any] = {"from": rollout.to_revision, "to": rollout.from_revision, "revision": changed.revision}
    record(tx, actor, Action.ROLL_BACK, "deployment", deployment.id, **place, **revisions, reason=reason)
    return ended


def is_there(tx: Tx, rollout: Rollout) -> bool:
    """Whether what the rollout would return to can still be served."""
    if tx.get(PipelineVersion, rollout.from_version_id) is None:
        return False
    return all(
        tx.get(ModelVersion, model["version_id"]) is not None and tx.get(ModelConfig, model["config_id"]) is not None
        for model in rollout.models
    )


def _returned(tx: Tx, old: Deployment, rollout: Rollout) -> Deployment:
    return replace(
        old,
        pipeline_version_id=rollout.from_version_id,
        state=move(old.state, DeploymentState.STARTING),
        error=None,
        revision=old.revision + 1,
        models=rollout.models,
        plan=rollout.plan,
        engine_config=rollout.engine_config,
        updated_at=tx.now,
    )
