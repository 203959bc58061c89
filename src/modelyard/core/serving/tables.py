"""From a table as a request brings it to the columns that a deployment takes.

A table without names of columns is bound by position, and only where there is no doubt.
"""

from collections.abc import Sequence
from typing import Any

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.signature import TensorSpec
from modelyard.core.serving.tensors import Array, Column, Columns

Specs = Sequence[TensorSpec]
_SHOWN = 20


def from_rows(inputs: Specs, rows: Sequence[Any] | Array, names: Sequence[str] = ()) -> Columns:
    """The columns in a table of rows.

    The only input takes the whole table. Several inputs of one value a row each take a column: by ``names`` where the
    table has some, else in the order of the inputs, when there are as many columns. ``INVALID`` names what is expected
    and what was given.
    """
    wanted = [spec.name for spec in inputs]
    if len(set(names)) < len(names):
        raise invalid(f"names: {_listed(names)} has a name twice")
    if len(names) > 1 and set(wanted) <= set(names) and all(map(_is_scalar, inputs)):
        return _split(inputs, rows, names)
    if len(inputs) < 2:
        if names and list(names) != wanted:
            _table(inputs, rows, len(names), names)
        return {(wanted or ["data"])[0]: rows}
    if names or not all(map(_is_scalar, inputs)):
        raise _misfit(inputs, f"the names {_listed(names)}" if names else "a table without names")
    return _split(inputs, rows, wanted)


def from_frame(inputs: Specs, columns: dict[str, Column]) -> Columns:
    """The columns of a frame, which has a name for each: by name, or all side by side for the only input.

    ``INVALID`` names what is expected and what was given.
    """
    if not inputs or {spec.name for spec in inputs} <= columns.keys():
        return columns
    if len(inputs) == 1 and inputs[0].row_shape in ((len(columns),), (None,)):
        return {inputs[0].name: [list(row) for row in zip(*columns.values(), strict=True)]}
    raise _misfit(inputs, f"the columns {_listed(list(columns))}")


def from_records(records: Sequence[Any]) -> dict[str, Column]:
    """The columns in a list of one object a row; ``INVALID`` tells which row has other columns than the first."""
    if not records or records[0] == {}:
        raise invalid("no rows: send at least one record, with at least one column")
    for number, row in enumerate(records):
        if not isinstance(row, dict):
            raise invalid(f"row {number} is not an object such as {{column: value}}")
        if row.keys() != records[0].keys():
            odd = sorted(records[0].keys() ^ row.keys())
            raise invalid(f"row {number} does not have the columns of row 0: {_listed(odd)} differ")
    return {name: [row[name] for row in records] for name in records[0]}


def from_columns(columns: dict[str, Any]) -> dict[str, Column]:
    """An object of one list a column; ``INVALID`` where one is no list, or longer than the others."""
    if not columns:
        raise invalid("no rows: there is no column; send at least one")
    for name, column in columns.items():
        if not isinstance(column, list):
            raise invalid(f"column {name!r} must be a list with a value for each row", column=name)
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise invalid(f"columns of different lengths: {lengths}")
    return columns


def taking(inputs: Specs) -> str:
    """What a deployment takes, for messages."""
    return "; ".join(map(str, inputs)) or "any table"


def is_text(inputs: Specs) -> bool:
    """Whether a deployment takes one text a row and nothing else."""
    return len(inputs) == 1 and inputs[0].dtype == "string" and _is_scalar(inputs[0])


def _is_scalar(spec: TensorSpec) -> bool:
    return spec.row_shape in ((), (1,))


def _split(inputs: Specs, rows: Sequence[Any] | Array, names: Sequence[str]) -> Columns:
    columns = _table(inputs, rows, len(names), names)
    return dict(zip(names, columns, strict=True))


def _table(inputs: Specs, rows: Sequence[Any] | Array, width: int, names: Sequence[str]) -> list[Column]:
    """The columns of the table, which must have so many."""
    if not isinstance(rows, list):
        return _array_table(inputs, rows, width, names)
    for number, row in enumerate(rows):
        if not isinstance(row, list):
            raise _misfit(inputs, f"row {number} that is no list")
        if len(row) != width:
            raise _misfit(inputs, f"{len(row)} values in row {number} for the {width} columns {_listed(names)}")
    return [[row[at] for row in rows] for at in range(width)]


def _array_table(inputs: Specs, rows: Any, width: int, names: Sequence[str]) -> list[Column]:
    if rows.ndim != 2 or rows.shape[1] != width:
        raise _misfit(inputs, f"the shape {list(rows.shape)} for the {width} columns {_listed(names)}")
    return [rows[:, at] for at in range(width)]


def _misfit(inputs: Specs, given: str) -> DomainError:
    wanted = taking(inputs)
    return invalid(f"the deployment takes {wanted}; got {given}", expected=wanted, given=given)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(str(name)[:60]) for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
