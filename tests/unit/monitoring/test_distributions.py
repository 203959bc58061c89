"""Histograms and statistics of logged features, checked against numpy."""

from typing import Any

import numpy as np
import pytest

from modelyard.core.kernel.errors import DomainError
from modelyard.core.monitoring.distributions import Shape, distribution, statistics
from modelyard.core.monitoring.feature_rows import FeatureRows

RANDOM = np.random.default_rng(11)


def rows(values: Any, times: Any = None) -> FeatureRows:
    array = np.asarray(values)
    return FeatureRows(array, np.zeros(len(array), np.int64) if times is None else np.asarray(times))


def counts(found: dict[str, Any]) -> dict[str, float]:
    return {bucket["key"]: bucket["count"] for bucket in found["buckets"]}


def test_buckets_of_numbers_begin_at_multiples_of_the_interval() -> None:
    found = distribution(rows([-0.1, 0.0, 0.4, 0.5, 1.9]), Shape(interval=0.5))
    assert counts(found) == {"-0.5": 1, "0": 2, "0.5": 1, "1.5": 1}


def test_empty_buckets_are_there_where_they_are_wanted() -> None:
    found = distribution(rows([0.1, 2.1]), Shape(interval=1.0, least=0))
    assert counts(found) == {"0": 1, "1": 0, "2": 1}
    assert counts(distribution(rows([0.1, 2.1, 2.2]), Shape(interval=1.0, least=2))) == {"2": 2}


@pytest.mark.parametrize("scale", [1e-6, 1, 1234.5])
def test_the_usual_interval_is_round_and_makes_about_twenty_buckets(scale: float) -> None:
    values = RANDOM.normal(size=5000) * scale
    found = distribution(rows(values), Shape(least=0))
    assert 8 <= len(found["buckets"]) <= 22
    assert sum(counts(found).values()) == 5000
    edges = [float(key) for key in counts(found)]
    width = edges[1] - edges[0]
    right, _ = np.histogram(values, bins=[*edges, edges[-1] + width])
    assert list(counts(found).values()) == right.tolist()


def test_values_that_are_all_the_same_have_one_bucket() -> None:
    assert counts(distribution(rows([3.0, 3.0]), Shape())) == {"3": 2}
    assert distribution(rows([]), Shape()) == {"buckets": []}


def test_what_is_no_number_is_in_no_bucket_and_in_no_mean() -> None:
    values = [1.0, np.nan, np.inf, 3.0]
    assert sum(counts(distribution(rows(values), Shape())).values()) == 2
    assert statistics(rows(values), Shape()) == {"count": 2, "avg": 2, "min": 1, "max": 3}


@pytest.mark.parametrize("interval", [-1, float("nan"), float("inf"), 1e-9])
def test_intervals_that_make_no_sense_are_refused(interval: float) -> None:
    with pytest.raises(DomainError, match="histogram_interval"):
        distribution(rows([0.0, 10.0]), Shape(interval=interval))


def test_categories_are_counted_the_most_frequent_first() -> None:
    texts = rows(np.array(["b", "a", "b", None], dtype=object))
    assert list(counts(distribution(texts, Shape())).items()) == [("b", 2), ("a", 1), ("None", 1)]
    expected = {"count": 4, "most_frequent_category": "b", "most_frequent_category_count": 2}
    assert statistics(texts, Shape()) == expected
    assert counts(distribution(rows(np.array([True, False, True])), Shape())) == {"true": 2, "false": 1}


def test_times_are_divided_evenly_and_every_row_is_in_one() -> None:
    found = distribution(rows([1.0, 2.0, 3.0, 4.0], [1000, 1004, 1005, 1009]), Shape(interval=1, times=2))
    assert [(bucket["key"], bucket["count"]) for bucket in found["buckets"]] == [("1000", 2), ("1005", 2)]
    assert counts(found["buckets"][1]["distribution"]) == {"3": 1, "4": 1}
    stats = statistics(rows([1.0, 2.0, 3.0, 4.0], [1000, 1004, 1005, 1009]), Shape(times=3))
    assert (stats["count"], stats["avg"]) == (4, 2.5)
    assert [bucket["stats"]["count"] for bucket in stats["buckets"]] == [1, 2, 1]


def test_too_many_times_are_refused() -> None:
    with pytest.raises(DomainError, match="number_of_time_buckets"):
        distribution(rows([1.0]), Shape(times=5000))
