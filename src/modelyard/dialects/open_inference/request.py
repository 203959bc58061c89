"""From the body of an inference request to columns."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.tensors import Array, Column
from modelyard.dialects.open_inference.datatypes import BYTES, DTYPE
from modelyard.dialects.open_inference.fitting import Expected
from modelyard.dialects.open_inference.tensors import check_shape, from_binary, from_json, unknown_datatype

Parameters = dict[str, Any]
_NO_DATA = msgspec.Raw(b"")
_CONTENT_TYPES = {"np", "pd", "str"}


class Input(msgspec.Struct, gc=False):
    """One tensor of a request; ``data`` is missing where its bytes follow the JSON."""

    name: str
    shape: list[int]
    datatype: str
    data: msgspec.Raw = _NO_DATA
    parameters: Parameters | None = None


class Numbers(msgspec.Struct, gc=False):
    """The usual tensor: floating-point numbers in a flat list."""

    name: str
    shape: list[int]
    datatype: Literal["FP32", "FP64"]
    data: list[float]
    parameters: Parameters | None = None


class Output(msgspec.Struct, gc=False):
    """One tensor that the answer is to have."""

    name: str
    parameters: Parameters | None = None


class Body(msgspec.Struct, gc=False):
    """An inference request."""

    inputs: list[Input]
    id: str = ""
    parameters: Parameters | None = None
    outputs: list[Output] | None = None


class Usual(msgspec.Struct, gc=False):
    """The usual request: nothing in it but one usual tensor."""

    inputs: Annotated[list[Numbers], msgspec.Meta(min_length=1, max_length=1)]
    id: str = ""
    parameters: None = None
    outputs: None = None


@dataclass(slots=True)
class Question:
    """What is asked, whatever it came in.

    ``chosen`` are the outputs asked for by name, whether each is wanted as raw bytes; None for all. ``binary`` says
    that of all of them.
    """

    columns: dict[str, Column]
    id: str = ""
    binary: bool = False
    chosen: dict[str, bool] | None = None


_BODY = msgspec.json.Decoder(Body)
_USUAL = msgspec.json.Decoder(Usual)


def read(body: bytes, header_length: bytes | None, expected: Expected) -> Question:
    """The question in a body; ``header_length`` is how many bytes of it are JSON, when raw data follow."""
    if header_length is None and (question := _usual(body, expected)) is not None:
        return question
    text, raw = (body, b"") if header_length is None else _parts(body, header_length)
    try:
        asked = _BODY.decode(text)
    except msgspec.ValidationError as error:
        raise invalid(f"request body: {_reworded(error)}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid(f"the body is not valid JSON: {error}") from error
    columns = _columns(asked.inputs, raw, content_type(asked.parameters), expected)
    binary = _switch(asked.parameters, "binary_data_output", False)
    return Question(columns, asked.id, binary, _chosen(asked.outputs, binary))


def _usual(body: bytes, expected: Expected) -> Question | None:
    """The question in the usual body, without detours; None when it is not usual, or something may be wrong."""
    try:
        asked = _USUAL.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    (given,) = asked.inputs
    if given.parameters is not None or not expected.is_only(given.name, given.datatype, given.shape, len(given.data)):
        return None
    return Question({given.name: np.array(given.data, DTYPE[given.datatype]).reshape(given.shape)}, asked.id)


def content_type(parameters: Parameters | None) -> str | None:
    """How tensors are meant to be read: ``np``, ``pd`` or ``str``; None when nothing is said."""
    kind = parameters.get("content_type") if parameters else None
    if kind is not None and kind not in _CONTENT_TYPES:
        raise invalid(f"content_type {str(kind)[:50]!r} is not known; use np, pd or str, or leave it out")
    return kind


def _columns(inputs: list[Input], raw: bytes, kind: str | None, expected: Expected) -> dict[str, Column]:
    """The tensors by their names, fitted to what the deployment takes."""
    arrays: dict[str, Array] = {}
    kinds: dict[str, str | None] = {}
    at = 0
    for given in inputs:
        if given.name in arrays:
            raise invalid(f"two input tensors are named {given.name!r}; each name may stand once")
        kinds[given.name] = content_type(given.parameters) or kind
        if kinds[given.name] in (None, "str"):
            expected.check(given.name, given.datatype, given.shape)
        size = _binary_size(given)
        arrays[given.name] = _array(given) if size is None else _sliced(given, raw[at : at + size], size)
        at += size or 0
    if at != len(raw):
        raise invalid(
            f"{len(raw)} bytes of binary data follow the JSON, but the inputs' binary_data_size add up to {at}"
        )
    return expected.fitted(arrays, kinds)


def _array(given: Input) -> Array:
    check_shape(given.name, given.shape)
    if given.datatype not in DTYPE and given.datatype != BYTES:
        raise unknown_datatype(given.name, given.datatype)
    if given.data is _NO_DATA:
        raise invalid(
            f"tensor {given.name!r} has no data: give data, or binary_data_size and the bytes behind the JSON"
        )
    return from_json(given.name, given.datatype, given.shape, given.data)


def _sliced(given: Input, data: bytes, size: int) -> Array:
    check_shape(given.name, given.shape)
    if len(data) != size:
        raise invalid(f"tensor {given.name!r}: {size} bytes of binary data are announced, {len(data)} are there")
    if given.data is not _NO_DATA:
        raise invalid(f"tensor {given.name!r} has data and binary_data_size; give one of them")
    return from_binary(given.name, given.datatype, given.shape, data)


def _binary_size(given: Input) -> int | None:
    size = given.parameters.get("binary_data_size") if given.parameters else None
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
        raise invalid(f"tensor {given.name!r}: binary_data_size must be a whole number of bytes, got {str(size)[:50]}")
    return size


def _parts(body: bytes, header_length: bytes) -> tuple[bytes, bytes]:
    text = header_length.strip()
    if not text.isdigit() or len(text) > 18 or int(text) > len(body):
        raise invalid(
            f"Inference-Header-Content-Length must be the number of bytes of JSON, at most the body's {len(body)}; "
            f"got {text[:50].decode('latin-1')!r}"
        )
    return body[: int(text)], body[int(text) :]


def _chosen(outputs: list[Output] | None, binary: bool) -> dict[str, bool] | None:
    if not outputs:
        return None
    for output in outputs:
        if output.parameters and output.parameters.get("classification"):
            raise invalid(f"output {output.name!r}: classification is not offered here; take the output as it is")
    return {output.name: _switch(output.parameters, "binary_data", binary) for output in outputs}


def _switch(parameters: Parameters | None, name: str, default: bool) -> bool:
    value = parameters.get(name, default) if parameters else default
    if not isinstance(value, bool):
        raise invalid(f"parameter {name} must be true or false, got {str(value)[:50]}")
    return value


def _reworded(error: msgspec.ValidationError) -> DomainError | str:
    return str(error).replace("`$.", "`").replace("`$`", "the body")
