"""Requests as files and clients write them, and answers in the same manner.

Three manners: Seldon's messages (``{"data": {"ndarray": [[1, 2]], "names": ["a", "b"]}}``, also ``tensor``,
``jsonData`` and ``strData``), the Open Inference Protocol's (``{"inputs": [{"name", "shape", "datatype", "data"}]}``),
and a list of one record a row (``[{"a": 1, "b": 2}]``). All of them become records, which every deployment understands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import numpy as np

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.signature import TensorSpec

Record = dict[str, Any]


class Manner(Enum):
    """How a request is written, and so its answer."""

    SELDON = auto()
    OPEN_INFERENCE = auto()
    RECORDS = auto()


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one request: a record each, by the columns of the deployment."""

    records: list[Record]
    manner: Manner


def read_rows(payload: object, inputs: Sequence[TensorSpec]) -> Rows:
    """The rows of a request; ``INVALID`` says what it should be. ``inputs`` are the deployment's columns."""
    manner = manner_of(payload)
    if isinstance(payload, list):
        return Rows(_records(payload), manner)
    assert isinstance(payload, dict)  # noqa: S101  # its manner says so
    if manner is Manner.OPEN_INFERENCE:
        return Rows(read_tensors(payload["inputs"], inputs), manner)
    return Rows(_from_message(payload, inputs), manner)


def manner_of(payload: object) -> Manner:
    """How a request is written; ``INVALID`` when it is none."""
    if isinstance(payload, list):
        return Manner.RECORDS
    if isinstance(payload, dict):
        return Manner.OPEN_INFERENCE if isinstance(payload.get("inputs"), list) else Manner.SELDON
    raise _unknown()


def write_answer(manner: Manner, outputs: Sequence[Record], name: str, tags: Mapping[str, Any]) -> Any:
    """The answer to a request: one record of outputs a row. ``name`` is the deployment's, ``tags`` say which it is."""
    if manner is Manner.RECORDS:
        return list(outputs)
    if manner is Manner.OPEN_INFERENCE:
        return {"model_name": name, "outputs": _tensors(outputs), "parameters": dict(tags)}
    table = [_flat(row) for row in outputs]
    names = [column for column, _ in table[0]] if table else []
    data = {"names": names, "ndarray": [[value for _, value in row] for row in table]}
    return {"data": data, "meta": {"tags": dict(tags)}}


