"""Queries of model metadata: what they mean, and that no text does anything but hold, not hold or be refused."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.core.catalogue.entities import ModelMetadata
from modelyard.core.catalogue.metadata_query import read_query
from modelyard.core.kernel.errors import DomainError, ErrorKind

_NOW = datetime(2026, 3, 1, tzinfo=UTC)


def entry(**said: Any) -> ModelMetadata:
    fields: dict[str, Any] = {
        "id": 1,
        "project": "default",
        "uri": "s3://b/iris",
        "name": "iris classifier",
        "version": "v2",
        "artifact_type": "SKLEARN",
        "task_type": "classification",
        "tags": {"team": "fraud (eu)", "AND": "x"},
        "metrics": {"accuracy": 0.91},
        "prediction_schema": None,
        "default_protocol": None,
        "created_by": "u",
        "created_at": _NOW,
        "updated_at": _NOW,
    }
    return ModelMetadata(**fields | said)


@pytest.mark.parametrize(
    "query",
    [
        "name % iris",
        "name=iris classifier AND version=v2",
        "NAME = iris classifier and Version!=v3",
        "(name=nothing AND version=v2) OR version=v2",
        "name=nothing AND (version=v2 OR version=v3) OR project=default",
        "uri % s3:// AND artifact_type=SKLEARN AND taskType=classification",
        "metrics[accuracy] > 0.9 AND tags[team] != someValue",
        "metrics[accuracy]<=0.91",
        "metrics[accuracy]=9.1e-1",
        'tags[team] = "fraud (eu)"',
        "tags[AND]=x",
        "version > v1 AND version < v3",
        "((((version=v2))))",
    ],
)
def test_these_hold(query: str) -> None:
    assert read_query(query)(entry()) is True


@pytest.mark.parametrize(
    "query",
    [
        "name=iris",
        "name=IRIS CLASSIFIER",
        "tags[other] != x",
        "metrics[other] < 1",
        "name=iris classifier OR version=v2 AND project=other",
        "metrics[accuracy] != 0.91",
        "name=x; DROP TABLE model_metadata",
        'name="x" OR version="1"',
    ],
)
def test_these_do_not_hold(query: str) -> None:
    """AND and OR bind equally, from the left: the fifth is (… OR …) AND …."""
    assert read_query(query)(entry()) is False


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("name", "expected one of ="),
        ("name=", "expected a value at its end"),
        ("name= AND version=2", "expected a value at character 6"),
        ("(name=x", "expected ')' at its end"),
        ("name=x)", "expected AND, OR or the end at character 7"),
        ("name=x AND", "expected a field at its end"),
        ("=x", "expected a field at character 1"),
        ("secret=x", "'secret' is not a field; known are uri, name"),
        ("__class__=x", "is not a field"),
        ("created_by=x", "is not a field"),
        ("metrics[a]=high", "'high' is not a number"),
        ("metrics[a]=nan", "is not a number"),
        ("metrics[a] % 1", "metrics are numbers"),
        ("(" * 21 + "name=x" + ")" * 21, "nests deeper than 20"),
        (" OR ".join(["name=x"] * 101), "more than 100 comparisons"),
        ("name=" + "x" * 2000, "2005 characters"),
    ],
)
def test_these_are_refused_with_the_place(query: str, words: str) -> None:
    with pytest.raises(DomainError) as refused:
        read_query(query)
    assert refused.value.kind is ErrorKind.INVALID
    assert words in refused.value.message


_WORDS = st.sampled_from(
    ["name", "version", "tags[a]", "metrics[a]", "=", "!=", "%", ">", "AND", "OR", "(", ")", '"', "x", "1.5", " "]
)


@given(st.text(max_size=80) | st.lists(_WORDS, max_size=30).map(" ".join))
def test_any_text_is_a_condition_or_a_refusal(query: str) -> None:
    try:
        holds = read_query(query)
    except DomainError as refused:
        assert refused.kind is ErrorKind.INVALID
    else:
        assert holds(entry()) in (True, False)


_COMPARISONS = st.sampled_from([("name=iris classifier", True), ("version=v9", False), ("metrics[accuracy]>0.5", True)])


@given(st.lists(st.tuples(st.sampled_from(["AND", "OR"]), _COMPARISONS), min_size=1, max_size=8))
def test_joins_are_read_from_the_left(parts: list[tuple[str, tuple[str, bool]]]) -> None:
    text, value = parts[0][1]
    for word, (comparison, holds) in parts[1:]:
        text = f"{text} {word} {comparison}"
        value = (value and holds) if word == "AND" else (value or holds)
    assert read_query(text)(entry()) is value
