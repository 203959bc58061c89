"""A minimal valid request for every address of a deployment in Seldon's protocol, and what it needs."""

from collections.abc import Callable
from typing import Any

from cases import Case, Parts, about_things
from settling import ROW
from things import Things
from world import World

_API = "/seldon/{namespace}/{deployment}/api"
_MESSAGE = {"data": {"ndarray": [ROW[0]["tensor"]]}}


def _at(node: bool = False, **parts: Any) -> Callable[[Things, World], Parts]:
    """The deployment in the path; the id of the request is the same each time, because answers tell it."""

    def made(things: Things, _: World) -> Parts:
        path = {"namespace": things.workspace_name, "deployment": things.pipeline_name}
        named = path | ({"node": things.model_name} if node else {})
        return {"path": named, "headers": {"Seldon-Puid": "matrix"}, **parts}

    return made


def _infer(make: Callable[[Things, World], Parts]) -> list[Case]:
    return about_things("pipeline.infer", make)


ROUTES: dict[tuple[str, str], list[Case]] = {
    ("POST", f"{_API}/v1.0/feedback"): _infer(_at(json={"reward": 1.0, "request": _MESSAGE})),
    ("POST", f"{_API}/v0.1/feedback"): _infer(_at(json={"reward": 1.0, "request": _MESSAGE})),
    ("GET", f"{_API}/v1.0/metadata"): _infer(_at()),
    ("GET", f"{_API}/v1.0/metadata/{{node}}"): _infer(_at(node=True)),
    ("GET", f"{_API}/v1.0/status"): _infer(_at()),
    ("GET", f"{_API}/v1.0/status/{{node}}"): _infer(_at(node=True)),
    ("GET", f"{_API}/v1.0/health/status"): _infer(_at()),
    ("GET", f"{_API}/v1.0/doc/"): _infer(_at()),
}

INFERENCE: dict[tuple[str, str], list[Case]] = {
    ("POST", f"{_API}/v1.0/predictions"): _infer(_at(json=_MESSAGE)),
    ("POST", f"{_API}/v0.1/predictions"): _infer(_at(json=_MESSAGE)),
}
"""The calls that are served before the router."""
