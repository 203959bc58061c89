"""``/experiments/permissions/*`` and ``/registered-models/permissions/*``, as clients up to 3.12 call them."""

from collections.abc import Callable

import msgspec
from starlette.responses import Response

from modelyard.core.access import granting
from modelyard.core.access.granting import Resource, require_manager
from modelyard.core.access.grants import Grant
from modelyard.core.access.permissions import LEVELS, Permission, Role
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind, conflict, invalid, not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.tracking.limits import shortened
from modelyard.core.tracking.resources import experiment_resource, model_resource
from modelyard.dialects.mlflow.dialect import API, answer, body, mlflow, query
from modelyard.dialects.mlflow.principals import experiment_grant_json, model_grant_json, named
from modelyard.web.call import Call

_ACCEPTED = (*LEVELS, Role.NO_PERMISSIONS)
_EXPERIMENTS = f"{API}/experiments/permissions"
_MODELS = f"{API}/registered-models/permissions"

Find = Callable[[Tx, str], Resource]


class ExperimentUser(msgspec.Struct):
    """Which experiment, whose permission."""

    experiment_id: str
    username: str


class ExperimentLevel(ExperimentUser):
    """Which permission."""

    permission: str


class ModelUser(msgspec.Struct):
    """Which registered model, whose permission."""

    name: str
    username: str


class ModelLevel(ModelUser):
    """Which permission."""

    permission: str


@mlflow.post(f"{_EXPERIMENTS}/create", Permission.EXPERIMENT_MANAGE, body=ExperimentLevel)
async def create_experiment_permission(call: Call) -> Response:
    """Give a user a permission on an experiment."""
    asked = await body(call, ExperimentLevel)
    made = await call.services.store.write(
        _create, call.actor, experiment_resource, asked.experiment_id, asked.username, asked.permission
    )
    return answer({"experiment_permission": experiment_grant_json(made)})


@mlflow.get(f"{_EXPERIMENTS}/get", Permission.EXPERIMENT_MANAGE)
async def get_experiment_permission(call: Call) -> Response:
    """What a user was given on an experiment itself."""
    asked = query(call, ExperimentUser)
    found = await call.services.store.read(_get, call.actor, experiment_resource, asked.experiment_id, asked.username)
    return answer({"experiment_permission": experiment_grant_json(found)})


@mlflow.route("PATCH", f"{_EXPERIMENTS}/update", Permission.EXPERIMENT_MANAGE, body=ExperimentLevel)
async def update_experiment_permission(call: Call) -> Response:
    """Give a user another permission on an experiment."""
    asked = await body(call, ExperimentLevel)
    await call.services.store.write(
        _update, call.actor, experiment_resource, asked.experiment_id, asked.username, asked.permission
    )
    return answer()


@mlflow.route("DELETE", f"{_EXPERIMENTS}/delete", Permission.EXPERIMENT_MANAGE, body=ExperimentUser)
async def delete_experiment_permission(call: Call) -> Response:
    """Take away what a user was given on an experiment."""
    asked = await body(call, ExperimentUser)
    await call.services.store.write(_delete, call.actor, experiment_resource, asked.experiment_id, asked.username)
    return answer()


@mlflow.post(f"{_MODELS}/create", Permission.MODEL_MANAGE, body=ModelLevel)
async def create_registered_model_permission(call: Call) -> Response:
    """Give a user a permission on a registered model."""
    asked = await body(call, ModelLevel)
    made = await call.services.store.write(
        _create, call.actor, model_resource, asked.name, asked.username, asked.permission
    )
    return answer({"registered_model_permission": model_grant_json(made)})


@mlflow.get(f"{_MODELS}/get", Permission.MODEL_MANAGE)
async def get_registered_model_permission(call: Call) -> Response:
    """What a user was given on a registered model itself."""
    asked = query(call, ModelUser)
    found = await call.services.store.read(_get, call.actor, model_resource, asked.name, asked.username)
    return answer({"registered_model_permission": model_grant_json(found)})


@mlflow.route("PATCH", f"{_MODELS}/update", Permission.MODEL_MANAGE, body=ModelLevel)
async def update_registered_model_permission(call: Call) -> Response:
    """Give a user another permission on a registered model."""
    asked = await body(call, ModelLevel)
    await call.services.store.write(_update, call.actor, model_resource, asked.name, asked.username, asked.permission)
    return answer()


@mlflow.route("DELETE", f"{_MODELS}/delete", Permission.MODEL_MANAGE, body=ModelUser)
async def delete_registered_model_permission(call: Call) -> Response:
    """Take away what a user was given on a registered model."""
    asked = await body(call, ModelUser)
    await call.services.store.write(_delete, call.actor, model_resource, asked.name, asked.username)
    return answer()


def _create(tx: Tx, actor: Actor, find: Find, which: str, username: str, permission: str) -> Grant:  # as the body
    resource = find(tx, which)
    require_manager(tx, actor, resource)
    user, role = named(tx, username), _level(permission)
    try:
        return granting.grant(tx, actor, user.id, resource, role)
    except DomainError as error:
        if error.kind is ErrorKind.CONFLICT:
            raise conflict(f"{_what(resource)}{_words(resource, which, username)} already exists") from error
        raise


def _get(tx: Tx, actor: Actor, find: Find, which: str, username: str) -> Grant:
    resource = find(tx, which)
    require_manager(tx, actor, resource)
    found = granting.find_grant(tx, named(tx, username).id, resource)
    if found is None:
        raise not_found(_what(resource), _words(resource, which, username).strip())
    return found


def _update(tx: Tx, actor: Actor, find: Find, which: str, username: str, permission: str) -> None:
    found = _get(tx, actor, find, which, username)
    granting.change_grant(tx, actor, found.subject_id, find(tx, which), _level(permission))


def _delete(tx: Tx, actor: Actor, find: Find, which: str, username: str) -> None:
    found = _get(tx, actor, find, which, username)
    granting.revoke(tx, actor, found.subject_id, find(tx, which))


def _level(permission: str) -> Role:
    if permission not in _ACCEPTED:
        raise invalid(f"Invalid permission '{shortened(permission)}'. Valid permissions are: {', '.join(_ACCEPTED)}")
    return Role(permission)


def _what(resource: Resource) -> str:
    return f"{resource.kind.replace('_', ' ').capitalize()} permission"


def _words(resource: Resource, which: str, username: str) -> str:
    key = "experiment_id" if resource.kind == "experiment" else "name"
    return f" with {key}={shortened(which)} and username={shortened(username)}"
