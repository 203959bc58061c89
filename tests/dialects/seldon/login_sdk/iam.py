"""Users, groups and policies, as their administrators keep them."""

import json

from seldon_deploy_sdk import (
    ApiClient,
    PermissionManagementServiceApi,
    V1CreateGroupRequest,
    V1CreateUserRequest,
    V1GroupPolicy,
    V1Policy,
    V1ResourceActionPair,
    V1UserPolicy,
)
from seldon_deploy_sdk.auth import OIDCAuthenticator
from seldon_deploy_sdk.rest import ApiException
from sign_in import configuration


def api_of(given):
    """The API as who signs in."""
    config = configuration(given)
    config.id_token = OIDCAuthenticator(config).authenticate()
    return PermissionManagementServiceApi(ApiClient(config))


def said(call, *args, **options):
    """The status and message of a call that is refused."""
    try:
        call(*args, **options)
    except ApiException as error:
        return [error.status, json.loads(error.body)["message"]]
    return None


def rights(answer):
    """Actions and resources."""
    return [[each.action, each.resource] for each in answer.permissions or []]


def people(given):
    """Users and groups from the first to the last call."""
    api, user, group = api_of(given), given["user"], given["group"]
    created = api.permission_management_service_create_user(
        V1CreateUserRequest(username=user, email=f"{user}@example.com", first_name="Ada", last_name="King")
    )
    found = api.permission_management_service_get_users(username=user, first_name="ada").users
    api.permission_management_service_create_group(V1CreateGroupRequest(name=group))
    api.permission_management_service_add_user_to_group(user, group)
    api.permission_management_service_add_user_to_group(user, group)
    members = api.permission_management_service_get_group_members(group).members
    groups_of_user = api.permission_management_service_get_user_groups(user).groups
    reset = api.permission_management_service_reset_user_password(user)
    api.permission_management_service_delete_user_from_group(user, group)
    left = api.permission_management_service_get_group_members(group).members
    groups = [each.name for each in api.permission_management_service_get_groups().groups]
    api.permission_management_service_delete_group(group)
    api.permission_management_service_delete_user(user)
    return {
        "created": created,
        "found": [[each.username, each.email, each.first_name, each.enabled] for each in found],
        "since": str(found[0].creation_time),
        "members": [each.username for each in members],
        "groups_of_user": [each.name for each in groups_of_user],
        "reset": reset,
        "left": left,
        "listed": group in groups,
        "gone": [
            said(api.permission_management_service_delete_user, user),
            said(api.permission_management_service_delete_group, group),
        ],
    }


def policy(given):
    """Give, ask for and take rights; each step is named in ``given["steps"]``."""
    api = api_of(given)
    return [_STEPS[step["do"]](api, step) for step in given["steps"]]


def _give(api, step):
    pair = V1ResourceActionPair(action=step["action"], resource=step["resource"])
    users = [V1UserPolicy(user=name, permission=pair) for name in step.get("users", [])]
    groups = [V1GroupPolicy(group=name, permission=pair) for name in step.get("groups", [])]
    return said(api.permission_management_service_create_policy, V1Policy(user_grants=users, group_grants=groups))


def _take(api, step):
    who = {name: step[name] for name in ("users", "groups") if name in step}
    return said(api.permission_management_service_delete_policy, step["action"], step["resource"], **who)


def _permissions(api, step):
    who = {name: step[name] for name in ("users", "groups", "caller_permissions") if name in step}
    try:
        return rights(api.permission_management_service_get_permissions(**who))
    except ApiException as error:
        return [error.status, json.loads(error.body)["message"]]


def _targets(api, step):
    found = api.permission_management_service_get_policy_targets(step["action"], step["resource"])
    return [found.users or [], found.groups or []]


_STEPS = {"give": _give, "take": _take, "permissions": _permissions, "targets": _targets}
