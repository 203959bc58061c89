"""Whatever text comes, it is read or refused, and quickly."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.search import Attached, Compare, Order
from modelyard.dialects.mlflow import grammar

BY_CLAUSE = [grammar.runs, grammar.experiments, grammar.registered_models, grammar.model_versions]
SEARCHES: list[Callable[..., Any]] = [*BY_CLAUSE, grammar.logged_models]

_WORDS = """
    tags. params. metrics. attributes. dataset. name run_id start_time version_number experiment_id creation_time `a b`
    "a" 'a' 'a a" `a `` '' \\' \\" \\ = != < > <= >= == LIKE ILIKE IN NOT IS NULL AND OR ( ) , ; . - -- + * / 1 1.
    -1.5e3 1e999 99999999999999999999 ('a','b') DESC ASC é 日
"""
_PIECES = st.sampled_from([*_WORDS.split(), "\0", "\ud800", "\ufeff", "\u0661", "\n", "\t", "\xa0"])
_TEXTS = st.one_of(st.text(), st.lists(_PIECES).map(" ".join), st.lists(_PIECES).map("".join))


def _check(search: Callable[..., Any], *args: Any) -> None:
    """It is read, or refused with a message that says what is wrong; any other exception fails the test."""
    try:
        conditions, orders = search(*args)
    except DomainError as error:
        assert error.kind is ErrorKind.INVALID
        assert error.message.startswith(("the filter ", "clause 1 of order_by "))
    else:
        assert all(isinstance(condition, (Compare, Attached)) for condition in conditions)
        assert all(isinstance(order, Order) for order in orders)


@given(_TEXTS)
def test_a_filter_is_read_or_refused(text: str) -> None:
    for search in SEARCHES:
        _check(search, text)


@given(_TEXTS)
def test_a_clause_is_read_or_refused(text: str) -> None:
    for search in BY_CLAUSE:
        _check(search, "", [text])


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS, lambda it: st.lists(it, max_size=2)
)
_NAMES = st.sampled_from(["field_name", "ascending", "dataset_name", "dataset_digest"])


@given(st.dictionaries(_NAMES, _JSON) | _JSON)
def test_an_object_to_order_by_is_read_or_refused(clause: Any) -> None:
    _check(grammar.logged_models, "", [clause])


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_can_be_searched_for(text: str) -> None:
    for quote in "'\"":
        escaped = text.replace(quote, quote * 2)
        (condition,), _ = grammar.runs(f"tags.a = {quote}{escaped}{quote}")
        meant = condition.value
        # A backslash before a quote escapes it as well, so such a text comes back with one character less.
        assert meant == text or "\\" in text


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_any_key_can_be_named_in_backticks(key: str) -> None:
    (condition,), _ = grammar.runs("tags.`{}` = 'x'".format(key.replace("`", "``")))
    assert condition.key == key


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_can_be_compared_with(number: float) -> None:
    (condition,), _ = grammar.runs(f"metrics.a > {number!r}")
    assert condition.value == number


_LARGE = 100_000


@pytest.mark.parametrize(
    "text",
    [
        "(" * _LARGE,
        "'" * _LARGE,
        "'" * (_LARGE + 1),
        "\"'`" * (_LARGE // 3),
        "\\'" * (_LARGE // 2),
        "'" + "\\'" * (_LARGE // 2),
        "'" + "\\''" * (_LARGE // 3),
        '"a\\".' * (_LARGE // 5),
        "`" * (_LARGE + 1),
        "AND " * (_LARGE // 4),
        "NOT " * (_LARGE // 4),
        "a." * (_LARGE // 2),
        "tags." + "a." * (_LARGE // 2) + "a = 'x",
        "metrics.a > 1 AND " * 10_000,
        "run_id IN (" + "'a'," * (_LARGE // 4),
        "run_id IN " + "(" * _LARGE,
        "metrics.a > " + "1" * _LARGE,
        "start_time > " + "1" * _LARGE,
        "version_number = '" + "1" * _LARGE + "'",
        "metrics.a > " + "1." * (_LARGE // 2),
        "metrics.a > 1e" + "9" * _LARGE,
        " " * _LARGE,
        "\n" * _LARGE + "x",
        "-" * _LARGE,
        "\0" * _LARGE,
        "日" * _LARGE,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_a_large_text_takes_no_time(text: str) -> None:
    start = time.perf_counter()
    for search in SEARCHES:
        _check(search, text)
    for search in BY_CLAUSE:
        _check(search, "", [text])
    assert time.perf_counter() - start < 2
