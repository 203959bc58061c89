"""Tracked things as resources of grants. None of them need exist."""

from modelyard.core.access.granting import Resource
from modelyard.core.access.grants import ResourceType, in_workspace
from modelyard.core.kernel.store import Tx
from modelyard.core.tracking.entities import Experiment
from modelyard.core.tracking.experiments import tracking_workspace


def experiment_resource(tx: Tx, experiment_id: str) -> Resource:
    """An experiment by its id, or with ``*`` all of them."""
    found = tx.get(Experiment, experiment_id)
    return Resource(ResourceType.EXPERIMENT, experiment_id, found.workspace_id if found else tracking_workspace(tx))


def model_resource(tx: Tx, name: str) -> Resource:
    """A registered model by its name, or with ``*`` all of them."""
    workspace_id = tracking_workspace(tx)
    return Resource(ResourceType.MODEL, in_workspace(workspace_id, name), workspace_id)


def workspace_resource(tx: Tx) -> Resource:
    """The workspace of all that is tracked without naming one."""
    workspace_id = tracking_workspace(tx)
    return Resource(ResourceType.WORKSPACE, str(workspace_id), workspace_id)
