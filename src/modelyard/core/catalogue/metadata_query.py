"""The query language of model metadata, as Seldon documents it.

    expression = term { ("AND" | "OR") term }       from left to right: both bind equally
    term       = "(" expression ")" | field operator value
    field      = URI | name | version | project | artifact_type | task_type | tags[key] | metrics[key]
    operator   = "=" | "!=" | ">=" | "<=" | ">" | "<" | "%"

Fields and the words AND and OR ignore case, values mind it. A value ends before AND, OR, ")" or the end; in double
quotes (ours) it may hold them. Texts compare by their characters, metrics as numbers; "%" asks whether a text contains
the value. A comparison with a tag or metric that is not there does not hold, not even with "!=".
"""

import math
import operator
import re
from collections.abc import Callable
from typing import Any, NoReturn

from modelyard.core.catalogue.entities import ModelMetadata
from modelyard.core.kernel.errors import invalid

Predicate = Callable[[ModelMetadata], bool]

FIELDS = ("uri", "name", "version", "project", "artifact_type", "task_type")
_QUERY_MAX, _DEPTH_MAX, _COMPARISONS_MAX = 2000, 20, 100
_FIELD = re.compile(r"\s*(tags|metrics)\[([^\]]*)\]|\s*([A-Za-z_]+)", re.IGNORECASE)
_OPERATOR = re.compile(r"\s*(!=|>=|<=|=|>|<|%)")
_WORD = re.compile(r"\s*\b(AND|OR)\b", re.IGNORECASE)
_QUOTED = re.compile(r'\s*"([^"]*)"')
_PLAIN = re.compile(r"\s*(?!(?:AND|OR)\b)([^()\s]+(?:\s+(?!(?:AND|OR)\b)[^()\s]+)*)", re.IGNORECASE)
_PARENTHESIS = re.compile(r"\s*([()])")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "%": operator.contains,
}


def read_query(text: str) -> Predicate:
    """The query as a condition on one entry; ``INVALID`` says what is wrong and where."""
    if len(text) > _QUERY_MAX:
        raise invalid(f"query has {len(text)} characters; at most {_QUERY_MAX} are read", field="query")
    return _Parser(text).whole()


def field_named(name: str) -> str | None:
    """The field that a query, an order or a mask calls by this name; None for none."""
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return plain if plain in FIELDS else None


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._comparisons = 0

    def whole(self) -> Predicate:
        """The expression that the text is."""
        found = self._expression(0)
        if self._text[self._at :].strip():
            self._fail("AND, OR or the end")
        return found

    def _expression(self, depth: int) -> Predicate:
        left = self._term(depth)
        while word := self._take(_WORD):
            left = _joined(word[1].upper(), left, self._term(depth))
        return left

    def _term(self, depth: int) -> Predicate:
        opening = _PARENTHESIS.match(self._text, self._at)
        if opening is None or opening[1] == ")":
            return self._comparison()
        if depth >= _DEPTH_MAX:
            raise invalid(f"query nests deeper than {_DEPTH_MAX} parentheses", field="query")
        self._at = opening.end()
        inner = self._expression(depth + 1)
        closing = self._take(_PARENTHESIS)
        if closing is None or closing[1] != ")":
            self._fail("')'")
        return inner

    def _comparison(self) -> Predicate:
        self._comparisons += 1
        if self._comparisons > _COMPARISONS_MAX:
            raise invalid(f"query has more than {_COMPARISONS_MAX} comparisons", field="query")
        field = self._take(_FIELD) or self._fail("a field")
        sign = self._take(_OPERATOR) or self._fail("one of =, !=, >, <, >=, <=, %")
        value = self._take(_QUOTED) or self._take(_PLAIN) or self._fail("a value")
        if field[3]:
            return self._on_field(field[3], sign[1], value[1])
        if field[1].lower() == "tags":
            return _on_key(lambda entry: entry.tags.get(field[2]), sign[1], value[1])
        return _on_key(lambda entry: entry.metrics.get(field[2]), sign[1], _number(sign[1], value[1]))

    def _on_field(self, given: str, sign: str, value: str) -> Predicate:
        name = field_named(given)
        if name is None:
            known = ", ".join((*FIELDS, "tags[key]", "metrics[key]"))
            raise invalid(f"query: {given[:40]!r} is not a field; known are {known}", field="query")
        return _on_key(lambda entry: getattr(entry, name), sign, value)

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found

    def _fail(self, expected: str) -> NoReturn:
        rest = self._text[self._at :].strip()
        raise invalid(
            f"query: expected {expected} at character {self._at + 1}, got {rest[:40]!r}"
            if rest
            else f"query: expected {expected} at its end",
            field="query",
        )


def _joined(word: str, left: Predicate, right: Predicate) -> Predicate:
    if word == "AND":
        return lambda entry: left(entry) and right(entry)
    return lambda entry: left(entry) or right(entry)


def _on_key(get: Callable[[ModelMetadata], str | float | None], sign: str, value: str | float) -> Predicate:
    compare = _COMPARE[sign]

    def holds(entry: ModelMetadata) -> bool:
        found = get(entry)
        return found is not None and compare(found, value)

    return holds


def _number(sign: str, text: str) -> float:
    if sign == "%":
        raise invalid("query: % looks inside texts; metrics are numbers", field="query")
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise invalid(f"query: {text[:40]!r} is not a number, and metrics are", field="query")
    return number
