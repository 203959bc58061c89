"""The repository of models (Triton's extension): which pipelines there are, and to have them served or not."""

import asyncio
from collections import Counter
from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.store import Store, Tx
from modelyard.core.serving.deployments import Deploy, deploy, undeploy
from modelyard.core.serving.entities import Deployment, Pipeline, PipelineVersion
from modelyard.core.serving.naming import pipeline_named, qualified
from modelyard.core.serving.pipelines import list_pipelines
from modelyard.core.serving.reading import deployments
from modelyard.core.serving.states import SERVED, DeploymentState
from modelyard.dialects.open_inference.dialect import json, open_inference
from modelyard.web.call import Call

_STATES = {
    DeploymentState.RUNNING: "READY",
    DeploymentState.STARTING: "LOADING",
    DeploymentState.STOPPING: "UNLOADING",
    DeploymentState.ERROR: "UNAVAILABLE",
    DeploymentState.STOPPED: "UNAVAILABLE",
}
_LOAD_SECONDS = 60.0
_LOOK_SECONDS = 0.05
_HARMLESS = {"unload_dependents"}


class Asked(msgspec.Struct):
    """What may be asked of the index."""

    ready: bool = False


class Change(msgspec.Struct):
    """What may come with loading or unloading."""

    parameters: dict[str, Any] = {}


@open_inference.post("/v2/repository/index", Permission.PIPELINE_READ)
async def index(call: Call) -> Response:
    """The pipelines that the caller may see, and what is served of them."""
    asked = await call.json(Asked)
    return json(await call.services.store.read(entries, call.actor, asked.ready))


@open_inference.post("/v2/repository/models/{model}/load", Permission.PIPELINE_DEPLOY)
async def load(call: Call) -> Response:
    """Have a pipeline served; answers when it is."""
    check_parameters((await call.json(Change)).parameters)
    await load_model(call.services.store, call.actor, call.request.path_params["model"])
    return json({})


@open_inference.post("/v2/repository/models/{model}/unload", Permission.PIPELINE_DEPLOY)
async def unload(call: Call) -> Response:
    """Have a pipeline served no longer; answers when it is not."""
    check_parameters((await call.json(Change)).parameters)
    await unload_model(call.services.store, call.actor, call.request.path_params["model"])
    return json({})


def entries(tx: Tx, actor: Actor, ready: bool) -> list[dict[str, str]]:
    """The lines of the index: names alone where that is enough, else with the namespace."""
    views = list_pipelines(tx, actor)
    count = Counter(view.pipeline.name for view in views)
    names = qualified(tx, [view.pipeline for view in views])
    served = {deployment.pipeline_id: deployment for deployment in deployments(tx, actor)}
    lines = []
    for view in views:
        pipeline, found = view.pipeline, served.get(view.pipeline.id)
        version = tx.get(PipelineVersion, found.pipeline_version_id) if found else None
        name = pipeline.name if count[pipeline.name] == 1 else names[pipeline.id]
        lines.append({"name": name, "version": (version or view.newest).version, **_state(found)})
    return [line for line in lines if line["state"] == "READY" or not ready]


def check_parameters(parameters: dict[str, Any]) -> None:
    """Nothing is offered that would change what is loaded."""
    for name in parameters.keys() - _HARMLESS:
        raise invalid(f"parameter {name[:50]!r} is not offered: what a pipeline serves is said by its version")


async def load_model(store: Store, actor: Actor, name: str) -> None:
    """Have the pipeline of this name served, and wait until it is; ``INVALID`` with the reason when it cannot be."""
    deployment = await store.write(_load, actor, name)
    found = await _settled(store, deployment.id, {DeploymentState.RUNNING, DeploymentState.ERROR})
    if found.state != DeploymentState.RUNNING:
        raise invalid(f"failed to load {name!r}: {found.error or f'it is {found.state} for {_LOAD_SECONDS:.0f} s'}")


async def unload_model(store: Store, actor: Actor, name: str) -> None:
    """Have the pipeline of this name served no longer, and wait until it is not."""
    deployment = await store.write(_unload, actor, name)
    if deployment is not None:
        await _settled(store, deployment.id, {DeploymentState.STOPPED})


def _load(tx: Tx, actor: Actor, name: str) -> Deployment:
    pipeline = pipeline_named(tx, actor, name, Permission.PIPELINE_DEPLOY)
    found = tx.first(Deployment, pipeline_id=pipeline.id)
    if found is None:
        return deploy(tx, actor, Deploy(pipeline.name, pipeline_id=pipeline.id))
    if found.state in SERVED and found.state != DeploymentState.ERROR:
        return found
    return deploy(tx, actor, Deploy(found.name, pipeline_id=pipeline.id))


def _unload(tx: Tx, actor: Actor, name: str) -> Deployment | None:
    pipeline: Pipeline = pipeline_named(tx, actor, name, Permission.PIPELINE_DEPLOY)
    found = tx.first(Deployment, pipeline_id=pipeline.id)
    return undeploy(tx, actor, deployment_id=found.id) if found else None


async def _settled(store: Store, deployment_id: int, states: set[DeploymentState]) -> Deployment:
    """The deployment once it is in one of the states, or as it is when that takes too long."""
    for _ in range(int(_LOAD_SECONDS / _LOOK_SECONDS)):
        found: Deployment | None = await store.read(lambda tx: tx.get(Deployment, deployment_id))
        if found is None or found.state in states:
            break
        await asyncio.sleep(_LOOK_SECONDS)
    if found is None:
        raise invalid("it was deleted meanwhile")
    return found


def _state(deployment: Deployment | None) -> dict[str, str]:
    if deployment is None:
        return {"state": "UNAVAILABLE", "reason": "not deployed yet"}
    state = _STATES[DeploymentState(deployment.state)]
    reason = deployment.error or ("unloaded" if deployment.state == DeploymentState.STOPPED else None)
    return {"state": state, "reason": reason} if reason else {"state": state}
