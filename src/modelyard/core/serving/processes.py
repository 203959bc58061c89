"""Which processes models are to run in, and what became of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.catalogue.runtimes import Environment, ModelRuntime, RuntimeKind
from modelyard.core.kernel.store import Topic, Tx
from modelyard.core.serving.entities import Deployment, ModelProcess, ProcessState, Replica, Worker
from modelyard.core.serving.events import note_event
from modelyard.core.serving.resources import MOST_REPLICAS, Resources
from modelyard.core.serving.rollout.entities import Rollout
from modelyard.core.serving.rollout.states import RolloutState
from modelyard.core.serving.states import SERVED, DeploymentState


@dataclass(frozen=True, slots=True, order=True)
class ProcessKey:
    """Which process: of which deployment's revision, for the model at which place, and its number among replicas."""

    deployment_id: int
    revision: int
    place: int
    number: int


@dataclass(frozen=True, slots=True)
class WantedProcess:
    """A process that there should be, with all that is needed to start it.

    One on ``standby`` is asked by nobody: its revision comes back if the one on trial fails.
    """

    key: ProcessKey
    workspace_id: int
    pipeline_id: int
    version: ModelVersion
    runtime: ModelRuntime
    environment: Environment | None
    resources: Resources
    standby: bool = False

    def runs_as(self, other: Self) -> bool:
        """Whether a process that was started for the other one can be this one, too."""
        same = replace(other, key=self.key, version=self.version, standby=self.standby) == self
        mine, others = self.key, other.key
        place = mine.deployment_id, mine.place, mine.number
        return same and place == (others.deployment_id, others.place, others.number)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What there should be; where the number of replicas follows the load, as many as there may be.

    ``held`` are the (deployment id, revision) that workers say they serve, ``switching`` the deployments that not all
    of them serve as they should: what served these before is needed until they do.
    """

    processes: list[WantedProcess]
    held: frozenset[tuple[int, int]]
    switching: frozenset[int]


def wanted_processes(tx: Tx, standby: int = MOST_REPLICAS) -> Wanted:
    """What there should be now; on standby, so many processes of each model at most."""
    deployments = tx.find(Deployment, state=[*SERVED, DeploymentState.STOPPING])
    served = [deployment for deployment in deployments if deployment.state in SERVED]
    former = _former(tx, served) if standby else []
    find = _Finder(tx, [*served, *former])
    kept = [process for deployment in former for process in find.processes(deployment) if process.key.number < standby]
    asked = [process for deployment in served for process in find.processes(deployment)]
    return Wanted([*asked, *(replace(process, standby=True) for process in kept)], *_served(tx, deployments))


class _Finder:
    """What is known of the models of some deployments."""

    def __init__(self, tx: Tx, deployments: Sequence[Deployment]) -> None:
        self._runtimes = runtimes = in_processes(runtimes_of(tx, deployments))
        versions = tx.find(ModelVersion, id=list(runtimes)) if runtimes else []
        self._versions = {version.id: version for version in versions}
        digests = {runtime.environment for runtime in runtimes.values()}
        environments = tx.find(Environment, id=sorted(digests)) if digests else []
        self._environments = {environment.id: environment for environment in environments}

    def processes(self, deployment: Deployment) -> Iterator[WantedProcess]:
        """As many as the deployment may have."""
        for place, runtime in _places(deployment, self._runtimes).items():
            version = self._versions[runtime.model_version_id]
            resources = Resources.of(deployment.engine_config, version.name, version.id)
            for number in range(resources.most):
                yield WantedProcess(
                    ProcessKey(deployment.id, deployment.revision, place, number),
                    deployment.workspace_id,
                    deployment.pipeline_id,
                    version,
                    runtime,
                    self._environments.get(runtime.environment),
                    resources,
                )


def _former(tx: Tx, served: Sequence[Deployment]) -> list[Deployment]:
    """The deployments that have a revision on trial, as they were before: what they return to if it fails."""
    trials = {trial.deployment_id: trial for trial in tx.find(Rollout, state=RolloutState.BAKING)}
    known = [(deployment, trials[deployment.id]) for deployment in served if deployment.id in trials]
    return [
        replace(
            deployment,
            revision=trial.from_revision,
            models=trial.models,
            plan=trial.plan,
            engine_config=trial.engine_config,
        )
        for deployment, trial in known
        if deployment.revision == trial.to_revision
    ]


def runtimes_of(tx: Tx, deployments: Sequence[Deployment]) -> dict[int, ModelRuntime]:
    """The runtimes of the models of deployments, by version id, where they have one."""
    ids = sorted({model["version_id"] for deployment in deployments for model in deployment.models})
    found = tx.find(ModelRuntime, model_version_id=ids) if ids else []
    return {runtime.model_version_id: runtime for runtime in found}


def in_processes(runtimes: Mapping[int, ModelRuntime]) -> dict[int, ModelRuntime]:
    """Those of models that run in processes."""
    return {key: runtime for key, runtime in runtimes.items() if runtime.kind == RuntimeKind.PROCESS}


def of_processes(tx: Tx, deployments: Sequence[Deployment]) -> list[Deployment]:
    """Those that have models which run in processes."""
    runtimes = in_processes(runtimes_of(tx, deployments))
    return [deployment for deployment in deployments if _places(deployment, runtimes)]


def _places(deployment: Deployment, runtimes: Mapping[int, ModelRuntime]) -> dict[int, ModelRuntime]:
    """The places of the deployment's models that have one of the runtimes, with it."""
    models = enumerate(deployment.models)
    return {place: runtimes[model["version_id"]] for place, model in models if model["version_id"] in runtimes}


