"""Unified permissions and custom roles, through MLflow's client of 3.17.2; the same grants as everywhere else."""

import uuid
from typing import Any

import pytest
from auth_speaking import Call, Speaker
from test_auth_clients import fresh, person

from modelyard.client import Client
from running import RunningServer
from wire import Person, administrator


@pytest.fixture
def ann(new_admin: Speaker) -> Person:
    return person(new_admin)


def on(kind: str, which: str, who: Person) -> dict[str, Any]:
    """What names a permission in the unified methods."""
    return {"username": who.email, "resource_type": kind, "resource_id": which}


def effective(admin: Speaker, kind: str, which: str, who: Person) -> str:
    """The level that somebody has in the end."""
    return str(admin.auth("get_user_permission", **on(kind, which, who))["permission"])


def test_users_are_kept_as_with_older_clients(new_admin: Speaker, ann: Person) -> None:
    mine = new_admin.as_(ann)
    assert mine.auth("get_user", username=ann.email)["id"] == ann.id
    other = uuid.uuid4().hex
    asked = {"username": ann.email, "password": other}
    assert "current_password" in mine.refused("INVALID_PARAMETER_VALUE", "update_user_password", **asked)
    mine.refused("INVALID_PARAMETER_VALUE", "update_user_password", **asked, current_password="not the present one")
    same = {"username": ann.email, "password": ann.password, "current_password": ann.password}
    assert "differ" in mine.refused("INVALID_PARAMETER_VALUE", "update_user_password", **same)
    assert mine.auth("update_user_password", **asked, current_password=ann.password) is None
    mine.refused("UNAUTHENTICATED", "get_user", username=ann.email)
    assert new_admin.as_(Person(ann.id, ann.email, other)).auth("get_user", username=ann.email)["id"] == ann.id
    new_admin.auth("delete_user", username=ann.email)
    said = new_admin.refused("RESOURCE_DOES_NOT_EXIST", "get_user", username=ann.email)
    assert said == f"User with username={ann.email} not found"


@pytest.mark.parametrize("kind", ["experiment", "registered_model", "prompt"])
def test_a_permission_is_granted_shown_and_revoked(new_admin: Speaker, ann: Person, kind: str) -> None:
    which = fresh("thing")
    assert effective(new_admin, kind, which, ann) == "READ"  # what everyone may do
    assert new_admin.auth("grant_user_permission", **on(kind, which, ann), permission="EDIT") is None
    assert effective(new_admin, kind, which, ann) == effective(new_admin.as_(ann), kind, which, ann) == "EDIT"
    said = new_admin.refused(
        "RESOURCE_ALREADY_EXISTS", "grant_user_permission", **on(kind, which, ann), permission="READ"
    )
    assert "already" in said
    assert new_admin.auth("revoke_user_permission", **on(kind, which, ann)) is None
    new_admin.refused("RESOURCE_DOES_NOT_EXIST", "revoke_user_permission", **on(kind, which, ann))
    assert new_admin.auth("grant_user_permission", **on(kind, which, ann), permission="DENY") is None
    found = new_admin.auth("get_user_permission", **on(kind, which, ann))
    assert (found["allowed"], found["permission"]) == (False, "NO_PERMISSIONS")


