"""Removing models, which what is deployed may stand in the way of."""

from modelyard.core.access.granting import sweep_grants
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.catalogue.entities import Model, ModelVersion
from modelyard.core.catalogue.models import described, own_model, remove_versions, versions_by_uuid, versions_of_model
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import conflict
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.entities import Deployment
from modelyard.core.serving.rollout.entities import Rollout
from modelyard.core.serving.rollout.states import RolloutState
from modelyard.core.serving.states import DeploymentState


def delete_model(tx: Tx, actor: Actor, workspace_id: int, name: str) -> list[ModelVersion]:
    """Remove a model with all its versions, and return them; ``CONFLICT`` while one is deployed."""
    model, versions = versions_of_model(tx, actor, workspace_id, name)
    refuse_deployed(tx, versions)
    remove_versions(tx, versions)
    tx.delete(Model, id=model.id)
    sweep_grants(tx, *own_model(model))
    uuids = [version.version for version in versions]
    record(tx, actor, Action.MODEL_DELETE, "model", model.id, workspace_id=workspace_id, name=name, versions=uuids)
    return versions


def delete_model_versions(tx: Tx, actor: Actor, uuids: list[str]) -> list[ModelVersion]:
    """Remove versions, and return them; ``CONFLICT`` while one is deployed."""
    versions = versions_by_uuid(tx, actor, uuids)
    refuse_deployed(tx, versions)
    remove_versions(tx, versions)
    for version in versions:
        record(tx, actor, Action.MODEL_DELETE, "model_version", version.id, **described(version))
    return versions


def deployed_versions(tx: Tx) -> set[int]:
    """The numbers of the model versions that deployments hold or may return to, in whichever workspace."""
    live = [state for state in DeploymentState if state is not DeploymentState.STOPPED]
    rows = tx.values(Deployment, ("models",), state=live)
    held = tx.values(Rollout, ("models",), state=RolloutState.BAKING)  # what may have to come back
    return {model["version_id"] for (models,) in rows + held for model in models}


def refuse_deployed(tx: Tx, versions: list[ModelVersion]) -> None:
    """``CONFLICT`` when one of the versions is deployed."""
    held = deployed_versions(tx)
    for version in versions:
        if version.id in held:
            raise conflict(f"version {version.version} of {version.name} is deployed; undeploy its pipeline first")
