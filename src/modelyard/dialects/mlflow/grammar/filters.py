"""From a filter to conditions.

    filter     = { "AND" | comparison }
    comparison = name comparator value
               | name ["NOT"] "IN" "(" string { "," string } [","] ")"
               | name "IS" ["NOT"] "NULL"
    name       = [prefix "."] key

There is no OR, no NOT before a comparison and there are no parentheses around one, so nothing here nests.
"""

from dataclasses import dataclass
from typing import cast

from modelyard.core.kernel.search import Attached, Comparator, Compare, Condition
from modelyard.dialects.mlflow.grammar.kinds import Kind
from modelyard.dialects.mlflow.grammar.names import read_name
from modelyard.dialects.mlflow.grammar.tokens import SHOWN, Token, Tokens
from modelyard.dialects.mlflow.grammar.vocabulary import DATASET_KEYS, Vocabulary

MAX_CONDITIONS = 100
MAX_LISTED = 10_000

_LABEL = "the filter"
_ELSEWHERE = {"==": "=", "<>": "!="}


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is compared: an attribute (``what`` is attribute), or something attached."""

    what: str
    key: str
    kind: Kind

    def compared(self, op: Comparator, value: object) -> Condition:
        if self.what == "attribute":
            return Compare(self.key, op, value)
        return Attached(self.what, self.key, op, value)


def read_filter(vocabulary: Vocabulary, text: str | None) -> tuple[Condition, ...]:
    """The conditions in the filter, in its order; none in an empty one. Raises ``INVALID``."""
    tokens = Tokens(text or "", _LABEL)
    conditions: list[Condition] = []
    listed = 0
    while True:
        while tokens.take_word("AND"):
            pass
        start = tokens.next
        if start.lastgroup == "end":
            return tuple(conditions)
        condition = _comparison(tokens, vocabulary)
        listed += len(condition.value) if isinstance(condition.value, tuple) else 0
        if len(conditions) == MAX_CONDITIONS or listed > MAX_LISTED:
            limits = f"at most {MAX_CONDITIONS} conditions and {MAX_LISTED} values in their lists"
            tokens.refuse(start, f"there are {limits} in one filter; search in several steps")
        conditions.append(condition)


def _comparison(tokens: Tokens, vocabulary: Vocabulary) -> Condition:
    subject = _subject(tokens, vocabulary)
    token = tokens.next
    op = _comparator(tokens)
    if op not in subject.kind.comparators:
        problem = f"the {subject.what} {subject.key[:SHOWN]!r} of {vocabulary.thing} is not compared like this"
        tokens.refuse(token, f"{problem}; possible are {', '.join(subject.kind.comparators)}")
    if op in ("IS NULL", "IS NOT NULL"):
        return subject.compared(op, None)
    value = _list(tokens, subject.kind) if op in ("IN", "NOT IN") else _value(tokens, subject.kind)
    return subject.compared(op, value)


def _subject(tokens: Tokens, vocabulary: Vocabulary) -> _Subject:
    token = tokens.next
    if tokens.take_word("OR", "NOT") or tokens.take_mark("("):
        tokens.refuse(token, "conditions are only joined by AND, without OR, NOT and parentheses")
    what, key = read_name(tokens, vocabulary, vocabulary.attributes)
    if what == "attribute":
        return _Subject(what, key, vocabulary.attributes[key])
    if what == "dataset" and key not in DATASET_KEYS:
        tokens.refuse(token, f"of a dataset one compares {', '.join(DATASET_KEYS)}")
    return _Subject(what, key, vocabulary.attached[what])


def _comparator(tokens: Tokens) -> Comparator:
    token = tokens.next
    if token.lastgroup == "comparator":
        text = tokens.take()["comparator"]
        if text in _ELSEWHERE:
            tokens.refuse(token, f"write {_ELSEWHERE[text]} instead")
        return cast("Comparator", text)
    if word := tokens.take_word("LIKE", "ILIKE", "IN"):
        return cast("Comparator", word)
    if tokens.take_word("IS"):
        op: Comparator = "IS NOT NULL" if tokens.take_word("NOT") else "IS NULL"
        return op if tokens.take_word("NULL") else tokens.expected("NULL")
    if tokens.take_word("NOT"):
        return "NOT IN" if tokens.take_word("IN") else tokens.expected("IN")
    return tokens.expected("=, !=, >, >=, <, <=, LIKE, ILIKE, IN, NOT IN, IS NULL or IS NOT NULL")


def _value(tokens: Tokens, kind: Kind) -> object:
    token: Token = tokens.next
    try:
        value = kind.read(token)
    except ValueError:
        tokens.expected(kind.wanted)
    tokens.take()
    return value


def _list(tokens: Tokens, kind: Kind) -> tuple[object, ...]:
    if not tokens.take_mark("("):
        tokens.expected("a list, as in ('a', 'b')")
    values = [_value(tokens, kind)]
    while not tokens.take_mark(")"):
        if not tokens.take_mark(","):
            tokens.expected("a comma or the end of the list")
        if tokens.take_mark(")"):
            break
        values.append(_value(tokens, kind))
    return tuple(values)
