"""What ``BinaryExpr`` can do, as polars does it.

Null with anything is null, but for And and Or where the other side decides.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from modelyard.core.kernel.errors import invalid
from modelyard.core.serving.expressions.values import NULL, Kind, Truth, Values, either, numbers, truths, wrong

Operator = Callable[[Values, Values], Values]

_WIDE = 2**63


def _compare(name: str, compare: Callable[[Any, Any], Any]) -> Operator:
    def run(left: Values, right: Values) -> Values:
        if Kind.NULL in (left.kind, right.kind):
            return NULL
        return Values(np.asarray(compare(*_alike(name, left, right)), dtype=bool), either(left.nulls, right.nulls))

    return run


def _alike(name: str, left: Values, right: Values) -> tuple[Any, Any]:
    """Both as they can be compared: text with text, anything else as numbers."""
    for values, other in ((left, right), (right, left)):
        if values.kind is Kind.LIST:
            raise wrong(name, Kind.NUMBER, values)
        if values.kind is Kind.TEXT and other.kind is not Kind.TEXT:
            raise invalid(f"{name} cannot compare text with {other.kind}")
    if left.kind is Kind.TEXT:
        return left.data, right.data
    return numbers(left, name), numbers(right, name)


def _reckon(name: str, reckon: Callable[[Any, Any], Any]) -> Operator:
    def run(left: Values, right: Values) -> Values:
        if Kind.NULL in (left.kind, right.kind):
            return NULL
        a, b = (_wide(numbers(values, name)) for values in (left, right))
        with np.errstate(all="ignore"):
            return Values(reckon(a, b), either(left.nulls, right.nulls))

    return run


def _wide(data: Any) -> Any:
    """Whole numbers with room to reckon; a literal beyond all of them as a float."""
    if isinstance(data, np.ndarray):
        return data.astype(np.int64) if data.dtype.kind in "iu" else data
    return float(data) if isinstance(data, int) and not -_WIDE <= data < _WIDE else data


def _whole(a: Any, b: Any) -> bool:
    return all(isinstance(x, int) or (isinstance(x, np.ndarray) and x.dtype.kind == "i") for x in (a, b))


def _by_zero(reckon: Callable[[Any, Any], Any]) -> Operator:
    """A division of whole numbers by 0 is null; one of floats is infinite, or not a number."""

    def run(left: Values, right: Values) -> Values:
        if Kind.NULL in (left.kind, right.kind):
            return NULL
        a, b = (_wide(numbers(values, "a division")) for values in (left, right))
        zero = np.equal(b, 0) if _whole(a, b) else False
        nulls = either(left.nulls, right.nulls, zero)
        with np.errstate(all="ignore"):
            return Values(reckon(a, np.where(zero, 1, b) if np.any(zero) else b), nulls)

    return run


def _and(left: Values, right: Values) -> Values:
    if left.nulls is False and right.nulls is False:
        return Values(np.logical_and(truths(left, "and"), truths(right, "and")))
    (lt, lf), (rt, rf) = _known(left, "and"), _known(right, "and")
    true, false = np.logical_and(lt, rt), np.logical_or(lf, rf)
    return Values(true, np.logical_not(np.logical_or(true, false)))


def _or(left: Values, right: Values) -> Values:
    if left.nulls is False and right.nulls is False:
        return Values(np.logical_or(truths(left, "or"), truths(right, "or")))
    (lt, lf), (rt, rf) = _known(left, "or"), _known(right, "or")
    true, false = np.logical_or(lt, rt), np.logical_and(lf, rf)
    return Values(true, np.logical_not(np.logical_or(true, false)))


def _xor(left: Values, right: Values) -> Values:
    if Kind.NULL in (left.kind, right.kind):
        return NULL
    return Values(np.logical_xor(truths(left, "xor"), truths(right, "xor")), either(left.nulls, right.nulls))


def _known(values: Values, what: str) -> tuple[Truth, Truth]:
    """(where it is known to be true, where it is known to be false)."""
    if values.kind is Kind.NULL:
        return False, False
    data, there = truths(values, what), np.logical_not(values.nulls)
    return np.logical_and(data, there), np.logical_and(np.logical_not(data), there)


def _same(left: Values, right: Values) -> Values:
    """As equality, with null the same as null and as nothing else."""
    both, one = np.logical_and(left.nulls, right.nulls), either(left.nulls, right.nulls)
    equal = False if Kind.NULL in (left.kind, right.kind) else np.equal(*_alike("eq_missing", left, right))
    return Values(np.where(one, both, np.asarray(equal, dtype=bool)))


def _other(left: Values, right: Values) -> Values:
    return Values(np.logical_not(_same(left, right).data))


OPERATORS: Mapping[str, Operator] = {
    "Lt": _compare("<", np.less),
    "LtEq": _compare("<=", np.less_equal),
    "Gt": _compare(">", np.greater),
    "GtEq": _compare(">=", np.greater_equal),
    "Eq": _compare("==", np.equal),
    "NotEq": _compare("!=", np.not_equal),
    "EqValidity": _same,
    "NotEqValidity": _other,
    "Plus": _reckon("+", np.add),
    "Minus": _reckon("-", np.subtract),
    "Multiply": _reckon("*", np.multiply),
    "TrueDivide": _reckon("/", np.true_divide),
    "FloorDivide": _by_zero(np.floor_divide),
    "Modulus": _by_zero(np.fmod),
    "And": _and,
    "Or": _or,
    "Xor": _xor,
}
