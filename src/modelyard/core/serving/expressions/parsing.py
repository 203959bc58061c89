"""From the JSON of an expression to something that runs: what is not on the list is refused, by its name."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelyard.core.kernel.errors import invalid
from modelyard.core.serving.expressions.casts import cast_to
from modelyard.core.serving.expressions.functions import FUNCTIONS
from modelyard.core.serving.expressions.operators import OPERATORS
from modelyard.core.serving.expressions.values import NULL, Kind, Lookup, Node, Truth, Values, either, truths
from modelyard.core.serving.tensors import Array

_MOST_CHARACTERS = 100_000
_MOST_PARTS = 500
_DEEPEST = 50
_GROUPS = frozenset({"Boolean", "StringExpr", "ListExpr", "Pow"})
_NUMBERS = frozenset({f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)} | {"Float32", "Float64"})
_TOGETHER = frozenset({"Agg", "Window", "SortBy", "Sort", "Filter", "Slice", "Take", "Explode", "Count"})


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression with the name that it gives its result, and the columns that it looks at."""

    name: str
    columns: frozenset[str]
    node: Node

    def true_rows(self, lookup: Lookup, rows: int) -> Array:
        """Where it is true; null counts as false. ``INVALID`` when it does not say true or false."""
        try:
            values = self.node(lookup)
        except (ArithmeticError, TypeError, ValueError) as error:
            raise invalid(f"the validation {self.name!r} cannot be reckoned on these values: {error}") from error
        found: Truth = False
        if values.kind is not Kind.NULL:
            found = truths(values, f"the validation {self.name!r}")
            found = found if values.nulls is False else np.logical_and(found, np.logical_not(values.nulls))
        return np.array(np.broadcast_to(np.asarray(found, dtype=bool), rows))


def parse(text: object) -> Expression:
    """The expression that a JSON text holds; ``INVALID`` says what of it cannot be served."""
    if not isinstance(text, str) or len(text) > _MOST_CHARACTERS:
        raise invalid(f"an expression is a JSON text of at most {_MOST_CHARACTERS} characters")
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise invalid(f"an expression is not valid JSON: {error}") from error
    kind, body = _one(tree)
    if kind != "Alias" or not isinstance(body, list) or len(body) != 2 or not isinstance(body[1], str) or not body[1]:
        raise invalid("an expression has no name: its outermost part must be an Alias")
    parser = _Parser()
    node = parser.part(body[0], 1)
    return Expression(body[1], frozenset(parser.columns), node)


class _Parser:
    def __init__(self) -> None:
        self.columns: set[str] = set()
        self._parts = 0

    def part(self, tree: object, depth: int) -> Node:
        self._parts += 1
        if self._parts > _MOST_PARTS or depth > _DEEPEST:
            raise invalid(f"an expression has at most {_MOST_PARTS} parts, {_DEEPEST} within one another")
        kind, body = _one(tree)
        if kind in _TOGETHER:
            raise invalid(f"{kind} looks at many rows together; a validation looks at each row by itself")
        read = getattr(self, f"_{kind.lower()}", None) if kind in _PARTS else None
        if read is None:
            raise invalid(f"{kind[:60]} is not served in validations; known are {', '.join(sorted(_PARTS))}")
        try:
            return read(body, depth + 1)  # type: ignore[no-any-return]
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise invalid(f"{kind} is not written as polars 0.18 does: {error!r}") from error

    def _alias(self, body: list[Any], depth: int) -> Node:
        return self.part(body[0], depth)

    def _column(self, body: str, depth: int) -> Node:
        del depth
        if not isinstance(body, str) or (body.startswith("^") and body.endswith("$")):
            raise invalid(f"columns are named one by one, not as {str(body)[:60]!r}")
        self.columns.add(body)
        return lambda lookup: lookup(body)

    def _literal(self, body: str | Mapping[str, Any], depth: int) -> Node:
        del depth
        value = _literal(body)
        return lambda _: value

    def _binaryexpr(self, body: Mapping[str, Any], depth: int) -> Node:
        left, right = self.part(body["left"], depth), self.part(body["right"], depth)
        operator = OPERATORS.get(body["op"])
        if operator is None:
            raise invalid(f"the operator {str(body['op'])[:60]} is not served in validations")
        return lambda lookup: operator(left(lookup), right(lookup))

    def _ternary(self, body: Mapping[str, Any], depth: int) -> Node:
        when, then, otherwise = (self.part(body[key], depth) for key in ("predicate", "truthy", "falsy"))
        return lambda lookup: _chosen(when(lookup), then(lookup), otherwise(lookup))

    def _cast(self, body: Mapping[str, Any], depth: int) -> Node:
        inner, cast = self.part(body["expr"], depth), cast_to(body["data_type"])
        return lambda lookup: cast(inner(lookup))

    def _function(self, body: Mapping[str, Any], depth: int) -> Node:
        name, given = _function_name(body["function"])
        function = FUNCTIONS.get(name)
        if function is None:
            raise invalid(f"the function {name[:60]} is not served in validations")
        inputs = [self.part(each, depth) for each in body["input"]]
        if not inputs or (function.inputs is not None and len(inputs) != function.inputs):
            raise invalid(f"{name} takes {function.inputs or 'some'} inputs, not {len(inputs)}")
        options, run, sees_nulls = function.prepare(given), function.run, function.nulls

        def apply(lookup: Lookup) -> Values:
            values = [each(lookup) for each in inputs]
            if not sees_nulls and any(value.kind is Kind.NULL for value in values):
                return NULL
            return run(options, *values)

        return apply


