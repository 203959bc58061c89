"""From a message to the columns that a deployment takes."""

import base64
import binascii
from collections.abc import Sequence

import numpy as np

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.signature import TensorSpec
from modelyard.core.serving.tables import from_columns, from_records, from_rows, is_text, taking
from modelyard.core.serving.tensors import Array, Columns
from modelyard.dialects.seldon.inference import tftensor
from modelyard.dialects.seldon.inference.message import Data, Message, Tensor

Specs = Sequence[TensorSpec]


def columns_of(message: Message, inputs: Specs) -> Columns:
    """The request's columns; ``INVALID`` says what the deployment takes."""
    kind = message.kind
    if kind == "data":
        assert message.data is not None  # noqa: S101  # its kind says so
        return from_rows(inputs, _rows(message.data), message.data.names or ())
    if kind == "jsonData":
        return _from_json(message.json_data, inputs)
    if kind == "customData":
        raise _not_taken(kind, inputs)
    text = message.str_data if kind == "strData" else _text(message.bin_data or "", inputs)
    if not is_text(inputs):
        raise _not_taken(kind, inputs)
    return {inputs[0].name: [text]}


def rows_in(message: Message | None) -> int | None:
    """How many rows the message has; None where that cannot be said."""
    if message is None or message.data is None:
        return None
    return len(_rows(message.data))


def _rows(data: Data) -> list[object] | Array:
    if data.encoding == "tensor" and data.tensor is not None:
        return _numbers(data.tensor)
    if data.encoding == "tftensor" and data.tftensor is not None:
        return tftensor.read(data.tftensor)
    return data.ndarray or []


def _numbers(tensor: Tensor) -> Array:
    values = np.array(tensor.values)
    return tftensor.shaped(values, [len(values)] if tensor.shape is None else tensor.shape, "tensor")


def _from_json(given: object, inputs: Specs) -> Columns:
    if isinstance(given, list):
        return from_records(given)
    if isinstance(given, dict) and given:
        return from_columns(given)
    raise invalid(
        'jsonData must be a list of records such as [{"column": value}], or an object of columns such as '
        f'{{"column": [value]}}; the deployment takes {taking(inputs)}'
    )


def _text(encoded: str, inputs: Specs) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise invalid(f"binData must be base64 of UTF-8 text; the deployment takes {taking(inputs)}") from error


def _not_taken(kind: str, inputs: Specs) -> DomainError:
    return invalid(
        f"the deployment takes {taking(inputs)}; {kind} cannot be turned into that: send data, or jsonData with records"
    )
