"""The unmodified Seldon Deploy SDK keeps users, groups and policies; they are those of the whole server."""

import uuid
from typing import Any

import pytest
from signing_in import Sdk

from running import RunningServer
from wire import Caller, Person, administrator, invite, sign_in


@pytest.fixture
def admin(live_server: RunningServer) -> Person:
    return Person("", live_server.admin_username, live_server.admin_password)


@pytest.fixture
def space(live_server: RunningServer, person: Person) -> str:
    """The namespace of a workspace that the person owns."""
    owner = sign_in(live_server, person.email, person.password)
    name = f"space-{uuid.uuid4().hex[:8]}"
    owner.post("/v1/api/workspaces/create", {"workspace_name": name})
    return f"namespace/{name}"


@pytest.fixture
def other(live_server: RunningServer) -> Person:
    return invite(live_server, "other")


def _policy(sdk: Sdk, who: Person, *steps: dict[str, Any]) -> list[Any]:
    return list(sdk.as_(who, "policy", steps=steps))


def _give(action: str, resource: str, **who: list[str]) -> dict[str, Any]:
    return {"do": "give", "action": action, "resource": resource, **who}


def _take(action: str, resource: str, **who: list[str]) -> dict[str, Any]:
    return {"do": "take", "action": action, "resource": resource, **who}


def _ask(**who: Any) -> dict[str, Any]:
    return {"do": "permissions", **who}


def _targets(action: str, resource: str) -> dict[str, Any]:
    return {"do": "targets", "action": action, "resource": resource}


_OWN = {"caller_permissions": True}


def test_users_and_groups_from_the_first_call_to_the_last(sdk: Sdk, admin: Person) -> None:
    user, group = f"u-{uuid.uuid4().hex[:8]}", f"g-{uuid.uuid4().hex[:8]}"
    found = sdk.as_(admin, "people", user=user, group=group)
    assert found["created"] == {}
    assert found["found"] == [[user, f"{user}@example.com", "Ada", True]]
    assert found["since"].startswith("20")
    assert (found["members"], found["groups_of_user"]) == ([user], [group])
    assert (found["left"], found["listed"]) == ([], True)
    assert [status for status, _ in found["gone"]] == [404, 404]


def test_a_reset_password_opens_nothing_but_the_choice_of_another(
    live_server: RunningServer, sdk: Sdk, admin: Person, other: Person
) -> None:
    path = f"/seldon-deploy/api/v1alpha1/iam/users/{other.email}/resetPassword"
    caller = administrator(live_server)
    answer = caller.call("POST", path, json={})
    password = answer.json()["temporaryPassword"]
    assert answer.headers["cache-control"] == "no-store"
    assert len(password) >= 16
    for tried in (other.password, password):
        form = {"grant_type": "password", "client_id": "sd-api", "username": other.email, "password": tried}
        refused = Caller(live_server.url).call(
            "POST", "/auth/realms/deploy-realm/protocol/openid-connect/token", data=form
        )
        assert refused.json()["error"] == "invalid_grant"
    assert password not in live_server.out + live_server.err
    told = caller.call("GET", "/api/v1/audit", params={"object": other.id}).text
    assert password not in told


def test_an_owner_gives_and_takes_rights_in_the_own_namespace(
    sdk: Sdk, person: Person, other: Person, space: str
) -> None:
    steps = [
        _give("read", space, users=[other.email]),
        _give("write", space, users=[other.email]),
        _give("read", space, users=[other.email]),
        _targets("read", space),
        _targets("grant", space),
        _take("write", space, users=[other.email]),
        _targets("write", space),
        _take("read", space, users=[other.email]),
        _targets("read", space),
        _take("read", space, users=[other.email]),
    ]
    done = _policy(sdk, person, *steps)
    assert done[:3] == [None, None, None]
    assert done[3] == [[other.email, person.email], []] or done[3] == [[person.email, other.email], []]
    assert done[4] == [[person.email], []]
    assert done[5:7] == [None, [[person.email], []]]
    assert done[7:9] == [None, [[person.email], []]]
    assert done[9][0] == 404


def test_what_is_given_counts_at_once_and_for_all_protocols(
    live_server: RunningServer, sdk: Sdk, person: Person, other: Person, space: str
) -> None:
    assert _policy(sdk, other, _ask(**_OWN)) == [[]]
    assert _policy(sdk, person, _give("write", space, users=[other.email])) == [None]
    assert _policy(sdk, other, _ask(**_OWN)) == [[["read", space], ["write", space]]]
    caller = sign_in(live_server, other.email, other.password)
    listed = caller.post("/v1/api/workspaces/list", {})["workspaces"]
    assert space.removeprefix("namespace/") in [each["name"] for each in listed]


