"""A frame as text/csv (RFC 4180): the first line names the columns."""

import csv
import io
from collections.abc import Callable, Sequence

import numpy as np

from modelyard.core.kernel.errors import invalid
from modelyard.core.serving.tensors import Column

_TRUTH = {"true": True, "false": False}


def frame_in(body: bytes) -> dict[str, Column]:
    """The columns; numbers where all values of a column are numbers, else text. ``INVALID`` names the line."""
    try:
        lines = [line for line in csv.reader(io.StringIO(body.decode("utf-8-sig")), strict=True) if line]
    except UnicodeDecodeError as error:
        raise invalid("the body is not UTF-8 text") from error
    except csv.Error as error:
        raise invalid(f"the body is not valid CSV: {error}") from error
    if len(lines) < 2:
        raise invalid("no rows: the CSV needs a line with the names of the columns and at least one row")
    names, *rows = lines
    if len(set(names)) < len(names):
        raise invalid("the CSV has two columns of the same name")
    for number, row in enumerate(rows):
        if len(row) != len(names):
            raise invalid(f"row {number} of the CSV has {len(row)} values for {len(names)} columns")
    return {name: _column(name, [row[at] for row in rows]) for at, name in enumerate(names)}


def _column(name: str, cells: Sequence[str]) -> Column:
    if "" in cells:
        raise invalid(f"column {name!r}: row {cells.index('')} has no value; send one for every row", column=name)
    readers: tuple[Callable[[str], object], ...] = (int, float, lambda cell: _TRUTH[cell.lower()])
    for read in readers:
        try:
            return np.array([read(_plain(cell)) for cell in cells])
        except (ValueError, KeyError):
            continue
    return list(cells)


def _plain(cell: str) -> str:
    """A cell that may be a number: Python would take 1_000 for one, too."""
    if "_" in cell:
        raise ValueError
    return cell
