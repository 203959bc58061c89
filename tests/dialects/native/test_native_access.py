"""Groups, grants and explanations of a running server, by plain HTTP and through the client."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from modelyard.client import Client, ConflictError, ForbiddenError, InvalidRequestError, NotFoundError
from running import RunningServer
from wire import Caller, Person, administrator, invite, sign_in

MLFLOW = "/api/2.0/mlflow"


@dataclass(frozen=True)
class Scene:
    """An administrator's client, and Ada with hers and an experiment that she made."""

    admin: Client
    ada: Client
    person: Person
    experiment: str
    ben: Person


def fresh(word: str = "group") -> str:
    return f"{word}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def scene(live_server: RunningServer) -> Iterator[Scene]:
    ada, ben = invite(live_server, "ada"), invite(live_server, "ben")
    caller = sign_in(live_server, ada.email, ada.password)
    number = caller.post(f"{MLFLOW}/experiments/create", {"name": fresh("experiment")})["experiment_id"]
    with (
        Client(live_server.url, token=administrator(live_server).token, environ={}) as admin,
        Client(live_server.url, token=caller.token, environ={}) as mine,
    ):
        yield Scene(admin, mine, ada, f"experiment:{number}", ben)


def test_who_makes_an_experiment_manages_it_and_lets_others_in(scene: Scene) -> None:
    found = scene.ada.access.explain(scene.person.email, "MANAGE", scene.experiment)
    assert found.allowed
    assert found.grant is not None
    assert (found.grant.subject, found.grant.role) == (f"user:{scene.person.email}", "MANAGE")
    assert scene.ada.access.grant(scene.ben.email, "EDIT", scene.experiment).object == scene.experiment
    assert scene.ada.access.grant(scene.ben.email, "READ", scene.experiment).role == "READ"
    assert [(g.subject, g.role) for g in scene.ada.access.on(scene.experiment)] == [
        (f"user:{scene.person.email}", "MANAGE"),
        (f"user:{scene.ben.email}", "READ"),
    ]
    assert [g.object for g in scene.admin.access.of(scene.ben.email) if g.object != "platform"] == [scene.experiment]
    scene.ada.access.revoke(scene.ben.email, scene.experiment)
    with pytest.raises(NotFoundError):
        scene.ada.access.revoke(scene.ben.email, scene.experiment)


def test_an_explanation_names_the_groups_on_the_way(scene: Scene) -> None:
    above, below = fresh("above"), fresh("below")
    scene.admin.groups.create(above)
    scene.admin.groups.create(below, above)
    scene.admin.groups.add(below, scene.ben.email)
    scene.admin.groups.add(below, scene.ben.email)
    scene.admin.access.grant(f"group:{above}", "EDIT", scene.experiment)
    found = scene.admin.access.explain(scene.ben.email, "EDIT", scene.experiment)
    assert (found.allowed, found.through) == (True, (f"group:{below}", f"group:{above}"))
    assert scene.admin.groups.get(below).members == (scene.ben.email,)
    scene.admin.groups.delete(above)
    assert not {above, below} & {group.name for group in scene.admin.groups.list()}
    assert not scene.admin.access.explain(scene.ben.email, "EDIT", scene.experiment).allowed


def test_an_explanation_names_the_custom_role(scene: Scene, live_server: RunningServer) -> None:
    admin, name = administrator(live_server), fresh("role")
    role = admin.post(f"{MLFLOW}/roles/create", {"name": name})["role"]
    admin.post(f"{MLFLOW}/roles/assign", {"role_id": role["id"], "username": scene.ben.email})
    scene.admin.access.grant(f"role:{name}", "MANAGE", scene.experiment)
    found = scene.admin.access.explain(scene.ben.email, "experiment.manage", scene.experiment)
    assert (found.allowed, found.through) == (True, (f"role:{name}",))


@pytest.mark.parametrize(
    ("subject", "role", "action", "allowed", "why"),
    [
        ("everyone", None, "READ", True, "what everyone may do with the thing"),
        ("everyone", None, "EDIT", False, "no grant gives it"),
        ("user", "EDIT", "EDIT", True, "a grant on the thing itself"),
        ("user", "DENY", "READ", False, "a denial on the thing itself"),
        ("user", "NO_PERMISSIONS", "experiment.read", False, "a denial on the thing itself"),
    ],
)
def test_an_explanation_says_which_rule_decided(
    scene: Scene, subject: str, role: str | None, action: str, allowed: bool, why: str
) -> None:
    if role is not None:
        scene.ada.access.grant(scene.ben.email, role, scene.experiment)
    found = scene.admin.access.explain(scene.ben.email, action, scene.experiment)
    assert (found.allowed, found.why) == (allowed, why)
    decider = scene.ben.email if subject == "user" else "everyone"
    assert (found.grant.subject.removeprefix("user:") if found.grant else None) == (
        decider if why[:2] != "no" else None
    )