def test_what_is_wrong_with_a_grant_is_told(new_admin: Speaker, ann: Person) -> None:
    thing = on("experiment", fresh("thing"), ann)
    for level in ("FLY", "NO_PERMISSIONS", "read", ""):
        said = new_admin.refused("INVALID_PARAMETER_VALUE", "grant_user_permission", **thing, permission=level)
        assert "Valid permissions are: READ, USE, EDIT, MANAGE, DENY" in said
    said = new_admin.refused(
        "INVALID_PARAMETER_VALUE", "grant_user_permission", **on("moon", "1", ann), permission="READ"
    )
    assert "Invalid resource_type 'moon'" in said
    unknown = thing | {"username": "never-was"}
    said = new_admin.refused("RESOURCE_DOES_NOT_EXIST", "grant_user_permission", **unknown, permission="READ")
    assert said == "User with username=never-was not found"
    mine = new_admin.as_(ann)
    mine.refused("PERMISSION_DENIED", "grant_user_permission", **thing, permission="MANAGE")
    mine.refused("PERMISSION_DENIED", "revoke_user_permission", **thing)
    mine.refused("PERMISSION_DENIED", "grant_user_permission", **on("experiment", "*", ann), permission="MANAGE")
    mine.refused("PERMISSION_DENIED", "grant_user_permission", **on("workspace", "*", ann), permission="MANAGE")
    mine.refused("PERMISSION_DENIED", "get_user_permission", **thing | {"username": "admin"})


def test_both_generations_of_clients_show_the_same_grant(new_admin: Speaker, mlflow_312: Call, ann: Person) -> None:
    old, which = Speaker(mlflow_312, new_admin.who), fresh("thing")
    new_admin.auth("grant_user_permission", **on("experiment", which, ann), permission="EDIT")
    asked = {"experiment_id": which, "username": ann.email}
    assert old.auth("get_experiment_permission", **asked)["permission"] == "EDIT"
    old.auth("update_experiment_permission", **asked, permission="NO_PERMISSIONS")
    assert effective(new_admin, "experiment", which, ann) == "NO_PERMISSIONS"
    new_admin.auth("revoke_user_permission", **on("experiment", which, ann))
    old.refused("RESOURCE_DOES_NOT_EXIST", "get_experiment_permission", **asked)


def test_a_role_is_made_filled_assigned_changed_and_removed(new_admin: Speaker, ann: Person) -> None:
    name, which = fresh("role"), fresh("thing")
    role = new_admin.auth("create_role", workspace="default", name=name, description="reviewers")
    assert (role["name"], role["workspace"], role["description"], role["permissions"]) == (
        name,
        "default",
        "reviewers",
        [],
    )
    held = new_admin.auth(
        "add_role_permission",
        role_id=role["id"],
        resource_type="registered_model",
        resource_pattern=which,
        permission="EDIT",
    )
    assert (held["resource_type"], held["resource_pattern"], held["permission"]) == ("registered_model", which, "EDIT")
    assert new_admin.auth("list_role_permissions", role_id=role["id"]) == [held]
    given = new_admin.auth("assign_role", username=ann.email, role_id=role["id"])
    assert (given["user_id"], given["role_id"]) == (ann.id, role["id"])
    assert new_admin.auth("list_role_users", role_id=role["id"]) == [given]
    assert [each["name"] for each in new_admin.as_(ann).auth("list_user_roles", username=ann.email)] == [name]
    assert effective(new_admin, "registered_model", which, ann) == "EDIT"
    changed = new_admin.auth("update_role_permission", role_permission_id=held["id"], permission="MANAGE")
    assert changed["permission"] == "MANAGE"
    assert effective(new_admin, "registered_model", which, ann) == "MANAGE"
    new_admin.as_(ann).auth("grant_user_permission", **on("registered_model", which, ann), permission="USE")
    assert new_admin.auth("remove_role_permission", role_permission_id=held["id"]) is None
    assert effective(new_admin, "registered_model", which, ann) == "USE"
    assert new_admin.auth("update_role", role_id=role["id"], name=f"{name}-2")["name"] == f"{name}-2"
    assert new_admin.auth("get_role", role_id=role["id"])["description"] == "reviewers"
    assert f"{name}-2" in [each["name"] for each in new_admin.auth("list_roles", workspace="default")]
    assert f"{name}-2" in [each["name"] for each in new_admin.auth("list_all_roles")]
    assert new_admin.auth("unassign_role", username=ann.email, role_id=role["id"]) is None
    assert new_admin.as_(ann).auth("list_user_roles", username=ann.email) == []
    assert new_admin.auth("delete_role", role_id=role["id"]) is None
    new_admin.refused("RESOURCE_DOES_NOT_EXIST", "get_role", role_id=role["id"])


