"""What somebody does to experiments, runs, registered models and roles by MLflow's API leaves one entry each."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from audit_world import World, post
from wire import Caller, invite

API = "/api/2.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts"


def send(caller: Caller, method: str, path: str, **body: Any) -> Callable[[], Any]:
    def call() -> None:
        answer = caller.call(method, API + path, json=body)
        assert answer.status_code == 200, answer.text

    return call


@pytest.fixture
def experiment(world: World) -> str:
    made = world.caller.post(f"{API}/experiments/create", {"name": f"e-{uuid.uuid4().hex[:8]}"})
    return str(made["experiment_id"])


def test_deleting_and_restoring_experiments_and_runs(world: World, experiment: str) -> None:
    run = world.caller.post(f"{API}/runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"]
    metric = {"run_id": run, "key": "loss", "value": 0.5, "timestamp": 1, "step": 0}
    assert world.new(post(world.caller, f"{API}/runs/log-metric", **metric)) == []
    for kind, key, which in (("runs", "run_id", run), ("experiments", "experiment_id", experiment)):
        about = {"actor_name": world.ada.email, "object_type": kind[:-1], "object_id": which, "outcome": "ok"}
        for what in ("delete", "restore"):
            done = send(world.caller, "POST", f"/{kind}/{what}", **{key: which})
            entry = world.one(done, f"{kind[:-1]}.{what}", **about)
            assert entry["details"]["name"]
    assert world.new(send(world.caller, "POST", "/runs/restore", run_id=run)) == []


def test_reads_of_an_experiments_files_are_one_entry_and_then_counted(world: World, experiment: str) -> None:
    for name in ("a.txt", "b.txt"):
        assert world.caller.call("PUT", f"{FILES}/{experiment}/{name}", data=b"x").status_code == 200

    def read(name: str) -> Callable[[], None]:
        def call() -> None:
            assert world.caller.call("GET", f"{FILES}/{experiment}/{name}").content == b"x"

        return call

    about = {"actor_name": world.ada.email, "object_type": "experiment", "object_id": experiment, "outcome": "ok"}
    entry = world.one(read("a.txt"), "artifact.read", **about)
    assert entry["details"]["path"] == f"{experiment}/a.txt"
    assert world.new(read("b.txt")) == []
    assert world.new(read("a.txt")) == []


def test_the_way_of_a_registered_model(world: World, experiment: str) -> None:
    name, by_ada = f"m-{uuid.uuid4().hex[:8]}", {"actor_name": world.ada.email, "outcome": "ok"}
    world.caller.post(f"{API}/registered-models/create", {"name": name})
    source = f"mlflow-artifacts:/{experiment}/model"
    register = post(world.caller, f"{API}/model-versions/create", name=name, source=source)
    made = world.one(register, "model.upload", object_type="model_version", **by_ada)
    assert (made["details"]["name"], made["details"]["source"]) == (name, source)
    assert len(world.new(register)) == 1

    def stage(number: str, wanted: str) -> Callable[[], Any]:
        change = {"name": name, "version": number, "stage": wanted, "archive_existing_versions": True}
        return post(world.caller, f"{API}/model-versions/transition-stage", **change)

    moved = world.one(stage("1", "Production"), "model.stage", object_id=made["object_id"], **by_ada)
    assert {key: moved["details"][key] for key in ("number", "stage", "before")} == {
        "number": 1, "stage": "Production", "before": "None",
    }  # fmt: skip
    assert world.new(stage("1", "Production")) == []
    both = [(entry["details"]["number"], entry["details"]["stage"]) for entry in world.new(stage("2", "Production"))]
    assert sorted(both) == [(1, "Archived"), (2, "Production")]

    for version, before in (("1", None), ("2", 1)):
        point = send(world.caller, "POST", "/registered-models/alias", name=name, alias="best", version=version)
        set_ = world.one(point, "model.alias", object_type="model", **by_ada)
        assert (set_["details"]["alias"], set_["details"]["before"]) == ("best", before)
        assert world.new(point) == []
    drop = send(world.caller, "DELETE", "/registered-models/alias", name=name, alias="best")
    assert world.one(drop, "model.alias", **by_ada)["details"]["number"] is None
    assert world.new(drop) == []

    gone = send(world.caller, "DELETE", "/model-versions/delete", name=name, version="1")
    world.one(gone, "model.delete", object_type="model_version", object_id=made["object_id"], **by_ada)
    everything = send(world.caller, "DELETE", "/registered-models/delete", name=name)
    world.one(everything, "model.delete", object_type="model", **by_ada)


def test_what_custom_roles_permit(world: World, experiment: str) -> None:
    role = world.admin.post(f"{API}/roles/create", {"name": f"r-{uuid.uuid4().hex[:8]}"})["role"]
    permission = {"resource_type": "experiment", "resource_pattern": experiment, "permission": "READ"}
    add = send(world.admin, "POST", "/roles/permissions/add", role_id=role["id"], **permission)
    about = {"actor_name": "admin", "object_type": "experiment", "object_id": experiment, "outcome": "ok"}
    added = world.one(add, "grant.give", **about)
    listed = world.admin.call("GET", f"{API}/roles/get", params={"role_id": role["id"]}).json()
    which = {"role_permission_id": listed["role"]["permissions"][0]["id"]}
    raised = world.one(
        send(world.admin, "PATCH", "/roles/permissions/update", permission="EDIT", **which), "grant.give", **about
    )
    assert raised["details"] == {**added["details"], "role": "EDIT", "before": "READ"}
    taken = world.one(send(world.admin, "DELETE", "/roles/permissions/remove", **which), "grant.take", **about)
    assert taken["details"] == {**added["details"], "role": "EDIT"}
    bob = invite(world.server, "bob")
    assign = post(world.admin, f"{API}/roles/assign", username=bob.email, role_id=role["id"])
    world.one(assign, "group.join", object_id=str(role["id"]))
