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
from modelyard.core.kernel.errors import DomainError
from modelyard.core.kernel.store import Store, Tx
from modelyard.core.serving.deployments import namespace
from modelyard.core.serving.entities import Deployment, Pipeline, PipelineVersion
from modelyard.core.serving.graph.compiling import compile_plan
from modelyard.core.serving.graph.nodes import LoadedModel, Step
from modelyard.core.serving.graph.routers import Rewards
from modelyard.core.serving.routes import Route, RouteTable
from modelyard.core.serving.states import SERVED
from modelyard.core.serving.workers import report

_LOG = logging.getLogger(__name__)

Loader = Callable[[Path], LoadedModel]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A deployment with all that is needed to serve it."""

    deployment: Deployment
    workspace: Workspace
    pipeline: Pipeline
    version: PipelineVersion
    models: list[tuple[ModelVersion, ModelConfig]]


class Reconciler:
    """Keeps one worker's ``RouteTable``. Blocking: run it on a thread, one run at a time."""

    def __init__(  # what it works with
        self,
        store: Store,
        artifacts: ArtifactStore,
        load: Loader,
        routes: RouteTable,
        worker_id: str,
        rewards: Callable[[int, str], Sequence[Rewards]] = lambda *_: (),
        describe: Callable[[ModelVersion, ModelConfig], str] = lambda *_: "",
    ) -> None:
        """``rewards`` gives what feedback said of a branch, by pipeline id and name.

        ``describe`` says of a model what answers tell of whom a split chose.
        """
        self._store = store
        self._artifacts = artifacts
        self._load = load
        self._routes = routes
        self._worker_id = worker_id
        self._rewards = rewards
        self._describe = describe
        self._verified: set[str] = set()
        self._errors: dict[int, tuple[int, str]] = {}

    def reconcile(self) -> None:
        """Load, swap, drop, report."""
        wanted = self._store.run_read(_wanted)
        serving = {route.deployment_id: route for route in self._routes.all()}
        routes: list[Route] = []
        for want in wanted:
            route = self._served(want, serving.get(want.deployment.id))
            if route is not None:
                routes.append(route)
        self._routes.replace(routes)
        self._errors = {
            w.deployment.id: self._errors[w.deployment.id] for w in wanted if w.deployment.id in self._errors
        }
        self._store.run_write(report, self._worker_id, self._loaded(routes))

    def _served(self, want: _Wanted, current: Route | None) -> Route | None:
        """The route to serve: the new one, or the old one while the new one cannot be loaded."""
        deployment = want.deployment
        if current is not None and current.revision == deployment.revision:
            return current
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
        steps = [self._step(version, config) for version, config in want.models]
        graph = compile_plan(want.deployment.plan, steps, partial(self._rewards, want.pipeline.id))
        with contextlib.suppress(DomainError):  # only to be warm: a model may have good reasons to refuse zeros
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
            models=tuple(version for version, _ in want.models),
        )

    def _step(self, version: ModelVersion, config: ModelConfig) -> Step:
        if version.sha not in self._verified:
            self._artifacts.verify(version.sha)
            self._verified.add(version.sha)
        fields = tuple(config.tensor_fields) if config.tensor_fields else None
        label = json.dumps({"model_name": version.name, "model_sha": version.sha})
        model = self._load(self._artifacts.path(version.sha))
        return Step(model, fields, label, self._describe(version, config))

    def _loaded(self, routes: list[Route]) -> dict[int, tuple[int, str | None]]:
        loaded: dict[int, tuple[int, str | None]] = {r.deployment_id: (r.revision, None) for r in routes}
        return loaded | self._errors


def _wanted(tx: Tx) -> list[_Wanted]:
    deployments = tx.find(Deployment, state=list(SERVED))
    pipelines = {p.id: p for p in tx.find(Pipeline, id=[d.pipeline_id for d in deployments])}
    workspaces = {w.id: w for w in tx.find(Workspace, id=[d.workspace_id for d in deployments])}
    versions = {v.id: v for v in tx.find(PipelineVersion, id=[d.pipeline_version_id for d in deployments])}
    models = {m.id: m for m in tx.find(ModelVersion, id=[x["version_id"] for d in deployments for x in d.models])}
    configs = {c.id: c for c in tx.find(ModelConfig, id=[x["config_id"] for d in deployments for x in d.models])}
    return [
        _Wanted(
            d,
            workspaces[d.workspace_id],
            pipelines[d.pipeline_id],
            versions[d.pipeline_version_id],
            [(models[x["version_id"]], configs[x["config_id"]]) for x in d.models],
        )
        for d in deployments
    ]
