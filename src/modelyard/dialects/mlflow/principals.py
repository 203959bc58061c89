"""Users as this dialect names and shows them."""

from typing import Any

import msgspec

from modelyard.core.access.grants import Grant, ResourceType
from modelyard.core.access.permissions import Role
from modelyard.core.identity.entities import User
from modelyard.core.identity.users import find_by_login
from modelyard.core.kernel.errors import not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.tracking.experiments import tracking_workspace
from modelyard.core.tracking.limits import shortened


class Username(msgspec.Struct):
    """Which user."""

    username: str


def named(tx: Tx, username: str) -> User:
    """The user with this name; ``NOT_FOUND`` in the words that MLflow's clients look for."""
    user = find_by_login(tx, username)
    if user is None:
        raise not_found("User with", f"username={shortened(username)}")
    return user


def user_json(tx: Tx, user: User) -> dict[str, Any]:
    """A user with their own grants, which clients up to 3.12 read."""
    held = tx.find(Grant, subject_id=user.id)
    models = [grant for grant in held if grant.resource_type == ResourceType.MODEL]
    workspace = f"{tracking_workspace(tx)}/" if models else ""
    return {
        "id": user.id,
        "username": user.username,
        "is_admin": any(g.resource_type == ResourceType.PLATFORM and g.role == Role.ADMIN for g in held),
        "experiment_permissions": [
            experiment_grant_json(grant) for grant in held if grant.resource_type == ResourceType.EXPERIMENT
        ],
        "registered_model_permissions": [
            model_grant_json(grant) for grant in models if grant.resource_id.startswith(workspace)
        ],
        "scorer_permissions": [],  # 3.12 reads it without asking whether it is there
    }


def experiment_grant_json(grant: Grant) -> dict[str, Any]:
    """A grant on an experiment as MLflow writes it."""
    return {"experiment_id": grant.resource_id, "user_id": grant.subject_id, "permission": grant.role}


def model_grant_json(grant: Grant) -> dict[str, Any]:
    """A grant on a registered model as MLflow writes it."""
    name = grant.resource_id.partition("/")[2]
    return {"name": name, "user_id": grant.subject_id, "permission": grant.role}
