"""What things are compared with: for each kind its comparators and how its values are read."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from modelyard.core.kernel.search import Comparator
from modelyard.dialects.mlflow.grammar.tokens import Token, unquoted

_INTEGER = re.compile(r"\s*-?\d+\s*")
_INT64 = range(-(2**63), 2**63)
_ORDERED: tuple[Comparator, ...] = ("=", "!=", ">", ">=", "<", "<=")
_EQUAL: tuple[Comparator, ...] = ("=", "!=")
_LIKE: tuple[Comparator, ...] = ("LIKE", "ILIKE")
_IN: tuple[Comparator, ...] = ("IN", "NOT IN")
_NULL: tuple[Comparator, ...] = ("IS NULL", "IS NOT NULL")


@dataclass(frozen=True, slots=True)
class Kind:
    """``read`` makes a value of a token, or raises ``ValueError``; ``wanted`` says in words what it reads."""

    comparators: tuple[Comparator, ...]
    wanted: str
    read: Callable[[Token], Any]


def _string(token: Token) -> str:
    if token.lastgroup not in ("single", "double"):
        raise ValueError
    return unquoted(token[token.lastgroup])


def _float(token: Token) -> float:
    if token.lastgroup != "number":
        raise ValueError
    return float(token["number"])


def _integer(token: Token) -> int:
    return _int64(token["number"] or "")


def _number(token: Token) -> int | float:
    text = token["number"] or ""
    return _int64(text) if _INTEGER.fullmatch(text) else _float(token)


def _integer_or_quoted(token: Token) -> int:
    return _int64(token["number"] or _string(token))


def _quoted_integer(token: Token) -> int:
    return _int64(_string(token))


def _int64(text: str) -> int:
    if len(text) > 40 or not _INTEGER.fullmatch(text) or (number := int(text)) not in _INT64:
        raise ValueError
    return number


_IN_QUOTES = "a string in quotes"
TEXT = Kind(_EQUAL + _LIKE, _IN_QUOTES, _string)
TEXT_OR_NULL = Kind(_EQUAL + _LIKE + _NULL, _IN_QUOTES, _string)
LISTED_TEXT = Kind(_EQUAL + _LIKE + _IN, _IN_QUOTES, _string)
METRIC = Kind(_ORDERED, "a number", _float)
NUMBER = Kind(_ORDERED, "a number; an integer has at most 64 bits", _number)
INTEGER = Kind(_ORDERED, "an integer of at most 64 bits, without quotes", _integer)
VERSION = Kind(_ORDERED, "an integer of at most 64 bits", _integer_or_quoted)
EXPERIMENT_ID = Kind(_EQUAL + _IN, "an integer in quotes, as in '42'", _quoted_integer)
