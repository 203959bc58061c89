"""Ways to get more rights than one was given: none of them leads anywhere."""

import uuid
from typing import Any

import pytest
from tracked_things import API
from world import World


def _put(world: World, role: str, subject: str, thing: str, level: str) -> Any:
    body = {"subject": subject, "object": thing, "role": level}
    return world.call(role, "PUT", "/api/v1/grants", json=body)


@pytest.mark.parametrize("name", ["*", "a*", "a*b"])
def test_no_model_is_named_like_a_pattern_of_grants(world: World, name: str) -> None:
    """Its maker would manage every model that the pattern covers."""
    before = world.state()
    made = world.call("stranger", "POST", f"{API}/registered-models/create", json={"name": name})
    renamed = world.call(
        "owner", "POST", f"{API}/registered-models/rename", json={"name": world.ours.tracked_name, "new_name": name}
    )
    assert made.status_code == renamed.status_code == 400
    assert made.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    assert world.state() == before


@pytest.mark.parametrize("thing", ["experiment:*", "model:mlflow/*", "workspace:*", "workspace:1*", "model:{w}/*"])
def test_only_administrators_grant_on_many_things_at_once(world: World, thing: str) -> None:
    asked = thing.format(w=world.ours.workspace_id)
    before = world.state()
    for role in ("owner", "tracking manager", "granted manager", "stranger", "mlflow token"):
        assert _put(world, role, world.names["stranger"], asked, "READ").status_code == 403, role
    assert world.state() == before


def test_only_who_manages_a_thing_grants_on_it_and_on_nothing_else(world: World) -> None:
    before = world.state()
    for thing in (f"workspace:{world.ours.workspace_id}", f"experiment:{world.theirs.experiment_id}", "workspace:999"):
        refused = _put(world, "granted manager", world.names["stranger"], thing, "READ")
        assert refused.status_code == 404, thing
    for role in ("granted editor", "group member", "pattern holder", "granted reader"):
        assert (
            _put(world, role, world.names[role], f"experiment:{world.ours.experiment_id}", "MANAGE").status_code == 403
        )
    assert world.state() == before


@pytest.mark.parametrize("level", ["ADMIN", "USER", "INFERENCE", "OWNER", "manage-everything", ""])
def test_a_thing_gives_no_role_that_is_not_its(world: World, level: str) -> None:
    before = world.state()
    answer = _put(world, "owner", world.names["stranger"], f"experiment:{world.ours.experiment_id}", level)
    assert answer.status_code == 400
    assert _put(world, "admin", world.names["stranger"], "platform", "ADMIN").status_code == 400
    assert world.state() == before


def test_a_token_for_reading_takes_nobody_out_of_a_workspace(world: World) -> None:
    body = {"workspace_id": world.ours.workspace_id, "user_id": world.names["owner"]}
    before = world.state()
    assert world.call("read token", "POST", "/v1/api/workspaces/remove_user", json=body).status_code == 403
    assert world.state() == before


def test_the_last_owner_of_a_workspace_stays(world: World) -> None:
    theirs, owner = f"workspace:{world.theirs.workspace_id}", world.names["other owner"]
    before = world.state()
    assert _put(world, "other owner", owner, theirs, "READER").status_code == 409
    taken = world.call("other owner", "DELETE", "/api/v1/grants", params={"subject": owner, "object": theirs})
    assert taken.status_code == 409
    assert world.state() == before


def test_groups_in_a_workspace_are_no_members_by_name(world: World) -> None:
    theirs = f"workspace:{world.theirs.workspace_id}"
    group = f"guests-{uuid.uuid4().hex[:8]}"
    world.callers["admin"].post("/api/v1/groups", {"name": group}, 201)
    assert _put(world, "other owner", f"group:{group}", theirs, "OWNER").status_code == 200
    assert _put(world, "other owner", world.names["reader"], theirs, "DENY").status_code == 200
    listed = world.callers["other owner"].post(
        "/v1/api/workspaces/list_users", {"workspace_id": world.theirs.workspace_id}
    )
    assert [user["user_type"] for user in listed["users"]] == ["OWNER"]
    for subject in (f"group:{group}", world.names["reader"]):
        query = {"subject": subject, "object": theirs}
        assert world.call("other owner", "DELETE", "/api/v1/grants", params=query).status_code == 204


def test_who_is_made_again_inherits_nothing(world: World) -> None:
    admin, name = world.callers["admin"], f"ann-{uuid.uuid4().hex[:8]}"
    group = f"heirs-{name}"
    admin.post("/api/v1/groups", {"name": group}, 201)
    password = uuid.uuid4().hex
    for _ in range(2):
        admin.post(f"{API}/users/create", {"username": name, "password": password})
        asked = {"user": name, "action": "READ", "object": f"experiment:{world.ours.experiment_id}"}
        found = world.call("admin", "GET", "/api/v1/access/explain", params=asked).json()
        assert found["allowed"] is False
        assert _put(world, "owner", name, f"experiment:{world.ours.experiment_id}", "READ").status_code == 200
        assert world.call("admin", "PUT", f"/api/v1/groups/{group}/members/{name}").status_code == 204
        assert world.call("admin", "GET", "/api/v1/access/explain", params=asked).json()["allowed"] is True
        assert world.call("admin", "DELETE", f"{API}/users/delete", json={"username": name}).status_code == 200
        assert world.call("admin", "GET", f"/api/v1/groups/{group}").json()["members"] == []


def test_what_one_dialect_refuses_on_a_registered_model_another_refuses_too(world: World) -> None:
    spaces = world.callers["admin"].post("/v1/api/workspaces/list", {})["workspaces"]
    tracking = next(space["id"] for space in spaces if space["name"] == "mlflow")
    things = world.spare("tracked")
    asked = {"workspace_id": tracking, "model_id": things.tracked_name}
    before = world.state()
    for role in ("granted editor", "group member", "pattern holder", "granted reader"):
        assert world.call(role, "POST", "/v1/api/models/delete_model", json=asked).status_code == 403, role
    for role in ("denied", "stranger", "other owner"):
        assert world.call(role, "POST", "/v1/api/models/delete_model", json=asked).status_code == 404, role
    assert world.state() == before
    assert world.call("granted manager", "POST", "/v1/api/models/delete_model", json=asked).status_code == 200
    gone = world.call("owner", "GET", f"{API}/registered-models/get", params={"name": things.tracked_name})
    assert gone.status_code == 404