def test_administrators_pass_and_the_disabled_do_not(scene: Scene, live_server: RunningServer) -> None:
    found = scene.admin.access.explain(live_server.admin_username, "MANAGE", scene.experiment)
    assert (found.allowed, found.why, found.grant) == (True, "a role on the platform: ADMIN", None)
    scene.ada.access.grant(scene.ben.email, "EDIT", scene.experiment)
    scene.admin.users.deactivate(scene.ben.email)
    found = scene.admin.access.explain(scene.ben.email, "EDIT", scene.experiment)
    assert (found.allowed, found.why) == (False, "the user is disabled")


def test_about_others_only_administrators_ask(scene: Scene) -> None:
    for name in (scene.ben.email, "nobody-at-all"):
        with pytest.raises(ForbiddenError):
            scene.ada.access.explain(name, "READ", scene.experiment)
    with pytest.raises(ForbiddenError):
        scene.ada.access.of(scene.person.email)
    with pytest.raises(NotFoundError, match="user nobody-at-all not found"):
        scene.admin.access.explain("nobody-at-all", "READ", scene.experiment)


@pytest.mark.parametrize(
    ("action", "thing", "words"),
    [
        ("READ", "experiment", "not understood"),
        ("READ", "model:fraud", "not understood"),
        ("READ", "model:x/fraud", "not understood"),
        ("READ", "planet:1", "not understood"),
        ("READ", "platform", "use one of platform.signed_in"),
        ("FLY", "workspace:1", "use one of READ, USE, EDIT, MANAGE"),
        ("users.manage", "workspace:1", "does not fit this kind of thing .workspace."),
        ("pipeline.deploy", "experiment:1", "does not fit this kind of thing .experiment."),
    ],
)
def test_what_is_not_understood_is_told_with_what_is(scene: Scene, action: str, thing: str, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        scene.admin.access.explain("admin", action, thing)


@pytest.mark.parametrize(
    ("subject", "role", "thing", "words"),
    [
        ("robot:x", "READ", "experiment:1", "use user:NAME, group:NAME, role:NAME or everyone"),
        ("everyone", "FLY", "experiment:1", "role 'FLY' is unknown"),
        ("everyone", "OWNER", "experiment:1", "cannot be given on this kind of thing"),
        ("everyone", "READ", "platform", "not granted here"),
        ("everyone", "READ", "experiment:" + "1" * 600, "not an id"),
        ("everyone", "READ", "experiment:a\x07b", "not an id"),
    ],
)
def test_a_grant_that_makes_no_sense_is_refused(scene: Scene, subject: str, role: str, thing: str, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        scene.admin.access.grant(subject, role, thing)


def test_groups_of_one_name_are_told_apart_by_their_numbers(scene: Scene) -> None:
    name, parent = fresh(), fresh("parent")
    scene.admin.groups.create(parent)
    top = scene.admin.groups.create(name)
    scene.admin.groups.create(name, parent)
    with pytest.raises(ConflictError, match=f"say which by its number, one of .*{top.id}"):
        scene.admin.groups.get(name)
    assert scene.admin.groups.get(str(top.id)).name == name
    with pytest.raises(ConflictError, match="already exists"):
        scene.admin.groups.create(name)
    with pytest.raises(NotFoundError):
        scene.admin.groups.create(fresh(), "no-such-parent")
    with pytest.raises(NotFoundError):
        scene.admin.groups.remove(str(top.id), scene.ben.email)


@pytest.mark.parametrize("name", ["²", "٣", "9" * 40, "%00"])
def test_what_only_looks_like_a_number_names_no_group_and_no_deployment(live_server: RunningServer, name: str) -> None:
    admin = administrator(live_server)
    assert admin.call("GET", f"/api/v1/groups/{name}").status_code in (404, 422, 400)
    asked = admin.call("POST", "/v1/api/status/get_deployment", json={"name": f"pipeline-{name}"})
    assert asked.status_code == 404


def test_lists_of_grants_want_one_question(live_server: RunningServer) -> None:
    admin: Caller = administrator(live_server)
    for query in ({}, {"object": "workspace:1", "subject": "everyone"}):
        answer: Any = admin.call("GET", "/api/v1/grants", params=query)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert admin.call("DELETE", "/api/v1/grants", params={"subject": "everyone"}).status_code == 400
