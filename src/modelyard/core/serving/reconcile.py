"""Reconcile: make what this worker serves equal to what is meant to be served, and say so.

It compares and loads; it remembers nothing that it could not find out again. Stopping it anywhere and starting over
gives the same end.
"""

import contextlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from modelyard.core.catalogue.artifacts import ArtifactStore
from modelyard.core.catalogue.entities import ModelConfig, ModelVersion, Workspace
from modelyard.core.catalogue.runtimes import ModelRuntime
from modelyard.core.catalogue.verified_files import VerifiedFiles
from modelyard.core.kernel.errors import DomainError, failed_precondition
from modelyard.core.kernel.store import Store, Tx
from modelyard.core.serving.batching import batched
from modelyard.core.serving.concurrency import concurrency
from modelyard.core.serving.deployments import namespace
from modelyard.core.serving.entities import Deployment, ModelProcess, Pipeline, PipelineVersion
from modelyard.core.serving.generation import Generation, generation
from modelyard.core.serving.graph.compiling import compile_plan
from modelyard.core.serving.graph.nodes import LoadedModel, Step
from modelyard.core.serving.graph.routers import Rewards
from modelyard.core.serving.processes import in_processes, runtimes_of
from modelyard.core.serving.resources import Resources
from modelyard.core.serving.routes import Route, RouteTable
from modelyard.core.serving.signature import Signature
from modelyard.core.serving.sleeping import Sleepers, SleepingModel
from modelyard.core.serving.standing import Replicated, Standing, by_revision
from modelyard.core.serving.states import SERVED
from modelyard.core.serving.workers import report, report_sleep

_LOG = logging.getLogger(__name__)

Loader = Callable[[Path], LoadedModel]
"""Loads a model that runs in this process from its file."""
Connector = Callable[[ModelVersion, Signature], Replicated]
"""Stands for a model that runs in processes of its own, once it is told to ``use`` them."""


def _no_connector(version: ModelVersion, _: Signature) -> Replicated:
    raise failed_precondition(f"model {version.name} runs in a process of its own, and this worker can reach none")