def test_everyone_and_groups_are_given_rights(
    sdk: Sdk, admin: Person, person: Person, other: Person, space: str
) -> None:
    group = f"g-{uuid.uuid4().hex[:8]}"
    caller = sdk.as_(admin, "by_openid")["user"]
    assert caller["id"] == "admin"
    made = administrator(sdk.server)
    made.call("POST", "/seldon-deploy/api/v1alpha1/iam/groups", json={"name": group})
    made.call("PUT", f"/seldon-deploy/api/v1alpha1/iam/users/{other.email}/groups/{group}")
    steps = [_give("grant", space, groups=[group]), _give("read", space, users=["*"]), _targets("read", space)]
    given, everyone, targets = _policy(sdk, person, *steps)
    assert (given, everyone) == (None, None)
    assert targets == [["*", person.email], [group]]
    assert ["grant", space] in _policy(sdk, other, _ask(**_OWN))[0]
    assert _policy(sdk, admin, _ask(groups=[group]))[0] == [["read", space], ["write", space], ["grant", space]]
    assert _policy(sdk, admin, _ask(users=["*"]))[0].count(["read", space]) == 1
    assert sdk.as_(other, "by_openid")["user"]["groups"] == [group]
    assert _policy(sdk, person, _take("read", space, users=["*"])) == [None]


def test_a_project_is_something_that_rights_are_given_on(sdk: Sdk, admin: Person, other: Person) -> None:
    project = f"project/p{uuid.uuid4().hex[:8]}"
    assert _policy(sdk, other, _give("read", project, users=[other.email]))[0][0] == 404
    assert _policy(sdk, admin, _give("grant", project, users=[other.email])) == [None]
    assert _policy(sdk, other, _ask(**_OWN)) == [[[action, project] for action in ("read", "write", "grant")]]
    assert _policy(sdk, other, _take("grant", project, users=[other.email])) == [None]
    assert _policy(sdk, other, _ask(**_OWN)) == [[["read", project], ["write", project]]]


def test_system_iam_is_the_administration_of_the_platform(sdk: Sdk, admin: Person, other: Person) -> None:
    steps = [
        _give("read", "system/iam", users=[other.email]),
        _give("write", "system/iam", users=["*"]),
        _give("write", "system/iam", users=[other.email]),
        _targets("write", "system/iam"),
    ]
    read, everyone, given, targets = _policy(sdk, admin, *steps)
    assert (read[0], everyone[0], given) == (400, 400, None)
    assert other.email in targets[0]
    assert ["grant", "system/iam"] in _policy(sdk, other, _ask(**_OWN))[0]
    assert _policy(sdk, admin, _take("write", "system/iam", users=[other.email])) == [None]
    assert _policy(sdk, other, _ask(**_OWN)) == [[]]


def test_who_manages_nothing_gives_nothing_and_learns_nothing(
    sdk: Sdk, person: Person, other: Person, space: str
) -> None:
    done = _policy(
        sdk,
        other,
        _give("read", space, users=[other.email]),
        _give("read", "namespace/never-was", users=[other.email]),
        _give("write", "system/iam", users=[other.email]),
        _give("grant", "namespace/*", users=[other.email]),
        _give("grant", "project/*", users=[other.email]),
        _ask(users=[person.email]),
        _ask(**_OWN),
    )
    assert [each[0] for each in done[:6]] == [404, 404, 403, 403, 403, 403]
    name = space.removeprefix("namespace/")
    assert done[0][1].replace(name, "X") == done[1][1].replace("never-was", "X")
    assert done[6] == []


@pytest.mark.parametrize(
    ("action", "resource"),
    [("delete", "project/p"), ("read", "cluster/x"), ("read", "namespace/"), ("read", "system/all"), ("read", "x")],
)
def test_unknown_words_are_refused_by_name(sdk: Sdk, admin: Person, action: str, resource: str) -> None:
    [refused] = _policy(sdk, admin, _give(action, resource, users=["*"]))
    assert refused[0] == 400
    assert repr(action) in refused[1] or repr(resource) in refused[1]


def test_a_policy_is_given_whole_or_not_at_all(sdk: Sdk, person: Person, other: Person, space: str) -> None:
    steps = [_give("read", space, users=[other.email, "nobody-of-this-name"]), _targets("read", space)]
    refused, targets = _policy(sdk, person, *steps)
    assert refused[0] == 404
    assert targets == [[person.email], []]
