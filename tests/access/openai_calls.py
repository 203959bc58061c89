"""Requests for text, and what they need; the things' pipeline generates none, which is told to those who may ask it."""

from collections.abc import Callable
from typing import Any

from cases import Case, Parts, about_things
from things import Things
from world import World

_CONFLICT = 409
_BELOW = "/v1/api/pipelines/infer/{namespace}/{pipeline}"
_MESSAGES = [{"role": "user", "content": "hello"}]


def _named(**body: Any) -> Callable[[Things, World], Parts]:
    return lambda things, _: {"json": {"model": f"{things.workspace_name}/{things.pipeline_name}", **body}}


def _placed(**body: Any) -> Callable[[Things, World], Parts]:
    return lambda things, _: {
        "path": {"namespace": things.namespace, "pipeline": things.pipeline_name},
        "json": body,
    }


def _path(things: Things, _: World) -> Parts:
    return {"path": {"workspace": things.workspace_name, "pipeline": things.pipeline_name}}


def _infer(parts: Callable[[Things, World], Parts]) -> list[Case]:
    return about_things("pipeline.infer", parts, success=_CONFLICT)


ROUTES: dict[tuple[str, str], list[Case]] = {
    ("GET", "/openai/v1/models"): [Case("pipeline.infer", "list", lambda *_: {})],
    ("GET", "/openai/v1/models/{workspace}/{pipeline}"): _infer(_path),
}

INFERENCE: dict[tuple[str, str], list[Case]] = {
    ("POST", "/openai/v1/completions"): _infer(_named(prompt="hello")),
    ("POST", "/openai/v1/chat/completions"): _infer(_named(messages=_MESSAGES)),
    ("POST", f"{_BELOW}/openai/v1/completions"): _infer(_placed(prompt="hello")),
    ("POST", f"{_BELOW}/openai/v1/chat/completions"): _infer(_placed(messages=_MESSAGES)),
}
