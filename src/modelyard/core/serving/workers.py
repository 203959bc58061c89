"""Workers: which processes are alive, and what each has loaded."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.kernel.errors import failed_precondition
from modelyard.core.kernel.store import Between, Tx
from modelyard.core.serving.entities import Deployment, Replica, Worker
from modelyard.core.serving.events import note_event
from modelyard.core.serving.processes import abandon_processes, of_processes
from modelyard.core.serving.settling import enter, settle
from modelyard.core.serving.states import SERVED, DeploymentState

WORKER_TIMEOUT = timedelta(seconds=10)


def register_worker(tx: Tx, worker_id: str, server_id: str, pid: int) -> None:
    """A worker begins. What is deployed waits for it from now on."""
    tx.insert(Worker(worker_id, server_id, pid, tx.now, tx.now))


def heartbeat(tx: Tx, worker_id: str) -> bool:
    """The worker is alive; False when it was given up meanwhile and must begin anew."""
    if tx.get(Worker, worker_id) is None:
        return False
    tx.update(Worker, worker_id, lambda worker: replace(worker, heartbeat_at=tx.now))
    return True


def report(tx: Tx, worker_id: str, loaded: Mapping[int, tuple[int, str | None]]) -> None:
    """A worker holds exactly this: deployment id to (revision, why it could not be loaded). Settles what it touches."""
    if tx.get(Worker, worker_id) is None:
        return
    before = {replica.deployment_id: replica for replica in tx.find(Replica, worker_id=worker_id)}
    known = {deployment.id: deployment for deployment in tx.find(Deployment, id=list(loaded))}
    changed = set(before) - set(loaded)
    for deployment_id, (revision, error) in loaded.items():
        old = before.get(deployment_id)
        if deployment_id not in known or (old and (old.revision, old.error) == (revision, error)):
            continue
        changed.add(deployment_id)
        tx.delete(Replica, worker_id=worker_id, deployment_id=deployment_id)
        tx.insert(Replica(0, worker_id, deployment_id, revision, error, []))
        said = f"cannot load revision {revision}: {error}" if error else f"loaded revision {revision}"
        of = known[deployment_id]
        note_event(tx, of.workspace_id, of.pipeline_id, said, worker_id)
    gone = list(set(before) - set(loaded))
    if gone:
        tx.delete(Replica, worker_id=worker_id, deployment_id=gone)
    _settle(tx, list(changed))


def report_sleep(tx: Tx, worker_id: str, asleep: Mapping[tuple[int, int], list[int]]) -> None:
    """Of what the worker holds, it has dropped exactly these models: (deployment id, revision) to their places."""
    for replica in tx.find(Replica, worker_id=worker_id):
        places = asleep.get((replica.deployment_id, replica.revision), [])
        if places != replica.asleep:
            tx.update(Replica, replica.id, partial(replace, asleep=places))
            _note_sleep(tx, replica, places)


def _note_sleep(tx: Tx, replica: Replica, places: list[int]) -> None:
    deployment = tx.get(Deployment, replica.deployment_id)
    if deployment is None or deployment.revision != replica.revision:
        return
    for place, model in enumerate(deployment.models):
        if (place in places) != (place in replica.asleep):
            version = tx.get(ModelVersion, model["version_id"])
            said = "falls asleep: nobody asks" if place in places else "is woken"
            name = version.name if version else place
            message = f"model {name} {said}"
            note_event(tx, deployment.workspace_id, deployment.pipeline_id, message, replica.worker_id)


def remove_workers(tx: Tx, worker_ids: list[str]) -> None:
    """These workers ended: deployments wait for them no longer."""
    _remove(tx, worker_ids)


def live_workers(tx: Tx) -> int:
    """How many workers have said lately that they are alive; asks for no permission."""
    return len(tx.values(Worker, ("id",), heartbeat_at=Between(at_least=tx.now - WORKER_TIMEOUT)))


def workers_of(tx: Tx, server_id: str) -> list[Worker]:
    """The workers of one server, as far as they are known."""
    return tx.find(Worker, server_id=server_id)


def claim_database(tx: Tx, server_id: str) -> None:
    """A server starts: what it ran before is dead. ``FAILED_PRECONDITION`` when another one is at work.

    Models and logs lie in a server's data folder, so that one could not serve what was uploaded to the other.
    """
    sweep_workers(tx)
    other = next((worker for worker in tx.find(Worker) if worker.server_id != server_id), None)
    if other is not None:
        raise failed_precondition(
            f"another server with a data folder of its own uses this database (its worker {other.id} was alive at "
            f"{other.heartbeat_at:%H:%M:%S} UTC); stop it, or give this one its own database"
        )
    _remove(tx, [worker.id for worker in workers_of(tx, server_id)])
    abandon_processes(tx, server_id)
    for deployment in of_processes(tx, tx.find(Deployment, state=DeploymentState.RUNNING)):
        # the others are loaded before the first request is taken
        enter(tx, deployment, DeploymentState.STARTING, None, "the server was started")


def sweep_workers(tx: Tx) -> int:
    """Give up workers without a heartbeat; returns how many."""
    late = Between(at_most=tx.now - WORKER_TIMEOUT)
    dead = [worker_id for (worker_id,) in tx.values(Worker, ("id",), heartbeat_at=late)]
    _remove(tx, dead)
    return len(dead)


def _remove(tx: Tx, worker_ids: list[str]) -> None:
    if not worker_ids:
        return
    tx.delete(Replica, worker_id=worker_ids)
    tx.delete(Worker, id=worker_ids)
    open_states = [*SERVED, DeploymentState.STOPPING]
    _settle(tx, [key for (key,) in tx.values(Deployment, ("id",), state=open_states)])


def _settle(tx: Tx, deployment_ids: list[int]) -> None:
    for deployment in tx.find(Deployment, id=deployment_ids) if deployment_ids else []:
        settle(tx, deployment)
