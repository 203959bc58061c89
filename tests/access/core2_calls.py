"""A minimal valid request for Seldon Deploy's Models, Pipelines, experiments and revisions, and what it needs."""

from collections.abc import Callable
from typing import Any

from cases import MEMBERS_DENIED, Case, Parts, fresh
from seldon_things import BASE, core_model, explainer, flow, trial
from things import Things
from world import World

Make = Callable[[Things, World], Parts]
_SPACE = f"{BASE}/namespaces/{{namespace}}"
_MODEL = f"{_SPACE}/models/{{name}}"
_FLOWS = f"{_SPACE}/pipelines"
_FLOW = f"{_FLOWS}/{{name}}"
_EXPERIMENT = f"{_FLOW}/experiment"
_TRIAL = f"{_SPACE}/experiments/{{name}}"
_DEPLOYMENT = f"{_SPACE}/seldondeployments/{{name}}"


def _about(field: str | None, **parts: Any) -> Make:
    """About the thing that a field names, or about the namespace; callables are asked about the things."""

    def make(things: Things, world: World) -> Parts:
        path = {"namespace": things.workspace_name} | ({"name": getattr(things, field)} if field else {})
        return {"path": path} | {key: value(things) if callable(value) else value for key, value in parts.items()}

    return make


def _reading(field: str | None, **parts: Any) -> list[Case]:
    return [Case("pipeline.read", "thing", _about(field, **parts))]


def _changing(field: str, spare: str, **parts: Any) -> list[Case]:
    return [Case("pipeline.deploy", "thing", _about(field, **{"json": {}, **parts}), spare=spare)]


def _revision(things: Things) -> dict[str, str]:
    return {"hash": things.revision}


# A new pipeline uses a model that is denied to some who may make pipelines, and is refused as if it were misspelt;
# that the name is taken is told to the same people who may take one.
_TAKEN = Case("pipeline.deploy", "thing", _about(None, json=lambda t: flow(t, t.flow)), success=409)
_NEW_MODEL = Case(
    "pipeline.deploy",
    "thing",
    _about(None, json=lambda t: core_model(t, fresh())),
    places=("workspace", "thing"),
)

ROUTES: dict[tuple[str, str], list[Case]] = {
    ("POST", f"{_SPACE}/models"): [_NEW_MODEL],
    ("GET", _MODEL): _reading("core_model"),
    ("PUT", _MODEL): _changing("core_model", "core model", json=lambda t: core_model(t, t.core_model)),
    ("DELETE", _MODEL): _changing("core_model", "core model"),
    ("GET", f"{_MODEL}/gitlogs"): _reading("core_model"),
    ("GET", f"{_MODEL}/gitdiff"): _reading("core_model"),
    ("GET", _FLOWS): [Case("pipeline.read", "thing", _about(None), nothing_to=MEMBERS_DENIED)],
    ("POST", _FLOWS): [_TAKEN],
    ("GET", _FLOW): _reading("flow"),
    ("PUT", _FLOW): _changing("flow", "flow", json=lambda t: flow(t, t.flow)),
    ("DELETE", _FLOW): _changing("flow", "flow"),
    ("GET", f"{_FLOW}/models"): _reading("flow"),
    ("GET", f"{_FLOW}/gitlogs"): _reading("flow"),
    ("GET", f"{_FLOW}/gitdiff"): _reading("flow"),
    ("GET", f"{_FLOW}/explainer"): _reading("flow"),
    ("POST", f"{_FLOW}/explainer"): _changing("flow", "flow", json=explainer),
    ("PUT", f"{_FLOW}/explainer"): _changing("flow", "flow kept", json=explainer),
    ("DELETE", f"{_FLOW}/explainer"): _changing("flow", "flow kept"),
    ("GET", _EXPERIMENT): _reading("flow"),
    ("POST", _EXPERIMENT): _changing("flow", "flow", json=trial),
    ("PUT", _EXPERIMENT): _changing("flow", "flow kept", json=trial),
    ("DELETE", _EXPERIMENT): _changing("flow", "flow kept"),
    ("POST", f"{_EXPERIMENT}/canary"): _changing("flow", "flow with canary", params={"weight": 10}),
    ("PUT", f"{_EXPERIMENT}/canary"): _changing("flow", "flow with canary begun"),
    ("DELETE", f"{_EXPERIMENT}/canary"): _changing("flow", "flow with canary begun"),
    ("POST", f"{_EXPERIMENT}/shadow"): _changing("flow", "flow with shadow"),
    ("PUT", f"{_EXPERIMENT}/shadow"): _changing("flow", "flow with shadow begun"),
    ("DELETE", f"{_EXPERIMENT}/shadow"): _changing("flow", "flow with shadow begun"),
    ("GET", f"{_TRIAL}/gitlogs"): _reading("trial"),
    ("GET", f"{_TRIAL}/gitdiff"): _reading("trial"),
    ("GET", f"{_SPACE}/gitops-status"): [Case("workspace.read", "thing", _about(None), places=("workspace",))],
    ("GET", f"{_SPACE}/gitdiffs"): _reading(None, params=lambda t: {"hashes": t.revision}),
    ("GET", f"{_DEPLOYMENT}/gitlogs"): _reading("seldon_name"),
    ("GET", f"{_DEPLOYMENT}/gitdiff"): _reading("seldon_name", params=_revision),
    ("POST", f"{_DEPLOYMENT}/gitrestore"): _changing("seldon_name", "seldon", params=_revision),
    ("POST", f"{_DEPLOYMENT}/gitrevert"): _changing("seldon_name", "seldon", params=_revision),
}
