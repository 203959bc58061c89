"""A minimal valid request for every route of Seldon Deploy's API that watches over deployments, and what it needs."""

from collections.abc import Callable
from typing import Any

from cases import Case, Parts, fresh
from seldon_things import BASE
from things import Things
from world import World

Make = Callable[[Things, World], Parts]
_LOGS = f"{BASE}/inference-logs"
_PLACES = {
    f"{BASE}/namespaces/{{namespace}}/seldondeployments/{{name}}": (
        "drift-detector",
        "outlier-detector",
        "metrics-server",
    ),
    f"{BASE}/namespaces/{{namespace}}/pipelines/{{name}}": ("drift-detector", "outlier-detector"),
}


def _there(**parts: Any) -> Make:
    """About the pipeline; callables are asked about the things, and make the rest of the path."""

    def make(things: Things, world: World) -> Parts:
        path = {"namespace": things.workspace_name, "name": things.pipeline_name, "detectorName": things.detector}
        return {"path": path} | {key: value() if callable(value) else value for key, value in parts.items()}

    return make


def _new() -> dict[str, Any]:
    return {"name": fresh("watch"), "config": {"basic": {"drift_batch_size": "5000"}}}


def _feature() -> dict[str, Any]:
    return {"feature": "tensor_0"}


def _logs_of_deployment(things: Things, world: World) -> Parts:
    return {"path": {"namespace": things.workspace_name, "deploymentName": things.pipeline_name}, "json": {}}


def _logs_of_model(things: Things, world: World) -> Parts:
    path = {"namespace": things.workspace_name, "pipelineName": things.seldon_name, "modelName": "classifier"}
    return {"path": path, "json": {}}


def _list_of_model(things: Things, world: World) -> Parts:
    names = {"namespace": things.workspace_name, "pipelineName": things.seldon_name, "modelName": "classifier"}
    return {"params": names}


def _detectors(place: str, kind: str) -> dict[tuple[str, str], list[Case]]:
    many = f"{place}/monitor/{kind}"
    return {
        ("GET", many): [Case("pipeline.read", "thing", _there())],
        ("POST", many): [Case("pipeline.edit", "thing", _there(json=_new))],
        ("GET", f"{many}/{{detectorName}}"): [Case("pipeline.read", "thing", _there())],
        ("DELETE", f"{many}/{{detectorName}}"): [Case("pipeline.edit", "thing", _there(), spare="detector")],
    }


ROUTES: dict[tuple[str, str], list[Case]] = {
    ("GET", f"{_LOGS}/seldondeployments"): [Case("logs.read", "list", lambda *_: {})],
    ("GET", f"{_LOGS}/models"): [Case("logs.read", "list", _list_of_model)],
    ("POST", f"{_LOGS}/namespace/{{namespace}}/seldondeployments/{{deploymentName}}"): [
        Case("logs.read", "thing", _logs_of_deployment)
    ],
    ("POST", f"{_LOGS}/namespace/{{namespace}}/pipelines/{{pipelineName}}/models/{{modelName}}"): [
        Case("logs.read", "thing", _logs_of_model)
    ],
    ("POST", f"{BASE}/applicationlogs"): [Case("logs.read", "list", lambda *_: {"json": {"size": 1000}})],
    ("GET", f"{BASE}/alerting/alerts"): [Case("pipeline.read", "list", lambda *_: {})],
    # to the server of the matrix nobody gave an address for alerts
    ("POST", f"{BASE}/alerting/test"): [Case("alerts.test", "platform", lambda *_: {"json": True}, success=424)],
}
for _place, _kinds in _PLACES.items():
    for _summary in ("featuredistributions", "featurestatistics"):
        ROUTES["POST", f"{_place}/monitor/{_summary}"] = [Case("logs.read", "thing", _there(json=_feature))]
    for _kind in _kinds:
        ROUTES |= _detectors(_place, _kind)
