"""A minimal valid request for every route of Seldon Deploy's API, and what it needs."""

from collections.abc import Callable
from typing import Any

from cases import MEMBERS_DENIED, Case, Parts, fresh
from seldon_things import BASE, manifest
from things import Things
from world import World

Make = Callable[[Things, World], Parts]
_DEPLOYMENTS = f"{BASE}/namespaces/{{namespace}}/seldondeployments"
_DEPLOYMENT = f"{_DEPLOYMENTS}/{{name}}"
_PIPELINE = f"{BASE}/namespaces/{{namespace}}/pipelines/{{name}}"


def _there(things: Things) -> Parts:
    return {"path": {"namespace": things.workspace_name, "name": things.seldon_name}}


def _deployment(**parts: Any) -> Make:
    """About the deployment; callables are asked about the things."""

    def make(things: Things, world: World) -> Parts:
        return _there(things) | {key: value(things) if callable(value) else value for key, value in parts.items()}

    return make


def _any_pipeline(**parts: Any) -> Make:
    """About the pipeline that was not made in this dialect."""

    def make(things: Things, world: World) -> Parts:
        return {"path": {"namespace": things.workspace_name, "name": things.pipeline_name}} | parts

    return make


def _new(things: Things, world: World) -> Parts:
    return {
        "path": {"namespace": things.workspace_name},
        "json": manifest(things, fresh()),
    }


def _space(things: Things, world: World) -> Parts:
    return {"path": {"namespace": things.workspace_name}}


def _valid(things: Things, world: World) -> Parts:
    return _space(things, world) | {"json": manifest(things, "any")}


_ROWS = {"data": {"ndarray": [[0.5] * 29]}}
_FILE = {
    "predictFile": (
        "rows.json",
        b'{"inputs": [{"name": "tensor", "datatype": "FP32", "shape": [1, 29], "data": [%s]}]}'
        % b",".join([b"0.5"] * 29),
    )
}

ROUTES: dict[tuple[str, str], list[Case]] = {
    ("GET", f"{BASE}/cluster"): [Case("platform.signed_in", "list", lambda *_: {})],
    ("GET", _DEPLOYMENTS): [Case("pipeline.read", "thing", _space, nothing_to=MEMBERS_DENIED)],
    ("POST", _DEPLOYMENTS): [Case("pipeline.deploy", "thing", _new, places=("workspace", "thing"))],
    ("GET", f"{_DEPLOYMENTS}/validate"): [Case("workspace.read", "thing", _space, places=("workspace",))],
    ("POST", f"{_DEPLOYMENTS}/validate"): [Case("workspace.read", "thing", _valid, places=("workspace",))],
    ("GET", _DEPLOYMENT): [Case("pipeline.read", "thing", _deployment())],
    ("PUT", _DEPLOYMENT): [
        Case("pipeline.deploy", "thing", _deployment(json=lambda t: manifest(t, t.seldon_name)), spare="seldon")
    ],
    ("DELETE", _DEPLOYMENT): [Case("pipeline.deploy", "thing", _deployment(json={}), spare="seldon")],
    ("GET", f"{_DEPLOYMENT}/resources"): [Case("pipeline.read", "thing", _deployment())],
    ("POST", f"{_DEPLOYMENT}/predict"): [Case("pipeline.infer", "thing", _deployment(json=_ROWS))],
    ("POST", f"{_DEPLOYMENT}/predictfile"): [Case("pipeline.infer", "thing", _any_pipeline(files=_FILE))],
    ("PUT", f"{_DEPLOYMENT}/predictcurl"): [Case("pipeline.read", "thing", _deployment(json=_ROWS))],
    ("POST", f"{_PIPELINE}/predictfile"): [Case("pipeline.infer", "thing", _any_pipeline(files=_FILE))],
    ("PUT", f"{_PIPELINE}/predictcurl"): [Case("pipeline.read", "thing", _any_pipeline(json=_ROWS))],
}
