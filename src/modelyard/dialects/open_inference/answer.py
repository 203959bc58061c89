"""From a result to the bytes of the answer."""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from modelyard.core.kernel.errors import invalid
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.routes import Route
from modelyard.core.serving.tensors import Array, texts
from modelyard.dialects.open_inference.datatypes import BYTES, DTYPE
from modelyard.dialects.open_inference.tensors import to_binary

JSON = b"application/json"
BINARY = b"application/octet-stream"

_DATATYPE = {dtype: datatype for datatype, dtype in DTYPE.items()}


def encode(route: Route, model: str, id_: str, result: Result, binary: Mapping[str, bool]) -> tuple[bytes, int | None]:
    """(body, length of the JSON at its beginning when raw bytes follow); ``binary`` is as ``wanted`` gives it."""
    raw: list[bytes] = []
    answer: dict[str, Any] = {"model_name": model, "model_version": route.pipeline_version, "id": id_}
    if result.target or result.routing:
        answer["parameters"] = response_parameters(result)
    outputs = result.outputs
    answer["outputs"] = [_output(name, outputs[name], raw if as_bytes else None) for name, as_bytes in binary.items()]
    text = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    return (b"".join((text, *raw)), len(text)) if raw else (text, None)


def wanted(result: Result, chosen: Mapping[str, bool] | None, binary: bool) -> Mapping[str, bool]:
    """The outputs to answer with, and whether each is wanted as raw bytes."""
    if chosen is None:
        return dict.fromkeys(result.outputs, binary)
    for name in chosen:
        if name not in result.outputs:
            there = ", ".join(map(repr, result.outputs))
            raise invalid(f"there is no output tensor {name[:100]!r}: expected some of {there}", tensor=name[:100])
    return chosen


def response_parameters(result: Result) -> dict[str, str | int]:
    """What else there is to say: who answered, and which node each branch chose."""
    said: dict[str, str | int] = {"predictor": result.target} if result.target else {}
    for branch, choice in (result.routing or {}).items():
        said[f"routing.{branch}"] = choice if isinstance(choice, int) else json.dumps(choice, separators=(",", ":"))
    return said


def datatype_of(array: Array) -> str:
    """The protocol's name for the type of an output."""
    return _DATATYPE.get(array.dtype, BYTES)


def _output(name: str, array: Array, raw: list[bytes] | None) -> dict[str, Any]:
    datatype = datatype_of(array)
    if raw is None:
        values = array.ravel() if datatype != BYTES else texts(array)
        return {"name": name, "datatype": datatype, "shape": array.shape, "data": values}
    data = to_binary(array)
    raw.append(data)
    return {"name": name, "datatype": datatype, "shape": array.shape, "parameters": {"binary_data_size": len(data)}}
