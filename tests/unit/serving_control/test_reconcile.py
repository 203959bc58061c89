"""Deployments converge, whatever happens to workers in between."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, rule, run_state_machine_as_test

from clock import Clock
from modelyard.artifacts.local import LocalArtifacts
from modelyard.core.access.permissions import Role
from modelyard.core.catalogue.models import CheckedFile, NewVersion, record_upload
from modelyard.core.catalogue.workspaces import create_workspace
from modelyard.core.identity.users import NewUser, add_user, load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid
from modelyard.core.serving.deployments import Deploy, deploy, get_status, namespace, undeploy
from modelyard.core.serving.entities import Deployment, Replica, Worker
from modelyard.core.serving.pipelines import create_pipeline
from modelyard.core.serving.reconcile import Engines, Reconciler
from modelyard.core.serving.routes import RouteTable
from modelyard.core.serving.signature import Signature, TensorSpec
from modelyard.core.serving.states import DeploymentState
from modelyard.core.serving.workers import claim_database, heartbeat, register_worker, remove_workers, sweep_workers
from modelyard.engines import onnx
from modelyard.storage.store import SqlStore
from stores import migrated

MODELS = Path(__file__).parents[3] / "examples" / "models"
SIGNATURE = Signature((TensorSpec("tensor", "float32", (None, 29)),), (TensorSpec("dense_1", "float32", (None, 1)),))


class House:
    """A store with one workspace, one model of two versions and as many pipelines as are asked for."""

    def __init__(self, store: SqlStore, folder: Path) -> None:
        self.store = store
        self.artifacts = LocalArtifacts(folder)
        user = store.run_write(add_user, NewUser("owner", None, None, (Role.USER,)))
        self.actor: Actor = store.run_read(load_actor, user.id, None)
        self.workspace = store.run_write(create_workspace, self.actor, "w").id
        self.versions = [self._upload(name) for name in ("ccfraud.onnx", "ccfraud_v2.onnx")]
        self.broken: set[str] = set()
        self.loads = 0

    def _upload(self, file: str) -> dict[str, str]:
        with self.artifacts.upload(10**7) as incoming:
            incoming.write((MODELS / file).read_bytes())
            sha = incoming.finish()
            incoming.keep()
        new = NewVersion(self.workspace, "model", file)
        checked = CheckedFile(sha, incoming.size, SIGNATURE.to_json())
        version = self.store.run_write(record_upload, self.actor, new, checked)
        return {"name": "model", "version": version.version, "sha": sha}

    def deploy(self, name: str, version: int) -> Deployment:
        step = {"ModelInference": {"models": [self.versions[version]]}}
        definition = {"id": name, "steps": [step]}
        made = self.store.run_write(create_pipeline, self.actor, self.workspace, name, definition)
        return self.store.run_write(deploy, self.actor, Deploy(name, version_id=made.id))

    def undeploy(self, deployment: Deployment) -> Deployment:
        return self.store.run_write(undeploy, self.actor, deployment_id=deployment.id)

    def state(self, deployment: Deployment) -> DeploymentState:
        found = self.store.run_read(lambda tx: tx.get(Deployment, deployment.id))
        assert found is not None
        return DeploymentState(found.state)

    def load(self, path: Path) -> onnx.OnnxModel:
        self.loads += 1
        if path.name in self.broken:
            raise invalid("this model is broken")
        return onnx.load(path)


class Process:
    """A simulated worker."""

    def __init__(self, house: House, name: str) -> None:
        self.id = name
        self.routes = RouteTable()
        self._reconciler = Reconciler(house.store, house.artifacts, Engines(house.load), self.routes, name)
        house.store.run_write(register_worker, name, "server", 1)
        self.reconcile()

    def reconcile(self) -> None:
        self._reconciler.reconcile()

    def serves(self) -> dict[str, int]:
        return {route.namespace: route.revision for route in self.routes.all()}


@pytest.fixture
def house(store: SqlStore, tmp_path: Path) -> House:
    return House(store, tmp_path / "blobs")


def test_it_runs_when_every_live_worker_serves_it(house: House) -> None:
    first, second = Process(house, "a"), Process(house, "b")
    deployment = house.deploy("p", 0)
    assert house.state(deployment) is DeploymentState.STARTING
    first.reconcile()
    assert house.state(deployment) is DeploymentState.STARTING
    second.reconcile()
    assert house.state(deployment) is DeploymentState.RUNNING
    assert first.serves() == second.serves() == {namespace(deployment): 1}


def test_nothing_runs_without_a_worker(house: House) -> None:
    deployment = house.deploy("p", 0)
    assert house.state(deployment) is DeploymentState.STARTING
    Process(house, "a")
    assert house.state(deployment) is DeploymentState.RUNNING


def test_it_is_gone_when_no_worker_serves_it(house: House) -> None:
    first, second = Process(house, "a"), Process(house, "b")
    deployment = house.deploy("p", 0)
    first.reconcile()
    second.reconcile()
    assert house.undeploy(deployment).state == DeploymentState.STOPPING
    first.reconcile()
    assert house.state(deployment) is DeploymentState.STOPPING
    second.reconcile()
    assert house.state(deployment) is DeploymentState.STOPPED
    assert house.undeploy(deployment).state == DeploymentState.STOPPED
    with pytest.raises(DomainError) as caught:
        house.store.run_read(get_status, house.actor, namespace(deployment))
    assert caught.value.kind is ErrorKind.NOT_FOUND


def test_redeploying_keeps_the_number_and_serves_the_old_until_the_new_is_there(house: House) -> None:
    worker = Process(house, "a")
    before = house.deploy("p", 0)
    worker.reconcile()
    after = house.deploy("p", 1)
    assert (after.id, after.revision) == (before.id, 2)
    assert worker.serves() == {namespace(before): 1}
    worker.reconcile()
    assert worker.serves() == {namespace(before): 2}
    assert house.state(after) is DeploymentState.RUNNING


def test_what_cannot_be_loaded_says_why_and_the_old_goes_on(house: House) -> None:
    worker = Process(house, "a")
    deployment = house.deploy("p", 0)
    worker.reconcile()
    house.broken = {house.versions[1]["sha"]}
    house.deploy("p", 1)
    worker.reconcile()
    assert house.state(deployment) is DeploymentState.ERROR
    assert worker.serves() == {namespace(deployment): 1}
    status = house.store.run_read(get_status, house.actor, namespace(deployment))
    assert status.deployment.error == "this model is broken"
    house.broken = set()
    house.deploy("p", 1)
    worker.reconcile()
    assert house.state(deployment) is DeploymentState.RUNNING


def test_a_damaged_file_is_not_served(house: House) -> None:
    worker = Process(house, "a")
    path = house.artifacts.path(house.versions[0]["sha"])
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    deployment = house.deploy("p", 0)
    worker.reconcile()
    assert house.state(deployment) is DeploymentState.ERROR
    assert worker.serves() == {}


def test_an_unchanged_deployment_is_not_loaded_again(house: House) -> None:
    worker = Process(house, "a")
    house.deploy("p", 0)
    worker.reconcile()
    loads = house.loads
    house.deploy("q", 0)
    worker.reconcile()
    worker.reconcile()
    assert house.loads == loads + 1


def test_silent_workers_are_given_up_and_told_so(house: House, clock: Clock) -> None:
    first, second = Process(house, "a"), Process(house, "b")
    deployment = house.deploy("p", 0)
    first.reconcile()
    clock.advance(seconds=8)
    assert house.store.run_write(heartbeat, first.id)
    clock.advance(seconds=8)
    assert house.store.run_write(heartbeat, first.id)
    assert house.store.run_write(sweep_workers) == 1
    assert house.state(deployment) is DeploymentState.RUNNING
    assert not house.store.run_write(heartbeat, second.id)


def test_a_database_serves_one_data_folder_at_a_time(house: House, clock: Clock) -> None:
    Process(house, "a")
    with pytest.raises(DomainError, match="another server") as caught:
        house.store.run_write(claim_database, "other")
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    clock.advance(seconds=11)
    house.store.run_write(claim_database, "other")
    assert house.store.run_read(lambda tx: tx.find(Worker)) == []


class Life(RuleBasedStateMachine):
    """Deployments come and go while workers start, look, and die; looking once more always makes it right."""

    make_house: Callable[[], House]
    workers = Bundle("workers")

    def __init__(self) -> None:
        super().__init__()
        self.house = self.make_house()
        self.alive: dict[str, Process] = {}
        self.wanted: dict[str, Deployment] = {}
        self.ever: dict[str, Deployment] = {}
        self.started = 0

    @rule(target=workers)
    def start_worker(self) -> str:
        self.started += 1
        name = f"w{self.started}"
        self.alive[name] = Process(self.house, name)
        return name

    @rule(name=workers)
    def look(self, name: str) -> None:
        if name in self.alive:
            self.alive[name].reconcile()

    @rule(name=consumes(workers), told=st.booleans())
    def die(self, name: str, told: bool) -> None:
        del self.alive[name]
        if told:
            self.house.store.run_write(remove_workers, [name])

    @rule(name=st.sampled_from("pq"), version=st.integers(0, 1))
    def deploy(self, name: str, version: int) -> None:
        self.wanted[name] = self.ever[name] = self.house.deploy(name, version)

    @rule(name=st.sampled_from("pq"))
    def undeploy(self, name: str) -> None:
        if name in self.ever:
            self.house.undeploy(self.ever[name])
            self.wanted.pop(name, None)

    def teardown(self) -> None:
        self.converges()

    @rule()
    def converges(self) -> None:
        """Once the dead are swept and every live worker has looked, rows and routes say the same."""
        dead = [key for (key,) in self._values(Worker) if key not in self.alive]
        self.house.store.run_write(remove_workers, dead)
        for worker in self.alive.values():
            worker.reconcile()
        served = {namespace(d): d.revision for d in self.wanted.values()}
        assert all(worker.serves() == served for worker in self.alive.values())
        for name, deployment in self.ever.items():
            running = DeploymentState.RUNNING if self.alive else None
            state = self.house.state(deployment)
            if name in self.wanted:
                assert running is None or state is running
            else:
                assert state is DeploymentState.STOPPED
        assert len(self._values(Replica)) == len(self.alive) * len(self.wanted)

    def _values(self, kind: type[Any]) -> list[tuple[Any, ...]]:
        return self.house.store.run_read(lambda tx: tx.values(kind, ("id",)))


def test_it_converges_whatever_happens(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> None:
    stores: list[SqlStore] = []

    def make_house(_: object) -> House:
        folder = tmp_path_factory.mktemp("life")
        store = SqlStore(migrated(folder / "store.db"), clock)
        stores.append(store)
        return House(store, folder / "blobs")

    machine = type("BoundLife", (Life,), {"make_house": make_house})
    run_state_machine_as_test(machine, settings=settings(max_examples=15, stateful_step_count=12, deadline=None))
    for store in stores:
        store.close()
