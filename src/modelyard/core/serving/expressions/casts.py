"""``Cast``: from one type to another, with null where a value does not survive it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from modelyard.core.kernel.errors import invalid
from modelyard.core.serving.expressions.values import NULL, Kind, Values, either, numbers, texts, wrong

_FLOATS: dict[str, np.dtype[Any]] = {"Float32": np.dtype("float32"), "Float64": np.dtype("float64")}
_WHOLE: dict[str, np.dtype[Any]] = {
    f"{sign}Int{bits}": np.dtype(f"{sign.lower()}int{bits}") for sign in ("", "U") for bits in (8, 16, 32, 64)
}


def cast_to(data_type: Any) -> Callable[[Values], Values]:
    """What makes values of this type; ``INVALID`` for a type that validations do not know."""
    if data_type == "Boolean":
        return _truth
    if data_type == "Utf8":
        return _text
    target = _FLOATS.get(str(data_type)) or _WHOLE.get(str(data_type))
    if target is None or not isinstance(data_type, str):
        raise invalid(f"a cast to {str(data_type)[:60]} is not served in validations")
    return lambda values: _number(values, target)


def _truth(values: Values) -> Values:
    if values.kind is Kind.NULL:
        return NULL
    return Values(np.not_equal(numbers(values, "a cast to Boolean"), 0), values.nulls)


def _text(values: Values) -> Values:
    """Text stays; whole numbers are written out. How polars writes floats is no contract."""
    if values.kind in (Kind.TEXT, Kind.NULL):
        return values
    data = np.asarray(values.data)
    if values.kind is not Kind.NUMBER or data.dtype.kind not in "iu":
        raise wrong("a cast to Utf8", Kind.TEXT, values)
    return Values(data.astype(str).astype(object), values.nulls)


def _number(values: Values, target: np.dtype[Any]) -> Values:
    if values.kind is Kind.NULL:
        return NULL
    nulls = values.nulls
    if values.kind is Kind.TEXT:
        read = [_read(text) for text in texts(values, "a cast")]
        data = np.array([np.nan if number is None else number for number in read])
        nulls = either(nulls, np.array([number is None for number in read]))
    else:
        data = np.asarray(numbers(values, f"a cast to {target}"))
    if target.kind == "f":
        with np.errstate(all="ignore"):
            return Values(data.astype(target), nulls)
    limits = np.iinfo(target)
    outside = ~((data >= float(limits.min)) & (data <= float(limits.max)) & (data < 2.0**63))
    if data.dtype.kind in "iu":
        outside = (data < limits.min) | (data > limits.max)
    whole = np.where(outside, 0, np.trunc(data)).astype(target)
    return Values(whole, either(nulls, outside if np.any(outside) else False))


def _read(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
