"""From a result to a message that mirrors the encoding of the request."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import orjson

from modelyard.core.kernel.errors import invalid
from modelyard.core.serving.graph.plan import Node
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.graph.routers import ALL, NONE
from modelyard.core.serving.routes import Route
from modelyard.core.serving.tensors import Array
from modelyard.dialects.seldon.inference import tftensor
from modelyard.dialects.seldon.inference.message import Message


def tags_of(message: Message) -> orjson.Fragment:
    """The tags of the request, which its answer repeats; ``INVALID`` for those that cannot be written down again."""
    try:
        return orjson.Fragment(orjson.dumps((message.meta and message.meta.tags) or {}))
    except TypeError as error:
        raise invalid(f"meta.tags cannot be repeated in the answer: {error}") from error


def answer_to(message: Message, tags: orjson.Fragment, route: Route, result: Result) -> dict[str, Any]:
    """The reply; arrays in it are for an encoder that knows numpy's."""
    meta = {
        "puid": result.request_id,
        "tags": tags,
        "routing": result.routing or {},
        "requestPath": request_path(route, result),
        "metrics": [],
    }
    return payload(result.outputs, message.data.encoding if message.data else None) | {"meta": meta}


def payload(outputs: Mapping[str, Array], encoding: str | None) -> dict[str, Any]:
    """``data`` in this encoding (None where the request had none), or ``jsonData`` where the outputs are no table."""
    if len(outputs) == 1:
        (array,) = outputs.values()
        return {"data": {"names": _positions(array), **_encoded(array, encoding)}}
    if any(array.ndim > 2 for array in outputs.values()):
        return {"jsonData": {name: _plain(array) for name, array in outputs.items()}}
    names = [each for name, array in outputs.items() for each in _names(name, array)]
    columns = [array.reshape(len(array), -1) for array in outputs.values()]
    if all(_is_numeric(array) for array in columns) and encoding != "ndarray":
        return {"data": {"names": names, **_encoded(np.concatenate(columns, axis=1), encoding)}}
    rows = [[cell for part in row for cell in part] for row in zip(*(c.tolist() for c in columns), strict=True)]
    return {"data": {"names": names, "ndarray": rows}}


def request_path(route: Route, result: Result) -> dict[str, str]:
    """The nodes that were asked, and the version of the model behind each."""
    target = next(each for each in route.plan["targets"] if each["name"] == result.target)
    shown = [f"{model.name}:{model.version}" for model in route.models]
    return {name: shown[place] for name, place in _asked(target["node"], result.routing or {})}


def _asked(node: Node, routing: Mapping[str, int | list[int]]) -> Iterator[tuple[str, int]]:
    for part in (node, node.get("router"), node.get("combine")):
        if isinstance(part, dict) and "model" in part:
            yield node["name"], part["model"]
    for each in _chosen(node, routing):
        yield from _asked(each, routing)


def _chosen(node: Node, routing: Mapping[str, int | list[int]]) -> Iterable[Node]:
    nodes: list[Node] = node.get("nodes", [])
    choice = routing.get(node["name"], ALL) if node["kind"] == "branch" else ALL
    if choice == ALL:
        return nodes
    places = {choice} if isinstance(choice, int) else set(choice)
    return [nodes[place] for place in sorted(places - {NONE})]


def _encoded(array: Array, encoding: str | None) -> dict[str, Any]:
    if encoding == "tftensor" and (proto := tftensor.written(array)) is not None:
        return {"tftensor": proto}
    if encoding in ("tensor", None) and _is_numeric(array):
        return {"tensor": {"shape": list(array.shape), "values": np.ascontiguousarray(array).ravel()}}
    return {"ndarray": _plain(array)}


def _plain(array: Array) -> Any:
    return np.ascontiguousarray(array) if array.dtype.kind in "fiub" else array.tolist()


def _is_numeric(array: Array) -> bool:
    return array.dtype.kind in "fiu"


def _positions(array: Array) -> list[str]:
    return [f"t:{at}" for at in range(array.shape[1])] if array.ndim == 2 else []


def _names(name: str, array: Array) -> list[str]:
    """The columns of one output among several."""
    if array.ndim == 1 or array.shape[1] == 1:
        return [name]
    return [f"{name}:{at}" for at in range(array.shape[1])]
