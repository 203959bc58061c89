"""From the body of a scoring request to columns (MLflow's "Inference Server Specification")."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.signature import TensorSpec
from modelyard.core.serving.tables import from_columns, from_frame, from_records, from_rows
from modelyard.core.serving.tensors import Column, Columns
from modelyard.dialects.mlflow.scoring.csv_frame import frame_in

FORMATS: Final = ("dataframe_split", "dataframe_records", "instances", "inputs")
_JSON, _CSV = "application/json", "text/csv"
_ANY = msgspec.json.Decoder()


class _Split(msgspec.Struct, forbid_unknown_fields=True):
    data: list[list[Any]]
    columns: list[str | int] | None = None
    index: list[Any] | None = None


def columns_of(body: bytes, content_type: str, inputs: Sequence[TensorSpec]) -> tuple[Columns, bool]:
    """(the request's columns, whether they came as a frame).

    ``INVALID`` says what is wrong; with ``unsupported`` among its details when it is the content type.
    """
    kind = _kind(content_type)
    if kind == _CSV:
        return from_frame(inputs, frame_in(body)), True
    found, value = _only(_object(body))
    if found == "dataframe_split":
        return from_frame(inputs, _split(value)), True
    if found == "dataframe_records":
        return from_frame(inputs, from_records(_list(found, value))), True
    return _tensors(found, value, inputs), False


def _kind(content_type: str) -> str:
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    if kind not in (_JSON, _CSV):
        raise _unsupported(f"the content type {kind[:60]!r} is not served; send {_JSON} or {_CSV}")
    for parameter in parameters:
        if parameter.replace('"', "") != "charset=utf-8":
            raise _unsupported(f"the content type's parameter {parameter[:60]!r} is not served; only charset=utf-8 is")
    return kind


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = _ANY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid(f"the body is not valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise invalid(f"the body must be a JSON object with exactly one of {', '.join(FORMATS)}")
    return found


def _only(given: dict[str, Any]) -> tuple[str, Any]:
    """The one way in which the rows are given, and they."""
    if "params" in given:
        raise invalid("params are for models that declare parameters, which no model of this server does; leave it out")
    found = [name for name in given if name in FORMATS]
    if len(found) != 1 or len(given) > 1:
        shown = ", ".join(repr(name[:60]) for name in list(given)[:20]) or "none"
        raise invalid(
            f"the body must have exactly one of the fields {', '.join(FORMATS)}, and nothing else; got {shown}"
        )
    return found[0], given[found[0]]


def _split(given: Any) -> dict[str, Column]:
    try:
        split = msgspec.convert(given, _Split)
    except msgspec.ValidationError as error:
        raise invalid(f"dataframe_split: {str(error).replace('`$.', '`').replace('`$`', 'it')}") from error
    if not split.data:
        raise invalid("no rows: dataframe_split.data is empty; send at least one row")
    names = [str(name) for name in split.columns or range(len(split.data[0]))]
    if len(set(names)) < len(names):
        raise invalid("dataframe_split.columns has a name twice")
    for number, row in enumerate(split.data):
        if len(row) != len(names):
            raise invalid(f"dataframe_split: row {number} has {len(row)} values for {len(names)} columns")
    return {name: [row[at] for row in split.data] for at, name in enumerate(names)}


def _tensors(found: str, value: Any, inputs: Sequence[TensorSpec]) -> Columns:
    if found == "inputs" and isinstance(value, dict):
        return from_columns(value)
    rows = _list(found, value)
    if rows and isinstance(rows[0], dict):
        return from_records(rows)
    return from_rows(inputs, rows)


def _list(found: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise invalid(f"{found} must be a list with an entry for each row")
    return value


def _unsupported(message: str) -> DomainError:
    return invalid(message, unsupported=True)