_PARTS = frozenset({"Alias", "Column", "Literal", "BinaryExpr", "Ternary", "Cast", "Function"})


def _one(tree: object) -> tuple[str, Any]:
    """(the kind of a part, what it holds)."""
    if isinstance(tree, str):
        return tree, None
    if not isinstance(tree, dict) or len(tree) != 1:
        raise invalid("a part of an expression must be an object with one key, its kind")
    kind, body = next(iter(tree.items()))
    return kind, body


def _function_name(function: str | Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    if isinstance(function, str):
        return function, {}
    kind, body = _one(function)
    if kind not in _GROUPS:
        return kind, body
    name, options = _one(body)
    return f"{kind}.{name}", options or {}


def _literal(body: str | Mapping[str, Any]) -> Values:
    kind, value = _one(body)
    if kind == "Null":
        return NULL
    if kind == "Series":
        return Values(_items(value))
    if kind == "Boolean" and isinstance(value, bool):
        return Values(value)
    if kind == "Utf8" and isinstance(value, str):
        return Values(value)
    if kind in _NUMBERS and isinstance(value, (int, float)) and not isinstance(value, bool):
        return Values(float(value)) if kind.startswith("Float") else Values(_fits(value))
    raise invalid(f"a literal of the type {kind[:60]} is not served in validations")


def _fits(value: float) -> int:
    if value != value // 1 or not -(2**63) <= value < 2**64:
        raise invalid(f"the literal {value!r} is not a whole number of 64 bits")
    return int(value)


def _items(series: Mapping[str, Any]) -> list[Any]:
    items = series["values"]
    kinds = {type(item) for item in items if item is not None}
    if not kinds <= {int, float} and kinds not in ({str}, {bool}):
        raise invalid("a list of values must hold numbers, or text, or true and false")
    return list(items)


def _chosen(when: Values, then: Values, otherwise: Values) -> Values:
    """``then`` where ``when`` is true, elsewhere ``otherwise``."""
    if when.kind is Kind.NULL:
        return otherwise
    true = np.logical_and(truths(when, "when"), np.logical_not(when.nulls))
    kinds = {values.kind for values in (then, otherwise)} - {Kind.NULL}
    if not kinds:
        return NULL
    if len(kinds) > 1 or Kind.LIST in kinds:
        raise invalid("then and otherwise must both be numbers, or text, or true or false")
    data = np.where(true, then.data, otherwise.data)
    if kinds == {Kind.TEXT}:
        data = data.astype(object)
    nulls = np.where(true, then.nulls, otherwise.nulls) if either(then.nulls, otherwise.nulls) is not False else False
    return Values(data, nulls)
