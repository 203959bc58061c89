"""What must be there before anybody tracks: a workspace, the default experiment, and what holds without a grant."""

from modelyard.core.access.grants import ANY, Grant, ResourceType, in_workspace, new_grant
from modelyard.core.access.permissions import LEVELS, Role
from modelyard.core.catalogue.entities import Workspace
from modelyard.core.catalogue.workspaces import new_workspace
from modelyard.core.identity.entities import User
from modelyard.core.kernel.actor import EVERYONE
from modelyard.core.kernel.store import Topic, Tx
from modelyard.core.tracking.clock import milliseconds
from modelyard.core.tracking.entities import DEFAULT_EXPERIMENT, Experiment, Lifecycle

_WORKSPACE = "mlflow"


def ensure_tracking(tx: Tx, default_permission: Role) -> None:
    """Make what is missing, and let ``default_permission`` hold for everyone where no other grant speaks.

    NO_PERMISSIONS means none. The level is kept as grants to everyone on all experiments and on all registered models
    of the tracking workspace, so that there is one rule for all access.
    """
    experiment = tx.get(Experiment, DEFAULT_EXPERIMENT) or _first_experiment(tx)
    level = default_permission if default_permission in LEVELS else None
    everything = (ResourceType.EXPERIMENT, ANY), (ResourceType.MODEL, in_workspace(experiment.workspace_id, ANY))
    for kind, pattern in everything:
        held = tx.first(Grant, subject_id=EVERYONE, resource_type=str(kind), resource_id=pattern)
        if held is not None and held.role == level:
            continue
        tx.delete(Grant, subject_id=EVERYONE, resource_type=str(kind), resource_id=pattern)
        if level is not None:
            tx.insert(new_grant(EVERYONE, kind, pattern, level, tx.now))
        tx.touch(Topic.ACCESS)


def _first_experiment(tx: Tx) -> Experiment:
    owner = tx.first(User, order_by="created_at")
    maker = owner.id if owner else ""
    name, number = _WORKSPACE, 1
    while tx.first(Workspace, name=name) is not None:
        number += 1
        name = f"{_WORKSPACE} {number}"
    workspace = tx.insert(new_workspace(tx, name, maker))
    now = milliseconds(tx.now)
    location = f"mlflow-artifacts:/{DEFAULT_EXPERIMENT}"
    first = Experiment(DEFAULT_EXPERIMENT, workspace.id, "Default", location, Lifecycle.ACTIVE, now, now, maker)
    return tx.insert(first)
