"""What ``Function`` can do, by the names of polars: a group and a name such as ``ListExpr.Get``, or a name alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelyard.core.kernel.errors import invalid
from modelyard.core.serving.expressions.operators import OPERATORS
from modelyard.core.serving.expressions.patterns import pattern
from modelyard.core.serving.expressions.values import (
    NULL,
    Kind,
    Values,
    either,
    lists,
    numbers,
    texts,
    truths,
    wrong,
)

_MOST_DECIMALS = 15

Options = Mapping[str, Any]
Body = Callable[..., Values]


@dataclass(frozen=True, slots=True)
class Function:
    """``run(options, *inputs)``; ``inputs`` is how many it takes, None any number, ``nulls`` that it looks at nulls."""

    run: Body
    inputs: int | None = 1
    nulls: bool = False
    prepare: Callable[[Options], Options] = dict
    """Makes of the options what ``run`` takes; ``INVALID`` for options that cannot be served."""


def _number(name: str, run: Callable[[Any], Any]) -> Function:
    def apply(_: Options, values: Values) -> Values:
        with np.errstate(all="ignore"):
            return Values(run(numbers(values, name)), values.nulls)

    return Function(apply)


def _float(name: str, test: Callable[[Any], Any]) -> Function:
    def apply(_: Options, values: Values) -> Values:
        return Values(np.asarray(test(numbers(values, name)), dtype=bool), values.nulls)

    return Function(apply)


def _text(name: str, run: Callable[[str], Any], dtype: Any) -> Function:
    def apply(_: Options, values: Values) -> Values:
        return _shaped(values, [run(text) for text in texts(values, name)], dtype)

    return Function(apply)


def _text_with(name: str, test: Callable[[str, str], bool]) -> Function:
    def apply(_: Options, values: Values, other: Values) -> Values:
        found, wanted = texts(values, name), texts(other, name)
        rows = max(len(found), len(wanted))
        found, wanted = (each if len(each) == rows else list(each) * rows for each in (found, wanted))
        made = [test(text, part) for text, part in zip(found, wanted, strict=True)]
        return Values(np.array(made, dtype=bool), either(values.nulls, other.nulls))

    return Function(apply, 2)


def _shaped(like: Values, made: Sequence[Any], dtype: Any) -> Values:
    return Values(made[0] if isinstance(like.data, str) else np.array(made, dtype=dtype), like.nulls)


def _contains(options: Options, values: Values, wanted: Values) -> Values:
    if not isinstance(wanted.data, str):
        raise invalid("str.contains takes one text that is written in the expression")
    search = pattern(wanted.data, literal=options["literal"])
    return _shaped(values, [search(text) for text in texts(values, "str.contains")], bool)


def _get(_: Options, values: Values, places: Values) -> Values:
    """The items at a place counted from the start, or below 0 from the end; null where the list is too short."""
    data, at = lists(values, "list.get"), np.asarray(numbers(places, "the place in list.get"))
    if at.dtype.kind not in "iu":
        raise invalid("list.get takes a whole number as the place")
    length = data.shape[1]
    outside = (at >= length) | (at < -length)
    if not length or np.all(outside):
        return NULL
    chosen = np.where(outside, 0, at)
    items = data[:, chosen] if at.ndim == 0 else data[np.arange(len(data)), chosen]
    nulls = either(values.nulls, places.nulls, outside if np.any(outside) else False)
    return Values(items, np.broadcast_to(nulls, len(data)) if nulls is not False else False)


def _sum(_: Options, values: Values) -> Values:
    return Values(lists(values, "list.sum").sum(axis=1), values.nulls)


def _list_contains(_: Options, values: Values, item: Values) -> Values:
    data = lists(values, "list.contains")
    wanted = item.data.reshape(-1, 1) if isinstance(item.data, np.ndarray) else item.data
    return Values(np.asarray(data == wanted, dtype=bool).any(axis=1), either(values.nulls, item.nulls))


def _is_in(_: Options, values: Values, among: Values) -> Values:
    if not isinstance(among.data, list):
        raise invalid("is_in takes a list of values written in the expression")
    known = [item for item in among.data if item is not None]
    if known and isinstance(known[0], str) != (values.kind is Kind.TEXT):
        raise invalid(f"is_in cannot look for {values.kind} among {known[0]!r} and the like")
    kept = set(texts(values, "is_in")) & set(known) if values.kind is Kind.TEXT else known
    return Values(np.isin(values.data, list(kept)), values.nulls)


def _is_null(_: Options, values: Values) -> Values:
    shape = np.shape(values.data)[:1]
    return Values(np.broadcast_to(np.asarray(values.nulls, dtype=bool), shape) if shape else values.nulls is not False)


def _not(_: Options, values: Values) -> Values:
    return Values(np.logical_not(truths(values, "~")), values.nulls)


def _horizontal(operator: str) -> Function:
    def apply(_: Options, first: Values, *others: Values) -> Values:
        for other in others:
            first = OPERATORS[operator](first, other)
        return first

    return Function(apply, None, nulls=True)


def _power(_: Options, base: Values, exponent: Values) -> Values:
    a, b = numbers(base, "pow"), numbers(exponent, "pow")
    if isinstance(a, int) or (isinstance(a, np.ndarray) and a.dtype.kind in "iu"):
        a = np.asarray(a, dtype=np.float64)
    with np.errstate(all="ignore"):
        return Values(np.power(a, b), either(base.nulls, exponent.nulls))


def _round(options: Options, values: Values) -> Values:
    """Half away from zero."""
    data = numbers(values, "round")
    if np.asarray(data).dtype.kind != "f":
        return values
    scale = 10.0 ** options["decimals"]
    with np.errstate(all="ignore"):
        scaled = data * scale
        whole = np.trunc(scaled)
        return Values(
            (whole + np.copysign(np.abs(scaled - whole) >= 0.5, scaled).astype(whole.dtype)) / scale, values.nulls
        )


def _log(options: Options, values: Values) -> Values:
    with np.errstate(all="ignore"):
        return Values(np.log(numbers(values, "log")) / float(np.log(options["base"])), values.nulls)


def _clip(options: Options, values: Values) -> Values:
    return Values(np.clip(numbers(values, "clip"), options["min"], options["max"]), values.nulls)


def _whole(options: Options) -> Options:
    if not isinstance(options["decimals"], int) or not 0 <= options["decimals"] <= _MOST_DECIMALS:
        raise invalid(f"round takes 0 to {_MOST_DECIMALS} decimals")
    return options


def _base(options: Options) -> Options:
    if not 0 < float(options["base"]) < np.inf:
        raise invalid("log takes a base above 0")
    return {"base": float(options["base"])}


def _literal(options: Options) -> Options:
    return {"literal": bool(options["literal"])}


def _bounds(options: Options) -> Options:
    bounds = {end: next(iter(options[end].values())) for end in ("min", "max")}
    if any(isinstance(bound, bool) or not isinstance(bound, (int, float)) for bound in bounds.values()):
        raise invalid("clip takes two numbers")
    return bounds


def _fill_null(_: Options, values: Values, other: Values) -> Values:
    if values.nulls is False:
        return values
    if values.kind is Kind.NULL:
        return other
    if Kind.NULL not in (values.kind, other.kind) and values.kind is not other.kind:
        raise wrong("fill_null", values.kind, other)
    return Values(np.where(values.nulls, other.data, values.data), np.logical_and(values.nulls, other.nulls))


FUNCTIONS: Mapping[str, Function] = {
    "Abs": _number("abs", np.abs),
    "Floor": _number("floor", np.floor),
    "Ceil": _number("ceil", np.ceil),
    "Exp": _number("exp", np.exp),
    "Sign": _number("sign", np.sign),
    "Pow.Sqrt": _number("sqrt", np.sqrt),
    "Pow.Cbrt": _number("cbrt", np.cbrt),
    "Pow.Generic": Function(_power, 2),
    "Round": Function(_round, prepare=_whole),
    "Log": Function(_log, prepare=_base),
    "Clip": Function(_clip, prepare=_bounds),
    "FillNull": Function(_fill_null, 2, nulls=True),
    "Boolean.IsNot": Function(_not),
    "Boolean.IsNull": Function(_is_null, nulls=True),
    "Boolean.IsNotNull": Function(lambda o, v: _not(o, _is_null(o, v)), nulls=True),
    "Boolean.IsNan": _float("is_nan", np.isnan),
    "Boolean.IsNotNan": _float("is_not_nan", lambda data: np.logical_not(np.isnan(data))),
    "Boolean.IsFinite": _float("is_finite", np.isfinite),
    "Boolean.IsInfinite": _float("is_infinite", np.isinf),
    "Boolean.IsIn": Function(_is_in, 2),
    "Boolean.AnyHorizontal": _horizontal("Or"),
    "Boolean.AllHorizontal": _horizontal("And"),
    "StringExpr.StartsWith": _text_with("str.starts_with", str.startswith),
    "StringExpr.EndsWith": _text_with("str.ends_with", str.endswith),
    "StringExpr.Contains": Function(_contains, 2, prepare=_literal),
    "StringExpr.Length": _text("str.lengths", lambda text: len(text.encode()), np.int64),
    "StringExpr.NChars": _text("str.n_chars", len, np.int64),
    "StringExpr.Uppercase": _text("str.to_uppercase", str.upper, object),
    "StringExpr.Lowercase": _text("str.to_lowercase", str.lower, object),
    "ListExpr.Get": Function(_get, 2),
    "ListExpr.Sum": Function(_sum),
    "ListExpr.Contains": Function(_list_contains, 2),
}
