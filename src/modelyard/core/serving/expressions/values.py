"""The values an expression works on: one for each row, or one for all of them; any may be null."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.tensors import Array, Column

Truth = NDArray[np.bool_] | bool


class Kind(StrEnum):
    """What values are."""

    NUMBER = "numbers"
    TEXT = "text"
    TRUTH = "true or false"
    LIST = "lists"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Values:
    """``data`` is an array [rows, …], or a plain Python value that stands for all rows; ``nulls`` says which are null.

    What ``data`` holds where it is null means nothing. A plain value takes the type of the array it meets, as a
    literal does in polars.
    """

    data: Any
    nulls: Truth = False

    def __post_init__(self) -> None:
        if isinstance(self.data, np.generic) or (isinstance(self.data, np.ndarray) and not self.data.ndim):
            object.__setattr__(self, "data", self.data.item())
        if isinstance(self.nulls, (np.bool_, np.ndarray)) and not self.nulls.ndim:
            object.__setattr__(self, "nulls", bool(self.nulls))

    @property
    def kind(self) -> Kind:
        """What the values are."""
        if self.nulls is True:
            return Kind.NULL
        if isinstance(self.data, np.ndarray):
            if self.data.ndim > 1:
                return Kind.LIST
            return _KINDS.get(self.data.dtype.kind, Kind.NUMBER)
        if isinstance(self.data, list):
            return Kind.LIST
        return Kind.TRUTH if isinstance(self.data, bool) else Kind.TEXT if isinstance(self.data, str) else Kind.NUMBER


Lookup = Callable[[str], Values]
"""The values of a column by its name; ``INVALID`` when there is none."""
Node = Callable[[Lookup], Values]
"""A part of an expression, ready to run."""

NULL = Values(False, True)
_KINDS = {"b": Kind.TRUTH, "O": Kind.TEXT, "U": Kind.TEXT}


def column(name: str, given: Column) -> Values:
    """A request's or an answer's column; ``INVALID`` when its rows differ in kind or in length."""
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise invalid(f"column {name!r} has rows of different lengths, which a validation cannot look at") from error
    if array.dtype.kind == "U":
        return Values(array.astype(object))
    if array.dtype.kind != "O":
        return Values(array)
    return _objects(name, array)


def _objects(name: str, array: Array) -> Values:
    """Text, or values of which some are null."""
    nulls: NDArray[np.bool_] = np.array([value is None for value in array.ravel()], dtype=bool).reshape(array.shape)
    known = array[~nulls].tolist()
    if not nulls.any() and all(isinstance(value, str) for value in known):
        return Values(array)
    if array.ndim > 1 or not known:
        if nulls.all():
            return NULL
        raise invalid(f"column {name!r} has lists with nulls, which a validation cannot look at")
    filled = array.copy()
    filled[nulls] = known[0]
    plain = np.asarray(filled.tolist())
    if plain.dtype.kind == "O" or (plain.dtype.kind == "U" and not all(isinstance(value, str) for value in known)):
        raise invalid(f"column {name!r} has values of different kinds, which a validation cannot look at")
    return Values(plain.astype(object) if plain.dtype.kind == "U" else plain, nulls)


def either(*nulls: Truth) -> Truth:
    """Null where any is."""
    found: Truth = False
    for each in nulls:
        found = each if found is False else found if each is False else np.logical_or(found, each)
    return found


def numbers(values: Values, what: str) -> Any:
    """The numbers to reckon with; true counts as 1."""
    if values.kind is Kind.TRUTH:
        return values.data.astype(np.int64) if isinstance(values.data, np.ndarray) else int(values.data)
    if values.kind is not Kind.NUMBER:
        raise wrong(what, Kind.NUMBER, values)
    return values.data


def truths(values: Values, what: str) -> Any:
    """True or false."""
    if values.kind is not Kind.TRUTH:
        raise wrong(what, Kind.TRUTH, values)
    return values.data


def texts(values: Values, what: str) -> Sequence[str]:
    """The rows' texts."""
    if values.kind is not Kind.TEXT:
        raise wrong(what, Kind.TEXT, values)
    return [values.data] if isinstance(values.data, str) else values.data.tolist()


def lists(values: Values, what: str) -> Array:
    """The rows' lists, as an array [rows, length, …]."""
    if values.kind is not Kind.LIST or not isinstance(values.data, np.ndarray):
        raise wrong(what, Kind.LIST, values)
    return values.data


def wrong(what: str, wanted: Kind, values: Values) -> DomainError:
    """``INVALID``: this cannot be done with values of that kind."""
    hint = "; take a number out of a list with .list.get(place)" if values.kind is Kind.LIST else ""
    return invalid(f"{what} takes {wanted}, not {values.kind}{hint}")
