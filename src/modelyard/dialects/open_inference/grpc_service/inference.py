"""From a ``ModelInferRequest`` to a question, and from a result to a ``ModelInferResponse``."""

from typing import Any

import numpy as np

from modelyard.core.kernel.errors import invalid
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.routes import Route
from modelyard.core.serving.tensors import Array
from modelyard.dialects.open_inference.answer import datatype_of, response_parameters, wanted
from modelyard.dialects.open_inference.datatypes import BYTES, DTYPE
from modelyard.dialects.open_inference.fitting import Expected
from modelyard.dialects.open_inference.grpc_service.contents import FIELD, from_contents, put_contents
from modelyard.dialects.open_inference.grpc_service.messages import InferResponse
from modelyard.dialects.open_inference.request import Question, content_type
from modelyard.dialects.open_inference.tensors import check_shape, from_binary, to_binary, unknown_datatype


def question_in(request: Any, expected: Expected) -> Question:
    """What is asked; ``INVALID`` says which tensor does not fit, what was expected and what was given."""
    raw = request.raw_input_contents
    if len(raw) == 1 and (question := _usual(request, raw[0], expected)) is not None:
        return question
    if raw and len(raw) != len(request.inputs):
        raise invalid(f"{len(request.inputs)} inputs, but {len(raw)} raw_input_contents; send one for each input")
    kind = content_type(plain(request.parameters))
    arrays: dict[str, Array] = {}
    kinds: dict[str, str | None] = {}
    for at, given in enumerate(request.inputs):
        name, shape = given.name, list(given.shape)
        if name in arrays:
            raise invalid(f"two input tensors are named {name!r}; each name may stand once")
        kinds[name] = (content_type(plain(given.parameters)) if given.parameters else None) or kind
        if kinds[name] in (None, "str"):
            expected.check(name, given.datatype, shape)
        check_shape(name, shape)
        arrays[name] = _array(given, shape, raw[at] if raw else None)
    chosen = {output.name: False for output in request.outputs} or None
    if any("classification" in output.parameters for output in request.outputs):
        raise invalid("classification is not offered here; take the outputs as they are")
    return Question(expected.fitted(arrays, kinds), request.id, bool(raw), chosen)


def _usual(request: Any, data: bytes, expected: Expected) -> Question | None:
    """The question in the usual request, one tensor of numbers; None when it is not usual, or may be wrong."""
    if len(request.inputs) != 1 or request.outputs or request.parameters:
        return None
    (given,) = request.inputs
    name, datatype, shape = given.name, given.datatype, list(given.shape)
    dtype = DTYPE.get(datatype)
    if dtype is None or datatype == "BOOL" or len(data) % dtype.itemsize or given.parameters:
        return None
    if given.HasField("contents") or not expected.is_only(name, datatype, shape, len(data) // dtype.itemsize):
        return None
    return Question({name: np.frombuffer(data, dtype).reshape(shape)}, request.id, True)


def response_of(route: Route, model: str, result: Result, question: Question) -> Any:
    """The answer; as raw bytes where the question came so, or where an output cannot be said otherwise."""
    outputs = {name: result.outputs[name] for name in wanted(result, question.chosen, False)}
    response = InferResponse(
        model_name=model, model_version=route.pipeline_version, id=question.id or result.request_id
    )
    raw = question.binary or any(datatype_of(array) not in FIELD for array in outputs.values())
    for name, array in outputs.items():
        datatype = datatype_of(array)
        output = response.outputs.add(name=name, datatype=datatype, shape=array.shape)
        if raw:
            response.raw_output_contents.append(to_binary(array))
        else:
            put_contents(output.contents, datatype, array)
    if result.target or result.routing:
        put_parameters(response.parameters, response_parameters(result))
    return response


def plain(parameters: Any) -> dict[str, Any]:
    """Parameters as Python's values."""
    return {
        name: getattr(value, which) if (which := value.WhichOneof("parameter_choice")) else None
        for name, value in parameters.items()
    }


def put_parameters(into: Any, values: dict[str, str | int]) -> None:
    """Python's values as parameters."""
    for name, value in values.items():
        if isinstance(value, int):
            into[name].int64_param = value
        else:
            into[name].string_param = value


def _array(given: Any, shape: list[int], raw: bytes | None) -> Array:
    if given.datatype != BYTES and given.datatype not in FIELD and given.datatype != "FP16":
        raise unknown_datatype(given.name, given.datatype)
    if raw is None:
        return from_contents(given.name, given.datatype, shape, given.contents)
    if given.HasField("contents"):
        raise invalid(f"tensor {given.name!r} has contents and raw_input_contents; send one of them")
    return from_binary(given.name, given.datatype, shape, raw)