def test_what_is_wrong_with_a_role_is_told(new_admin: Speaker, ann: Person) -> None:
    name = fresh("role")
    role = new_admin.auth("create_role", workspace="default", name=name)
    new_admin.refused("RESOURCE_ALREADY_EXISTS", "create_role", workspace="default", name=name)
    new_admin.refused("INVALID_PARAMETER_VALUE", "create_role", workspace="default", name="")
    thing = {"role_id": role["id"], "resource_type": "experiment", "resource_pattern": "*"}
    new_admin.refused("INVALID_PARAMETER_VALUE", "add_role_permission", **thing, permission="FLY")
    new_admin.auth("add_role_permission", **thing, permission="READ")
    new_admin.refused("RESOURCE_ALREADY_EXISTS", "add_role_permission", **thing, permission="EDIT")
    new_admin.refused("RESOURCE_DOES_NOT_EXIST", "assign_role", username="never-was", role_id=role["id"])
    new_admin.refused("RESOURCE_DOES_NOT_EXIST", "assign_role", username=ann.email, role_id=987_654)
    new_admin.refused("RESOURCE_DOES_NOT_EXIST", "unassign_role", username=ann.email, role_id=role["id"])
    new_admin.auth("assign_role", username=ann.email, role_id=role["id"])
    new_admin.refused("RESOURCE_ALREADY_EXISTS", "assign_role", username=ann.email, role_id=role["id"])
    new_admin.refused("RESOURCE_DOES_NOT_EXIST", "remove_role_permission", role_permission_id=987_654)
    mine = new_admin.as_(ann)
    mine.refused("PERMISSION_DENIED", "create_role", workspace="default", name=fresh("role"))
    mine.refused("PERMISSION_DENIED", "assign_role", username=ann.email, role_id=role["id"])
    mine.refused("PERMISSION_DENIED", "add_role_permission", **thing, permission="MANAGE")
    mine.refused("PERMISSION_DENIED", "delete_role", role_id=role["id"])
    mine.refused("PERMISSION_DENIED", "list_user_roles", username="admin")
    new_admin.auth("delete_role", role_id=role["id"])


def test_a_workspace_manager_is_stopped_by_no_denial(new_admin: Speaker, ann: Person) -> None:
    which = fresh("thing")
    new_admin.auth("grant_user_permission", **on("experiment", which, ann), permission="DENY")
    new_admin.auth("grant_user_permission", **on("workspace", "*", ann), permission="MANAGE")
    assert effective(new_admin, "experiment", which, ann) == "MANAGE"
    new_admin.auth("revoke_user_permission", **on("workspace", "*", ann))
    assert effective(new_admin, "experiment", which, ann) == "NO_PERMISSIONS"


def test_a_denial_on_the_workspace_beats_what_everyone_may_do(new_admin: Speaker, ann: Person) -> None:
    which = fresh("thing")
    new_admin.auth("grant_user_permission", **on("workspace", "*", ann), permission="DENY")
    assert effective(new_admin, "experiment", which, ann) == "NO_PERMISSIONS"
    new_admin.auth("grant_user_permission", **on("experiment", which, ann), permission="USE")
    assert effective(new_admin, "experiment", which, ann) == "USE"


def test_the_native_api_explains_what_mlflows_client_granted(
    new_admin: Speaker, ann: Person, live_server: RunningServer
) -> None:
    which = fresh("thing")
    new_admin.auth("grant_user_permission", **on("registered_model", which, ann), permission="EDIT")
    with Client(live_server.url, token=administrator(live_server).token, environ={}) as client:
        found = client.access.explain(ann.email, "EDIT", f"model:mlflow/{which}")
    assert found.allowed
    assert found.grant is not None
    assert (found.grant.subject, found.grant.role) == (f"user:{ann.email}", "EDIT")
