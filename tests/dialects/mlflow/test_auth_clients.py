"""The thirteen methods of ``AuthServiceClient``: MLflow's own of 3.12.0, and ours, against a running server."""

import inspect
import uuid
from typing import Any

import pytest
from auth_speaking import Speaker

from modelyard.client import Client
from modelyard.client.errors import InvalidRequestError, UnreachableError
from modelyard.client.mlflow_auth import AuthServiceClient, AuthServiceError, User
from running import RunningServer
from wire import Person, administrator

METHODS = {
    "create_user": ["username", "password"],
    "get_user": ["username"],
    "update_user_password": ["username", "password"],
    "update_user_admin": ["username", "is_admin"],
    "delete_user": ["username"],
    **{f"{verb}_experiment_permission": ["experiment_id", "username"] for verb in ("get", "delete")},
    **{f"{verb}_experiment_permission": ["experiment_id", "username", "permission"] for verb in ("create", "update")},
    **{f"{verb}_registered_model_permission": ["name", "username"] for verb in ("get", "delete")},
    **{f"{verb}_registered_model_permission": ["name", "username", "permission"] for verb in ("create", "update")},
}
THINGS = {"experiment": "experiment_id", "registered_model": "name"}
MISSING = {
    "experiment": "Experiment permission with experiment_id={which} and username={who} not found",
    "registered_model": "Registered model permission with name={which} and username={who} not found",
}


def fresh(word: str = "u") -> str:
    return f"{word}-{uuid.uuid4().hex[:8]}"


def person(admin: Speaker) -> Person:
    """A new user."""
    name, password = fresh(), uuid.uuid4().hex
    made = admin.auth("create_user", username=name, password=password)
    return Person(made["id"], name, password)


@pytest.fixture
def ann(admin: Speaker) -> Person:
    return person(admin)


def test_our_client_has_the_methods_of_mlflows_and_says_what_they_do() -> None:
    public = {name: m for name, m in vars(AuthServiceClient).items() if not name.startswith("_")}
    assert {name: list(inspect.signature(method).parameters)[1:] for name, method in public.items()} == METHODS
    assert len(public) == 13
    assert all(len(inspect.getdoc(method) or "") > 40 for method in public.values())


def test_a_user_is_made_shown_changed_and_removed(admin: Speaker) -> None:
    name, password = fresh(), uuid.uuid4().hex
    made = admin.auth("create_user", username=name, password=password)
    assert (made["username"], made["is_admin"], made["password_hash"]) == (name, False, "REDACTED")
    mine = admin.as_(Person(made["id"], name, password))
    assert mine.auth("get_user", username=name) == admin.auth("get_user", username=name) == made
    assert admin.auth("update_user_admin", username=name, is_admin=True) is None
    assert mine.auth("get_user", username=name)["is_admin"] is True
    assert admin.auth("update_user_admin", username=name, is_admin=False) is None
    other = uuid.uuid4().hex
    assert admin.auth("update_user_password", username=name, password=other) is None
    mine.refused("UNAUTHENTICATED", "get_user", username=name)
    assert admin.as_(Person(made["id"], name, other)).auth("get_user", username=name) == made
    assert admin.auth("delete_user", username=name) is None
    assert admin.refused("RESOURCE_DOES_NOT_EXIST", "get_user", username=name) == f"User with username={name} not found"


@pytest.mark.parametrize("thing", THINGS)
def test_a_permission_is_given_shown_changed_and_taken(admin: Speaker, ann: Person, thing: str) -> None:
    which = {THINGS[thing]: fresh("thing"), "username": ann.email}
    given = admin.auth(f"create_{thing}_permission", **which, permission="READ")
    assert (given[THINGS[thing]], given["user_id"], given["permission"]) == (which[THINGS[thing]], ann.id, "READ")
    assert admin.auth(f"get_{thing}_permission", **which) == given
    shown = admin.auth("get_user", username=ann.email)
    assert shown[f"{thing}_permissions"] == [given]
    assert shown[f"{next(other for other in THINGS if other != thing)}_permissions"] == []
    for level in ("USE", "EDIT", "MANAGE", "NO_PERMISSIONS"):
        assert admin.auth(f"update_{thing}_permission", **which, permission=level) is None
        assert admin.auth(f"get_{thing}_permission", **which)["permission"] == level
    assert admin.auth(f"delete_{thing}_permission", **which) is None
    said = admin.refused("RESOURCE_DOES_NOT_EXIST", f"get_{thing}_permission", **which)
    assert said == MISSING[thing].format(which=which[THINGS[thing]], who=ann.email)


