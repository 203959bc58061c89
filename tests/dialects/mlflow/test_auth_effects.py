"""What permissions do: MLflow's real clients as several users, on the same experiments and registered models."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from auth_speaking import Call, Speaker, real_client
from test_auth_clients import fresh, person

from modelyard.client import Client
from running import RunningServer
from wire import Person, administrator


@dataclass(frozen=True)
class Scene:
    """An experiment with a run and a registered model, made by Olga; Ann has nothing of her own yet."""

    admin: Speaker
    olga: Speaker
    ann: Speaker
    experiment: str
    name: str
    run: str

    def give(self, permission: str) -> None:
        """Olga gives Ann a permission on both."""
        self._both("create", permission=permission)

    def change(self, permission: str) -> None:
        """Another one."""
        self._both("update", permission=permission)

    def take(self) -> None:
        """None any more."""
        self._both("delete")

    def _both(self, verb: str, **level: str) -> None:
        who = {"username": self.ann.who.email, **level}
        self.olga.auth(f"{verb}_experiment_permission", experiment_id=self.experiment, **who)
        self.olga.auth(f"{verb}_registered_model_permission", name=self.name, **who)


@pytest.fixture
def scene(mlflow_312: Call, root: Person) -> Scene:
    return made(Speaker(mlflow_312, root))


def made(admin: Speaker) -> Scene:
    """A new scene."""
    olga, ann, name = admin.as_(person(admin)), admin.as_(person(admin)), fresh("thing")
    experiment = olga.track("create_experiment", name=name)
    olga.track("create_registered_model", name=name)
    run = olga.track("create_run", experiment_id=experiment)["info"]["run_id"]
    return Scene(admin, olga, ann, experiment, name, run)


def reads(scene: Scene, who: Speaker) -> bool:
    """Whether somebody reads all of it, and finds it in searches; or nothing of it, and it reads like nothing."""
    found = [each["name"] for each in who.track("search_experiments", filter_string=f"name = '{scene.name}'")]
    models = [each["name"] for each in who.track("search_registered_models", filter_string=f"name = '{scene.name}'")]
    runs = who.track("search_runs", experiment_ids=[scene.experiment])
    seen = [found == [scene.name], models == [scene.name], len(runs) == 1]
    assert len(set(seen)) == 1, seen
    reading: list[tuple[str, dict[str, Any]]] = [
        ("get_experiment", {"experiment_id": scene.experiment}),
        ("get_run", {"run_id": scene.run}),
        ("get_registered_model", {"name": scene.name}),
    ]
    for method, asked in reading:
        if seen[0]:
            assert who.track(method, **asked)
        else:
            who.refused("RESOURCE_DOES_NOT_EXIST", method, **asked)
    assert (who.track("get_experiment_by_name", name=scene.name) is not None) is seen[0]
    return seen[0]


def changes(scene: Scene, who: Speaker) -> None:
    """Somebody changes all of it."""
    who.track("log_metric", run_id=scene.run, key="loss", value=0.5)
    who.track("set_experiment_tag", experiment_id=scene.experiment, key="team", value="risk")
    who.track("create_run", experiment_id=scene.experiment)
    who.track("update_registered_model", name=scene.name, description="checked")


def may_not_change(scene: Scene, who: Speaker, code: str = "PERMISSION_DENIED") -> None:
    """Somebody tries to, in vain."""
    who.refused(code, "log_metric", run_id=scene.run, key="loss", value=0.5)
    who.refused(code, "set_experiment_tag", experiment_id=scene.experiment, key="team", value="risk")
    who.refused(code, "create_run", experiment_id=scene.experiment)
    who.refused(code, "update_registered_model", name=scene.name, description="checked")
    may_not_delete(scene, who, code)


def may_not_delete(scene: Scene, who: Speaker, code: str = "PERMISSION_DENIED") -> None:
    """Somebody tries to remove all of it, in vain."""
    who.refused(code, "delete_experiment", experiment_id=scene.experiment)
    who.refused(code, "delete_run", run_id=scene.run)
    who.refused(code, "delete_registered_model", name=scene.name)


@pytest.mark.parametrize("client", ["mlflow_312", "mlflow_317"])
def test_each_level_lets_do_what_it_says(request: pytest.FixtureRequest, scene: Scene, client: str) -> None:
    ann = Speaker(request.getfixturevalue(client), scene.ann.who)
    scene.give("READ")
    assert reads(scene, ann)
    may_not_change(scene, ann)
    scene.change("EDIT")
    changes(scene, ann)
    may_not_delete(scene, ann)
    scene.change("NO_PERMISSIONS")
    assert not reads(scene, ann)
    may_not_change(scene, ann, "RESOURCE_DOES_NOT_EXIST")
    scene.take()
    assert scene.ann.track("get_experiment", experiment_id=scene.experiment)  # what everyone may do holds again
    may_not_change(scene, ann)
    scene.give("MANAGE")
    ann.track("delete_run", run_id=scene.run)
    ann.track("delete_registered_model", name=scene.name)
    ann.track("delete_experiment", experiment_id=scene.experiment)


def test_without_a_grant_holds_what_the_setting_says(
    scene: Scene, mlflow_312_python: Path, closed_server: RunningServer
) -> None:
    assert reads(scene, scene.ann)
    may_not_change(scene, scene.ann)
    root = Person("", closed_server.admin_username, closed_server.admin_password)
    with real_client(mlflow_312_python, closed_server.url) as call:
        closed = made(Speaker(call, root))
        assert reads(closed, closed.olga)
        assert not reads(closed, closed.ann)
        may_not_change(closed, closed.ann, "RESOURCE_DOES_NOT_EXIST")


def test_grants_to_a_group_count_for_its_members(scene: Scene, live_server: RunningServer) -> None:
    above, below = fresh("above"), fresh("below")
    with Client(live_server.url, token=administrator(live_server).token, environ={}) as admin:
        admin.groups.create(above)
        admin.groups.create(below, above)
        for thing in (f"experiment:{scene.experiment}", f"model:mlflow/{scene.name}"):
            admin.access.grant(f"group:{above}", "EDIT", thing)
        may_not_change(scene, scene.ann)
        admin.groups.add(below, scene.ann.who.email)
        changes(scene, scene.ann)
        may_not_delete(scene, scene.ann)
        scene.give("NO_PERMISSIONS")
        assert not scene.ann.track("search_experiments", filter_string=f"name = '{scene.name}'")
        scene.take()
        admin.groups.delete(above)
    may_not_change(scene, scene.ann)


def test_grants_to_a_custom_role_count_for_who_holds_it(scene: Scene, new_admin: Speaker) -> None:
    role = new_admin.auth("create_role", workspace="default", name=fresh("role"))["id"]
    for kind, which in (("experiment", scene.experiment), ("registered_model", scene.name)):
        new_admin.auth(
            "add_role_permission", role_id=role, resource_type=kind, resource_pattern=which, permission="EDIT"
        )
    may_not_change(scene, scene.ann)
    new_admin.auth("assign_role", username=scene.ann.who.email, role_id=role)
    changes(scene, scene.ann)
    new_admin.auth("delete_role", role_id=role)
    may_not_change(scene, scene.ann)


def test_who_is_removed_and_made_again_inherits_nothing(scene: Scene) -> None:
    scene.give("EDIT")
    changes(scene, scene.ann)
    who = scene.ann.who
    scene.admin.auth("delete_user", username=who.email)
    scene.ann.refused("UNAUTHENTICATED", "get_experiment", experiment_id=scene.experiment)
    again = scene.admin.auth("create_user", username=who.email, password=who.password)
    assert again["id"] != who.id
    assert again["experiment_permissions"] == again["registered_model_permissions"] == []
    may_not_change(scene, scene.ann)


def test_a_renamed_model_keeps_its_grants_and_leaves_none_behind(scene: Scene) -> None:
    scene.give("EDIT")
    old, new = scene.name, fresh("renamed")
    taken = {"name": new, "username": scene.ann.who.email}
    scene.admin.auth("create_registered_model_permission", **taken, permission="MANAGE")  # made ahead, for another one
    scene.olga.track("rename_registered_model", name=old, new_name=new)
    assert scene.olga.auth("get_registered_model_permission", **taken)["permission"] == "EDIT"
    scene.ann.track("update_registered_model", name=new, description="checked")
    scene.ann.refused("PERMISSION_DENIED", "delete_registered_model", name=new)
    scene.admin.track("create_registered_model", name=old)
    scene.ann.refused("PERMISSION_DENIED", "update_registered_model", name=old, description="mine")
    scene.olga.refused("PERMISSION_DENIED", "update_registered_model", name=old, description="mine")


def test_a_deleted_model_takes_its_grants_along(scene: Scene) -> None:
    scene.give("MANAGE")
    scene.olga.track("delete_registered_model", name=scene.name)
    scene.admin.track("create_registered_model", name=scene.name)
    asked = {"name": scene.name, "username": scene.ann.who.email}
    scene.admin.refused("RESOURCE_DOES_NOT_EXIST", "get_registered_model_permission", **asked)
    for former in (scene.ann, scene.olga):
        former.refused("PERMISSION_DENIED", "update_registered_model", name=scene.name, description="mine")


def test_a_deleted_experiment_keeps_its_grants_for_its_return(scene: Scene) -> None:
    scene.give("EDIT")
    scene.olga.track("delete_experiment", experiment_id=scene.experiment)
    scene.ann.refused("PERMISSION_DENIED", "restore_experiment", experiment_id=scene.experiment)
    scene.olga.track("restore_experiment", experiment_id=scene.experiment)
    scene.ann.track("set_experiment_tag", experiment_id=scene.experiment, key="team", value="risk")


def test_changed_rights_hold_at_once(scene: Scene) -> None:
    scene.give("READ")
    for permission in ("READ", "EDIT", "READ", "MANAGE", "NO_PERMISSIONS", "EDIT"):
        scene.change(permission)
        tag = {"experiment_id": scene.experiment, "key": "team", "value": permission}
        if permission in ("EDIT", "MANAGE"):
            scene.ann.track("set_experiment_tag", **tag)
        else:
            code = "PERMISSION_DENIED" if permission == "READ" else "RESOURCE_DOES_NOT_EXIST"
            scene.ann.refused(code, "set_experiment_tag", **tag)
