"""Deployments whose models run in processes: who is wanted, and what workers make of what the host reports."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelyard.artifacts.local import LocalArtifacts
from modelyard.core.access.permissions import Role
from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.catalogue.models import CheckedFile, NewVersion, record_upload
from modelyard.core.catalogue.runtimes import Environment, ModelRuntime, RuntimeKind
from modelyard.core.catalogue.workspaces import create_workspace
from modelyard.core.identity.users import NewUser, add_user, load_actor
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.deployments import Deploy, deploy, namespace, undeploy
from modelyard.core.serving.entities import Deployment, DeploymentEvent, ModelProcess, ProcessState, Replica
from modelyard.core.serving.pipelines import create_pipeline
from modelyard.core.serving.processes import (
    ProcessKey,
    abandon_processes,
    forget_processes,
    key_of,
    processes_are_needed,
    report_processes,
    wanted_processes,
)
from modelyard.core.serving.reconcile import Engines, Reconciler
from modelyard.core.serving.rollout.guards import Terms, remove_guard, set_guard
from modelyard.core.serving.rollout.returning import roll_back
from modelyard.core.serving.routes import RouteTable
from modelyard.core.serving.signature import Signature, TensorSpec
from modelyard.core.serving.states import DeploymentState
from modelyard.core.serving.tensors import Array
from modelyard.core.serving.workers import claim_database, register_worker, remove_workers
from modelyard.engines import onnx
from modelyard.engines.process.scaling import Scaling
from modelyard.storage.store import SqlStore

ONNX = Path(__file__).parents[3] / "examples" / "models" / "ccfraud.onnx"
SIGNATURE = Signature((TensorSpec("tensor", "float32", (None, 29)),), (TensorSpec("dense_1", "float32", (None, 1)),))


class Apart:
    """Stands for processes, and remembers whom it was told to ask."""

    inline = False
    yields = False

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self.sockets: list[str] = []
        self.closed = False

    def use(self, sockets: Sequence[str]) -> None:
        self.sockets = list(sockets)

    def close(self) -> None:
        self.closed = True

    def run(self, inputs: dict[str, Array]) -> list[Array]:
        raise AssertionError(f"nobody asks with {list(inputs)}")


class Yard:
    """A store, a worker, and a host that reports what the test says."""

    def __init__(self, store: SqlStore, folder: Path) -> None:
        self.store = store
        self.artifacts = LocalArtifacts(folder)
        user = store.run_write(add_user, NewUser("owner", None, None, (Role.USER,)))
        self.actor = store.run_read(load_actor, user.id, None)
        self.workspace = store.run_write(create_workspace, self.actor, "w").id
        self.made: list[Apart] = []
        self.routes = RouteTable()
        self.loads = 0
        self.begin("a")

    def begin(self, worker: str) -> None:
        """A worker of that id is there, which serves nothing yet."""
        engines = Engines(self._load, lambda _, signature: self._made(signature))
        self.routes.replace([])
        self._reconciler = Reconciler(self.store, self.artifacts, engines, self.routes, worker)
        self.store.run_write(register_worker, worker, "server", 1)

    def upload(self, kind: RuntimeKind = RuntimeKind.PROCESS) -> str:
        """A version of a model that runs so; its uuid."""
        with self.artifacts.upload(10**7) as incoming:
            incoming.write(ONNX.read_bytes())
            sha = incoming.finish()
            incoming.keep()
        checked = CheckedFile(sha, incoming.size, SIGNATURE.to_json())
        version = self.store.run_write(record_upload, self.actor, NewVersion(self.workspace, "m", "m.onnx"), checked)
        self.store.run_write(_run_as, version.version, kind, sha)
        return version.version

    def deploy(self, version: str, **engine: Any) -> Deployment:
        step = {"ModelInference": {"models": [{"name": "m", "version": version, "sha": ""}]}}
        made = self.store.run_write(create_pipeline, self.actor, self.workspace, "p", {"id": "p", "steps": [step]})
        command = Deploy("p", version_id=made.id, engine_config={"engine": engine})
        return self.store.run_write(deploy, self.actor, command)

    def report(self, deployment: Deployment, state: ProcessState, number: int = 0, error: str | None = None) -> None:
        now = deployment.updated_at
        key = (deployment.workspace_id, deployment.id, deployment.revision, 0, number)
        socket = f"run/models/{deployment.revision}-{number}.sock"
        row = ModelProcess(0, "server", *key, state, socket, "isolated", 7, 0, error, None, now, now)
        said = [(deployment.workspace_id, deployment.pipeline_id, f"process is {state}")]
        self.store.run_write(report_processes, [row], [], said)
        self._reconciler.reconcile()

    def reconcile(self) -> None:
        self._reconciler.reconcile()

    def doze(self) -> None:
        self._reconciler.doze()

    def state(self, deployment: Deployment) -> tuple[DeploymentState, str | None]:
        found = self.store.run_read(lambda tx: tx.get(Deployment, deployment.id))
        assert found is not None
        return DeploymentState(found.state), found.error

    def processes(self) -> dict[int, str]:
        """What they are said to do, by number."""
        return {process.number: process.state for process in self.store.run_read(lambda tx: tx.find(ModelProcess))}

    def wanted(self, standby: int = 64) -> dict[tuple[int, int], bool]:
        """Whether they are on standby, by revision and number."""
        found = self.store.run_read(wanted_processes, standby).processes
        return {(each.key.revision, each.key.number): each.standby for each in found}

    def serves(self) -> dict[str, int]:
        return {route.namespace: route.revision for route in self.routes.all()}

    def _load(self, path: Path) -> onnx.OnnxModel:
        self.loads += 1
        return onnx.load(path)

    def _made(self, signature: Signature) -> Apart:
        self.made.append(Apart(signature))
        return self.made[-1]


@pytest.fixture
def yard(store: SqlStore, tmp_path: Path) -> Yard:
    return Yard(store, tmp_path / "blobs")


def test_as_many_processes_are_wanted_as_replicas(yard: Yard) -> None:
    assert not yard.store.run_read(processes_are_needed, "server")
    deployment = yard.deploy(yard.upload(), replicas=2, resources={"limits": {"memory": "1Gi"}})
    wanted = yard.store.run_read(wanted_processes)
    assert [each.key for each in wanted.processes] == [
        ProcessKey(deployment.id, 1, 0, 0),
        ProcessKey(deployment.id, 1, 0, 1),
    ]
    assert {each.resources.memory_bytes for each in wanted.processes} == {2**30}
    assert {each.environment.id for each in wanted.processes if each.environment} == {"digest"}
    assert wanted.switching == {deployment.id}
    assert yard.store.run_read(processes_are_needed, "server")


def test_a_version_that_was_converted_needs_none_and_is_served(yard: Yard) -> None:
    deployment = yard.deploy(yard.upload(RuntimeKind.ONNX))
    assert not yard.store.run_read(wanted_processes).processes
    yard.reconcile()
    assert yard.state(deployment) == (DeploymentState.RUNNING, None)
    assert yard.routes.all()[0].graph.inline


def test_it_is_served_once_a_process_is_ready(yard: Yard) -> None:
    deployment = yard.deploy(yard.upload(), replicas=2)
    yard.reconcile()
    assert (yard.state(deployment), yard.serves()) == ((DeploymentState.STARTING, None), {})
    yard.report(deployment, ProcessState.STARTING)
    assert yard.state(deployment)[0] is DeploymentState.STARTING
    yard.report(deployment, ProcessState.READY)
    assert yard.state(deployment) == (DeploymentState.RUNNING, None)
    assert yard.serves() == {namespace(deployment): 1}
    assert yard.made[0].sockets == ["run/models/1-0.sock"]


def test_who_is_asked_follows_what_is_ready(yard: Yard) -> None:
    deployment = yard.deploy(yard.upload(), replicas=2)
    yard.report(deployment, ProcessState.READY)
    yard.report(deployment, ProcessState.READY, 1)
    assert yard.made[0].sockets == ["run/models/1-0.sock", "run/models/1-1.sock"]
    yard.report(deployment, ProcessState.RESTARTING)
    assert yard.made[0].sockets == ["run/models/1-1.sock"]
    yard.report(deployment, ProcessState.RESTARTING, 1)
    assert yard.made[0].sockets == ["run/models/1-0.sock", "run/models/1-1.sock"]  # a request waits for them
    assert len(yard.made) == 1
    yard.store.run_write(forget_processes, "server")
    yard.reconcile()
    assert yard.made[0].sockets == []


def test_those_of_a_host_that_died_are_waited_for_and_not_served_anew(yard: Yard) -> None:
    deployment = yard.deploy(yard.upload(), replicas=2)
    yard.report(deployment, ProcessState.READY)
    yard.report(deployment, ProcessState.FAILED, 1)
    yard.store.run_write(abandon_processes, "another server")
    assert yard.processes() == {0: ProcessState.READY, 1: ProcessState.FAILED}
    yard.store.run_write(abandon_processes, "server")
    assert yard.processes() == {0: ProcessState.RESTARTING, 1: ProcessState.FAILED}
    yard.reconcile()
    assert yard.made[0].sockets == ["run/models/1-0.sock"]


def test_after_a_start_of_the_server_it_is_running_once_its_process_is_ready_again(yard: Yard) -> None:
    deployment = yard.deploy(yard.upload())
    yard.report(deployment, ProcessState.READY)
    yard.store.run_write(claim_database, "server")
    assert yard.state(deployment)[0] is DeploymentState.STARTING
    yard.begin("b")
    yard.reconcile()
    assert (yard.state(deployment)[0], yard.serves()) == (DeploymentState.STARTING, {})
    yard.report(deployment, ProcessState.READY)
    assert (yard.state(deployment)[0], len(yard.serves())) == (DeploymentState.RUNNING, 1)


def test_a_start_of_the_server_takes_nothing_from_what_needs_no_process(yard: Yard) -> None:
    deployment = yard.deploy(yard.upload(RuntimeKind.ONNX))
    yard.reconcile()
    yard.store.run_write(claim_database, "server")
    assert yard.state(deployment)[0] is DeploymentState.RUNNING


def test_one_that_sleeps_is_served_and_asked_where_it_wakes(yard: Yard) -> None:
    deployment = yard.deploy(yard.upload())
    yard.report(deployment, ProcessState.ASLEEP)
    assert yard.state(deployment) == (DeploymentState.RUNNING, None)
    assert yard.made[0].sockets == ["run/models/1-0.sock"]
    yard.report(deployment, ProcessState.STARTING)
    assert yard.made[0].sockets == ["run/models/1-0.sock"]


def test_where_the_number_follows_the_load_as_many_are_told_as_there_may_be(yard: Yard) -> None:
    yard.deploy(yard.upload(), autoscale={"type": "cpu", "replica_min": 0, "replica_max": 3})
    assert [each.key.number for each in yard.store.run_read(wanted_processes).processes] == [0, 1, 2]


def test_a_new_revision_begins_with_as_many_as_the_old_one_had(yard: Yard) -> None:
    scaling = Scaling()

    def numbers(least: int) -> list[tuple[int, int]]:
        yard.deploy(yard.upload(), autoscale={"type": "cpu", "replica_min": least, "replica_max": 4})
        fitting = scaling.fitting(yard.store.run_read(wanted_processes).processes)
        return [(each.key.revision, each.key.number) for each in fitting]

    assert numbers(least=3) == [(1, 0), (1, 1), (1, 2)]
    assert numbers(least=0) == [(2, 0), (2, 1), (2, 2)]


def test_one_that_comes_after_another_of_its_number_is_known(yard: Yard) -> None:
    deployment = yard.deploy(yard.upload())
    yard.report(deployment, ProcessState.READY)
    (row,) = yard.store.run_read(lambda tx: tx.find(ModelProcess))
    yard.store.run_write(report_processes, [replace(row, pid=8)], [key_of(row)], [])
    assert [each.pid for each in yard.store.run_read(lambda tx: tx.find(ModelProcess))] == [8]


def test_a_model_of_the_worker_that_may_sleep_is_kept_off_the_event_loop_and_dropped(yard: Yard) -> None:
    asked = {"type": "cpu", "replica_min": 0, "replica_max": 1, "autoscaling_window": 1}
    yard.deploy(yard.upload(RuntimeKind.ONNX), autoscale=asked)
    yard.reconcile()
    graph = yard.routes.all()[0].graph
    assert not graph.inline
    before = graph.run({"tensor": np.ones((1, 29), np.float32)}).outputs["dense_1"]
    time.sleep(1.1)
    yard.doze()
    assert graph.run({"tensor": np.ones((1, 29), np.float32)}).outputs["dense_1"] == before
    assert yard.loads == 2


def test_each_worker_says_which_models_it_has_dropped_and_when_they_are_woken(yard: Yard) -> None:
    asked = {"type": "cpu", "replica_min": 0, "replica_max": 1, "autoscaling_window": 1}
    yard.deploy(yard.upload(RuntimeKind.ONNX), autoscale=asked)
    yard.reconcile()

    def asleep() -> list[list[int]]:
        yard.doze()
        return [replica.asleep for replica in yard.store.run_read(lambda tx: tx.find(Replica))]

    assert asleep() == [[]]
    time.sleep(1.1)
    assert asleep() == [[0]]
    yard.store.run_write(remove_workers, ["a"])
    yard.store.run_write(register_worker, "a", "server", 1)
    yard.reconcile()
    assert asleep() == [[0]]  # said anew by a worker that was given up meanwhile
    yard.routes.all()[0].graph.run({"tensor": np.ones((1, 29), np.float32)})
    assert asleep() == [[]]
    events = [(e.message, e.worker_id) for e in yard.store.run_read(lambda tx: tx.find(DeploymentEvent))]
    assert ("model m falls asleep: nobody asks", "a") in events
    assert ("model m is woken", "a") in events


def test_the_old_revision_is_served_and_held_until_the_new_one_is_ready(yard: Yard) -> None:
    old = yard.deploy(yard.upload())
    yard.report(old, ProcessState.READY)
    new = yard.deploy(yard.upload())
    yard.reconcile()
    assert yard.serves() == {namespace(old): 1}
    wanted = yard.store.run_read(wanted_processes)
    assert [each.key.revision for each in wanted.processes] == [2]
    assert (wanted.held, wanted.switching) == ({(old.id, 1)}, {old.id})
    yard.report(new, ProcessState.READY)
    assert yard.serves() == {namespace(old): 2}
    wanted = yard.store.run_read(wanted_processes)
    assert (wanted.held, wanted.switching) == ({(old.id, 2)}, frozenset())
    assert [each.closed for each in yard.made] == [True, False]


def test_processes_that_failed_are_the_deployments_error_and_the_old_one_stays(yard: Yard) -> None:
    old = yard.deploy(yard.upload())
    yard.report(old, ProcessState.READY)
    new = yard.deploy(yard.upload())
    yard.report(new, ProcessState.FAILED, error="it ended by exit code 1; its last output: no luck")
    assert yard.state(new) == (DeploymentState.ERROR, "it ended by exit code 1; its last output: no luck")
    assert yard.serves() == {namespace(old): 1}
    assert not yard.made[0].closed
    again = yard.deploy(yard.upload())
    yard.report(again, ProcessState.READY)
    assert yard.state(again) == (DeploymentState.RUNNING, None)
    events = yard.store.run_read(lambda tx: [event.message for event in tx.find(DeploymentEvent)])
    assert "process is FAILED" in events


def test_those_of_the_revision_before_are_kept_while_another_one_is_on_trial(yard: Yard) -> None:
    good = yard.upload()
    yard.report(yard.deploy(good, replicas=2), ProcessState.READY)
    yard.store.run_write(set_guard, yard.actor, "w", "p", Terms())
    yard.report(yard.deploy(yard.upload()), ProcessState.READY)
    assert yard.wanted() == {(2, 0): False, (1, 0): True, (1, 1): True}
    assert yard.wanted(standby=1) == {(2, 0): False, (1, 0): True}
    assert yard.wanted(standby=0) == {(2, 0): False}
    before = {each.key.revision: each for each in yard.store.run_read(wanted_processes).processes}[1]
    yard.store.run_write(roll_back, yard.actor, "w", "p")
    after = yard.store.run_read(wanted_processes).processes
    assert yard.wanted() == {(3, 0): False, (3, 1): False}
    assert [before.runs_as(each) for each in after] == [False, True]
    assert not before.runs_as(replace(after[1], resources=replace(after[1].resources, cpu=2.0)))


def test_none_is_kept_without_a_trial_or_once_it_is_over(yard: Yard) -> None:
    yard.report(yard.deploy(yard.upload()), ProcessState.READY)
    yard.report(yard.deploy(yard.upload()), ProcessState.READY)
    assert yard.wanted() == {(2, 0): False}
    yard.store.run_write(set_guard, yard.actor, "w", "p", Terms())
    onnx_only = yard.deploy(yard.upload(RuntimeKind.ONNX))
    assert yard.wanted() == {(2, 0): True}
    yard.store.run_write(forget_processes, "server")
    assert yard.store.run_read(processes_are_needed, "server")  # also after a start of the server
    yard.store.run_write(remove_guard, yard.actor, "w", "p")
    assert yard.wanted() == {}
    assert not yard.store.run_read(processes_are_needed, "server")
    yard.store.run_write(set_guard, yard.actor, "w", "p", Terms())
    yard.deploy(yard.upload())
    yard.store.run_write(undeploy, yard.actor, deployment_id=onnx_only.id)
    assert yard.wanted() == {}


def test_nothing_is_wanted_once_it_is_undeployed(yard: Yard) -> None:
    deployment = yard.deploy(yard.upload())
    yard.report(deployment, ProcessState.READY)
    yard.store.run_write(undeploy, yard.actor, deployment_id=deployment.id)
    wanted = yard.store.run_read(wanted_processes)
    assert (wanted.processes, wanted.held) == ([], {(deployment.id, 1)})
    yard.reconcile()
    assert yard.made[0].closed
    assert yard.store.run_read(wanted_processes).held == frozenset()


def _run_as(tx: Tx, version: str, kind: RuntimeKind, sha: str) -> None:
    found = tx.first(ModelVersion, version=version)
    assert found is not None
    converted = kind is RuntimeKind.ONNX
    if converted:
        tx.update(ModelVersion, found.id, lambda old: replace(old, sha="0" * 64))
    if tx.get(Environment, "digest") is None:
        tx.insert(Environment("digest", "3.11", [], "", tx.now))
    loader, environment = ("", "") if converted else ("sklearn", "digest")
    row = ModelRuntime(0, found.workspace_id, found.id, kind, sha, loader, {}, environment, "unknown", None, tx.now)
    tx.insert(row)