@pytest.mark.parametrize("thing", THINGS)
def test_what_is_wrong_with_a_permission_is_told(admin: Speaker, ann: Person, thing: str) -> None:
    name = fresh("thing")
    which: dict[str, Any] = {THINGS[thing]: name, "username": ann.email}
    unknown = which | {"username": "never-was"}
    for verb in ("create", "get", "update", "delete"):
        level = {"permission": "READ"} if verb in ("create", "update") else {}
        said = admin.refused("RESOURCE_DOES_NOT_EXIST", f"{verb}_{thing}_permission", **unknown, **level)
        assert said == "User with username=never-was not found"
    for verb in ("get", "update", "delete"):
        level = {"permission": "READ"} if verb == "update" else {}
        said = admin.refused("RESOURCE_DOES_NOT_EXIST", f"{verb}_{thing}_permission", **which, **level)
        assert said == MISSING[thing].format(which=name, who=ann.email)
    for level in ("FLY", "read", "", "DENY", "OWNER"):
        said = admin.refused("INVALID_PARAMETER_VALUE", f"create_{thing}_permission", **which, permission=level)
        assert "Valid permissions are: READ, USE, EDIT, MANAGE, NO_PERMISSIONS" in said
    admin.auth(f"create_{thing}_permission", **which, permission="EDIT")
    said = admin.refused("RESOURCE_ALREADY_EXISTS", f"create_{thing}_permission", **which, permission="READ")
    assert "already exists" in said
    admin.refused("INVALID_PARAMETER_VALUE", f"update_{thing}_permission", **which, permission="FLY")
    assert admin.auth(f"get_{thing}_permission", **which)["permission"] == "EDIT"


@pytest.mark.parametrize("thing", THINGS)
def test_only_who_manages_a_thing_sees_and_changes_its_permissions(admin: Speaker, ann: Person, thing: str) -> None:
    which = {THINGS[thing]: fresh("thing"), "username": ann.email}
    other = which | {"username": person(admin).email}
    admin.auth(f"create_{thing}_permission", **which, permission="EDIT")
    for verb in ("create", "get", "update", "delete"):
        level = {"permission": "MANAGE"} if verb in ("create", "update") else {}
        said = admin.as_(ann).refused("PERMISSION_DENIED", f"{verb}_{thing}_permission", **which, **level)
        assert said.startswith("Permission denied")
    admin.auth(f"update_{thing}_permission", **which, permission="MANAGE")
    assert admin.as_(ann).auth(f"create_{thing}_permission", **other, permission="READ")["permission"] == "READ"
    assert admin.as_(ann).auth(f"delete_{thing}_permission", **other) is None


def test_patterns_are_for_administrators(admin: Speaker, ann: Person) -> None:
    which = {"experiment_id": "987654*", "username": ann.email}
    admin.as_(ann).refused("PERMISSION_DENIED", "create_experiment_permission", **which, permission="READ")
    assert admin.auth("create_experiment_permission", **which, permission="READ")["experiment_id"] == "987654*"
    admin.auth("delete_experiment_permission", **which)


@pytest.mark.parametrize("password", ["", "short", "password1234", "1234567", "x\0" * 8])
def test_a_weak_password_makes_no_user_and_changes_none(admin: Speaker, ann: Person, password: str) -> None:
    name = fresh()
    assert admin.refused("INVALID_PARAMETER_VALUE", "create_user", username=name, password=password)
    admin.refused("RESOURCE_DOES_NOT_EXIST", "get_user", username=name)
    assert admin.refused("INVALID_PARAMETER_VALUE", "update_user_password", username=ann.email, password=password)
    assert admin.as_(ann).auth("get_user", username=ann.email)["id"] == ann.id