def write_error(manner: Manner, message: str, tags: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the place of an answer that there is not."""
    if manner is Manner.OPEN_INFERENCE:
        return {"error": message, "parameters": dict(tags)}
    return {"status": {"code": 400, "info": message, "status": "FAILURE"}, "meta": {"tags": dict(tags)}}


def _from_message(message: dict[str, Any], inputs: Sequence[TensorSpec]) -> list[Record]:
    if "strData" in message:
        return _spread([[message["strData"]]], None, inputs)
    if "jsonData" in message:
        inner = message["jsonData"]
        return _records(inner if isinstance(inner, list) else [inner])
    data = message.get("data")
    if not isinstance(data, dict):
        raise _unknown()
    if "tensor" in data:
        return _spread(shaped(data["tensor"]), data.get("names"), inputs)
    if "ndarray" in data:
        return _spread(data["ndarray"], data.get("names"), inputs)
    raise invalid(f"data holds {', '.join(map(repr, data))}; send it as 'ndarray' or as 'tensor'")


def read_tensors(tensors: Sequence[Any], inputs: Sequence[TensorSpec]) -> list[Record]:
    """The rows of the Open Inference Protocol's tensors; names that the deployment does not know count by position."""
    if not tensors or not all(isinstance(tensor, dict) and "data" in tensor for tensor in tensors):
        raise invalid("inputs must be a list of tensors with name, shape, datatype and data")
    names = [str(tensor.get("name", "")) for tensor in tensors]
    wanted = [spec.name for spec in inputs]
    if wanted and not set(wanted) <= set(names) and len(names) == len(wanted):
        names = wanted
    columns = [shaped({"shape": tensor.get("shape"), "values": tensor["data"]}) for tensor in tensors]
    return transposed(dict(zip(names, columns, strict=True)))


def shaped(tensor: Any) -> list[Any]:
    """``{"shape", "values"}`` as nested lists; values that are nested already stay so."""
    try:
        values = np.asarray(tensor["values"])
        shape = tuple(max(0, int(size)) for size in tensor["shape"])  # numpy would fill in a size of -1
        nested: list[Any] = values.reshape(shape or (0,)).tolist()
    except (KeyError, TypeError, ValueError) as error:
        raise invalid("a tensor must have a shape, and as many values as its shape says") from error
    return nested


def _spread(rows: object, names: object, inputs: Sequence[TensorSpec]) -> list[Record]:
    """A matrix over the deployment's columns: by names where they are its columns, else by position."""
    if not isinstance(rows, list) or not rows:
        raise invalid("no rows: send a list with at least one")
    if isinstance(names, list) and inputs and {spec.name for spec in inputs} <= set(map(str, names)):
        return transposed(_columns(rows, [str(name) for name in names]))
    if len(inputs) == 1:
        return [{inputs[0].name: row} for row in rows]
    if isinstance(names, list) and names and not inputs:
        return transposed(_columns(rows, [str(name) for name in names]))
    if not inputs:
        return [{"data": row} for row in rows]
    return _by_width(rows, inputs)


def _columns(rows: list[Any], names: list[str]) -> dict[str, list[Any]]:
    _check_widths(rows, len(names))
    return {name: [row[at] for row in rows] for at, name in enumerate(names)}


def _by_width(rows: list[Any], inputs: Sequence[TensorSpec]) -> list[Record]:
    widths = [_width(spec) for spec in inputs]
    _check_widths(rows, sum(widths))
    records: list[Record] = [{} for _ in rows]
    start = 0
    for spec, width in zip(inputs, widths, strict=True):
        for record, row in zip(records, rows, strict=True):
            record[spec.name] = row[start] if not spec.row_shape else row[start : start + width]
        start += width
    return records


def _width(spec: TensorSpec) -> int:
    """How many numbers of a row the column takes."""
    if len(spec.row_shape) > 1 or None in spec.row_shape:
        raise invalid(f"the deployment takes several columns, {spec} among them: name them in records or tensors")
    return int(spec.row_shape[0] or 0) if spec.row_shape else 1


def _check_widths(rows: list[Any], width: int) -> None:
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != width:
            given = len(row) if isinstance(row, list) else "no list of"
            raise invalid(f"row {number} has {given} values where {width} are expected")


def _records(rows: Sequence[Any]) -> list[Record]:
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise _unknown()
    return list(rows)


def transposed(columns: dict[str, list[Any]]) -> list[Record]:
    """A record a row from columns."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise invalid(f"tensors of different numbers of rows: {lengths}")
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _flat(row: Record) -> list[tuple[str, Any]]:
    """The outputs of one row side by side; those of a tensor are numbered."""
    flat: list[tuple[str, Any]] = []
    for name, value in row.items():
        values = np.asarray(value).ravel().tolist()
        flat += [(name if len(values) == 1 else f"{name}:{at}", each) for at, each in enumerate(values)]
    return flat


def _tensors(outputs: Sequence[Record]) -> list[dict[str, Any]]:
    tensors = []
    for name in outputs[0] if outputs else ():
        array = np.asarray([row[name] for row in outputs])
        kind = {"f": "FP64", "i": "INT64", "b": "BOOL"}.get(array.dtype.kind, "BYTES")
        tensors.append({"name": name, "shape": list(array.shape), "datatype": kind, "data": array.ravel().tolist()})
    return tensors


def _unknown() -> DomainError:
    return invalid(
        'a request is {"data": {"ndarray": [[…]]}}, {"inputs": [{"name", "shape", "datatype", "data"}]} '
        "or a list of records, one for each row"
    )