def processes_are_needed(tx: Tx, server_id: str) -> bool:
    """Whether there should be any, or still are."""
    if tx.first(ModelProcess, server_id=server_id) is not None:
        return True
    served = tx.find(Deployment, state=list(SERVED))
    return bool(of_processes(tx, [*served, *_former(tx, served)]))


def report_processes(
    tx: Tx, changed: Sequence[ModelProcess], gone: Sequence[ProcessKey], said: Sequence[tuple[int, int, str]]
) -> None:
    """``changed`` are as they are now, ``gone`` ended before; ``said``: (workspace id, pipeline id, message)."""
    for key in gone:  # first: another one of that number may have come meanwhile
        tx.delete(ModelProcess, **_where(key))
    for process in changed:
        if tx.get(Deployment, process.deployment_id) is not None:  # it may be gone meanwhile
            _put(tx, process)
    for workspace_id, pipeline_id, message in said:
        if tx.first(Deployment, pipeline_id=pipeline_id) is not None:
            note_event(tx, workspace_id, pipeline_id, message)
    tx.touch(Topic.ROUTES)


def abandon_processes(tx: Tx, server_id: str) -> None:
    """Who kept them running is dead, and they are with it: requests wait until they run again."""
    stale = {"server_id": server_id, "state": [ProcessState.READY, ProcessState.ASLEEP]}
    if tx.change(ModelProcess, {"state": ProcessState.RESTARTING}, **stale):
        tx.touch(Topic.ROUTES)


def forget_processes(tx: Tx, server_id: str) -> None:
    """None of them is there any longer."""
    if tx.delete(ModelProcess, server_id=server_id):
        tx.touch(Topic.ROUTES)


def processes_of(tx: Tx, deployment: Deployment) -> list[ModelProcess]:
    """Those of the deployment's current revision."""
    return tx.find(ModelProcess, deployment_id=deployment.id, revision=deployment.revision)


def key_of(process: ModelProcess) -> ProcessKey:
    """Which one it is."""
    return ProcessKey(process.deployment_id, process.revision, process.place, process.number)


def _served(tx: Tx, deployments: Sequence[Deployment]) -> tuple[frozenset[tuple[int, int]], frozenset[int]]:
    workers = {worker_id for (worker_id,) in tx.values(Worker, ("id",))}
    replicas = [r for r in tx.find(Replica, deployment_id=[d.id for d in deployments]) if r.error is None]
    held = frozenset((replica.deployment_id, replica.revision) for replica in replicas)
    settled = {(replica.deployment_id, replica.revision, replica.worker_id) for replica in replicas}
    switching = {d.id for d in deployments if not all((d.id, d.revision, worker) in settled for worker in workers)}
    return held, frozenset(switching)


def _put(tx: Tx, process: ModelProcess) -> None:
    found = tx.first(ModelProcess, **_where(key_of(process)))
    if found is None:
        tx.insert(process)
    else:
        tx.update(ModelProcess, found.id, lambda old: replace(process, id=old.id))


def _where(key: ProcessKey) -> dict[str, Any]:
    return {
        "deployment_id": key.deployment_id,
        "revision": key.revision,
        "place": key.place,
        "number": key.number,
    }