@pytest.mark.parametrize("name", ["", " ", "a b", "a\nb", "x" * 300])
def test_a_name_that_cannot_be_makes_no_user(admin: Speaker, name: str) -> None:
    assert admin.refused("INVALID_PARAMETER_VALUE", "create_user", username=name, password=uuid.uuid4().hex)


def test_a_taken_name_makes_no_user(admin: Speaker, ann: Person) -> None:
    for name in (ann.email, ann.email.upper()):
        said = admin.refused("RESOURCE_ALREADY_EXISTS", "create_user", username=name, password=uuid.uuid4().hex)
        assert "already exists" in said
    assert admin.as_(ann).auth("get_user", username=ann.email)["id"] == ann.id


def test_nobody_removes_or_demotes_themselves(admin: Speaker, root: Person) -> None:
    assert "yourself" in admin.refused("BAD_REQUEST", "delete_user", username=root.email)
    assert "yourself" in admin.refused("BAD_REQUEST", "update_user_admin", username=root.email, is_admin=False)
    assert admin.auth("get_user", username=root.email)["is_admin"] is True


def test_users_are_kept_by_administrators_alone(admin: Speaker, ann: Person) -> None:
    mine, other = admin.as_(ann), person(admin)
    mine.refused("PERMISSION_DENIED", "create_user", username=fresh(), password=uuid.uuid4().hex)
    for name in (other.email, "never-was"):
        mine.refused("PERMISSION_DENIED", "get_user", username=name)
        mine.refused("PERMISSION_DENIED", "delete_user", username=name)
        mine.refused("PERMISSION_DENIED", "update_user_admin", username=name, is_admin=True)
        mine.refused("PERMISSION_DENIED", "update_user_password", username=name, password=uuid.uuid4().hex)
    mine.refused("PERMISSION_DENIED", "update_user_admin", username=ann.email, is_admin=True)
    for verb in ("update_user_password", "update_user_admin", "delete_user"):
        given = {"password": uuid.uuid4().hex} if "password" in verb else {"is_admin": True} if "admin" in verb else {}
        said = admin.refused("RESOURCE_DOES_NOT_EXIST", verb, username="never-was", **given)
        assert said == "User with username=never-was not found"


def test_one_changes_ones_own_password_only_with_the_present_one(admin: Speaker, ann: Person) -> None:
    said = admin.as_(ann).refused(
        "INVALID_PARAMETER_VALUE", "update_user_password", username=ann.email, password=uuid.uuid4().hex
    )
    assert "current_password" in said


def test_a_wrong_password_is_unauthenticated(admin: Speaker, ann: Person) -> None:
    wrong = admin.as_(Person(ann.id, ann.email, "not the password"))
    assert wrong.refused("UNAUTHENTICATED", "get_user", username=ann.email).startswith("You are not authenticated.")


def test_our_client_signs_in_with_a_token(live_server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with Client(live_server.url, token=administrator(live_server).token, environ={}) as client:
        made = client.tokens.create(fresh("token"))
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_PASSWORD", raising=False)
    ours = AuthServiceClient(live_server.url)
    with pytest.raises(AuthServiceError) as caught:
        ours.get_user("admin")
    assert (caught.value.error_code, caught.value.status) == ("UNAUTHENTICATED", 401)
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", made.token)
    user = ours.get_user("admin")
    assert isinstance(user, User)
    assert (user.username, user.is_admin) == ("admin", True)
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "wrong, and comes before the token")
    with pytest.raises(AuthServiceError, match=r"^UNAUTHENTICATED: "):
        ours.get_user("admin")


def test_our_client_tells_what_is_no_answer(live_server: RunningServer) -> None:
    with pytest.raises(UnreachableError):
        AuthServiceClient("http://127.0.0.1:1").get_user("ann")
    with pytest.raises(InvalidRequestError):
        AuthServiceClient("not an address").get_user("ann")
    with pytest.raises(AuthServiceError) as caught:
        AuthServiceClient(f"{live_server.url}/elsewhere").get_user("ann")
    assert (caught.value.error_code, caught.value.status) == ("ENDPOINT_NOT_FOUND", 404)