@dataclass(frozen=True, slots=True)
class Engines:
    """What makes models ready: those of this process, and those of processes elsewhere."""

    load: Loader
    connect: Connector = _no_connector


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A deployment with all that is needed to serve it."""

    deployment: Deployment
    workspace: Workspace
    pipeline: Pipeline
    version: PipelineVersion
    models: list[tuple[ModelVersion, ModelConfig, ModelRuntime | None]]
    standing: Standing


class Reconciler:
    """Keeps one worker's ``RouteTable``. Blocking: run it on a thread, one run at a time."""

    def __init__(  # what it works with
        self,
        store: Store,
        artifacts: ArtifactStore,
        engines: Engines,
        routes: RouteTable,
        worker_id: str,
        rewards: Callable[[int, str], Sequence[Rewards]] = lambda *_: (),
        describe: Callable[[ModelVersion, ModelConfig], str] = lambda *_: "",
    ) -> None:
        """``rewards`` gives what feedback said of a branch, by pipeline id and name.

        ``describe`` says of a model what answers tell of whom a split chose.
        """
        self._store = store
        self._files = VerifiedFiles(artifacts)
        self._engines = engines
        self._routes = routes
        self._worker_id = worker_id
        self._rewards = rewards
        self._describe = describe
        self._connected: dict[tuple[int, int], dict[int, Replicated]] = {}
        self._errors: dict[int, tuple[int, str]] = {}
        self._sleepers = Sleepers()
        self._reports = 0
        self._slept: object = None

    def doze(self) -> None:
        """Drop the models that may sleep and that nobody asked for long enough, and say which sleep."""
        self._sleepers.doze()
        asleep = self._sleepers.asleep()
        now = self._reports, asleep
        if now != self._slept and len(self._sleepers):
            self._store.run_write(report_sleep, self._worker_id, asleep)
            self._slept = now

    def reconcile(self) -> None:
        """Load, swap, drop, report."""
        wanted, processes = self._store.run_read(_read)
        serving = {route.deployment_id: route for route in self._routes.all()}
        routes: list[Route] = []
        for want in wanted:
            route = self._served(want, serving.get(want.deployment.id))
            if route is not None:
                routes.append(route)
        self._routes.replace(routes)
        self._use(routes, processes)
        self._errors = {
            w.deployment.id: self._errors[w.deployment.id] for w in wanted if w.deployment.id in self._errors
        }
        self._store.run_write(report, self._worker_id, self._loaded(routes) | _failed(wanted))
        self._reports += 1

    def _served(self, want: _Wanted, current: Route | None) -> Route | None:
        """The route to serve: the new one, or the old one while the new one cannot be loaded."""
        deployment = want.deployment
        if current is not None and current.revision == deployment.revision:
            return current
        if want.standing.error is not None or not want.standing.is_ready:
            return current  # its processes touch the routes when that changes
        known = self._errors.get(deployment.id)
        if known is not None and known[0] == deployment.revision:
            return current
        try:
            route = self._route(want)
        except DomainError as error:
            _LOG.error("cannot load deployment %s: %s", namespace(deployment), error.message)
            self._errors[deployment.id] = (deployment.revision, error.message)
            return current
        self._errors.pop(deployment.id, None)
        return route

    def _route(self, want: _Wanted) -> Route:
        steps = [self._step(want, place) for place in range(len(want.models))]
        graph = compile_plan(want.deployment.plan, steps, partial(self._rewards, want.pipeline.id))
        if graph.inline:  # processes have warmed themselves, and one that hangs would hold up all other deployments
            with contextlib.suppress(DomainError):  # a model may have good reasons to refuse zeros
                graph.warm_up()
        return Route(
            deployment_id=want.deployment.id,
            revision=want.deployment.revision,
            namespace=namespace(want.deployment),
            workspace_id=want.deployment.workspace_id,
            pipeline_id=want.pipeline.id,
            pipeline_name=want.pipeline.name,
            pipeline_version=want.version.version,
            graph=graph,
            workspace=want.workspace.slug,
            plan=want.deployment.plan,
            models=tuple(version for version, *_ in want.models),
            concurrency=concurrency(want.deployment, [config for _, config, _ in want.models]),
            generation=self._generation(want),
        )

    def _generation(self, want: _Wanted) -> Generation | None:
        if len(want.models) != 1:
            return None
        version, config, _ = want.models[0]
        model = self._connected.get((want.deployment.id, want.deployment.revision), {}).get(0)
        return generation(want.deployment.plan, version, config, model, _label(version))

    def _step(self, want: _Wanted, place: int) -> Step:
        version, config, runtime = want.models[place]
        fields = tuple(config.tensor_fields) if config.tensor_fields else None
        if place in want.standing.places:
            model: LoadedModel = self._reached(want, place, version)
        else:
            load = partial(self._loaded_file, runtime.sha if runtime else version.sha)
            model = self._sleeping(want.deployment, place, version, load) or load()
        return Step(batched(model, config), fields, _label(version), self._describe(version, config))

    def _sleeping(
        self, deployment: Deployment, place: int, version: ModelVersion, load: Callable[[], LoadedModel]
    ) -> LoadedModel | None:
        """The model of a deployment that may have no replica at all."""
        bounds = Resources.of(deployment.engine_config, version.name, version.id).autoscale
        if bounds is None or bounds.least:
            return None
        model = SleepingModel(version.name, load, bounds.window_seconds)
        return self._sleepers.add(deployment.id, deployment.revision, place, model)

    def _loaded_file(self, sha: str) -> LoadedModel:
        return self._engines.load(self._files.path(sha))

    def _reached(self, want: _Wanted, place: int, version: ModelVersion) -> Replicated:
        model = self._engines.connect(version, Signature.from_json(version.signature or {"inputs": [], "outputs": []}))
        model.use(want.standing.sockets(place))
        key = want.deployment.id, want.deployment.revision
        self._connected.setdefault(key, {})[place] = model
        return model

    def _use(self, routes: list[Route], processes: Sequence[ModelProcess]) -> None:
        """Tell what is served whom it may ask now, and let go the processes of what is served no longer."""
        serving = {(route.deployment_id, route.revision) for route in routes}
        places = by_revision(processes)
        for key, models in list(self._connected.items()):
            standing = Standing(frozenset(models), places.get(key, {}))
            for place, model in models.items():
                model.use(standing.sockets(place)) if key in serving else model.close()
            if key not in serving:
                del self._connected[key]

    def _loaded(self, routes: list[Route]) -> dict[int, tuple[int, str | None]]:
        loaded: dict[int, tuple[int, str | None]] = {r.deployment_id: (r.revision, None) for r in routes}
        return loaded | self._errors


def _label(version: ModelVersion) -> str:
    return json.dumps({"model_name": version.name, "model_sha": version.sha})


def _failed(wanted: Sequence[_Wanted]) -> dict[int, tuple[int, str | None]]:
    """What cannot be served because its processes failed, also where they served until then."""
    return {w.deployment.id: (w.deployment.revision, w.standing.error) for w in wanted if w.standing.error is not None}


def _read(tx: Tx) -> tuple[list[_Wanted], list[ModelProcess]]:
    """(what is to be served, the processes of that in whatever revision)."""
    deployments = tx.find(Deployment, state=list(SERVED))
    runtimes = runtimes_of(tx, deployments)
    apart = in_processes(runtimes)
    processes = tx.find(ModelProcess, deployment_id=[d.id for d in deployments]) if deployments else []
    places = by_revision(processes)
    pipelines = {p.id: p for p in tx.find(Pipeline, id=[d.pipeline_id for d in deployments])}
    workspaces = {w.id: w for w in tx.find(Workspace, id=[d.workspace_id for d in deployments])}
    versions = {v.id: v for v in tx.find(PipelineVersion, id=[d.pipeline_version_id for d in deployments])}
    models = {m.id: m for m in tx.find(ModelVersion, id=[x["version_id"] for d in deployments for x in d.models])}
    configs = {c.id: c for c in tx.find(ModelConfig, id=[x["config_id"] for d in deployments for x in d.models])}
    wanted = [
        _Wanted(
            d,
            workspaces[d.workspace_id],
            pipelines[d.pipeline_id],
            versions[d.pipeline_version_id],
            [(models[x["version_id"]], configs[x["config_id"]], runtimes.get(x["version_id"])) for x in d.models],
            Standing(
                frozenset(place for place, model in enumerate(d.models) if model["version_id"] in apart),
                places.get((d.id, d.revision), {}),
            ),
        )
        for d in deployments
    ]
    return wanted, processes
