"""Which rows of a feature count: filters by value, category, time and outlier."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from watched_pipeline import Watched

from modelyard.core.kernel.errors import DomainError
from modelyard.core.monitoring.feature_rows import FeatureQuery, Filter, logged_rows, reference_rows
from modelyard.core.monitoring.features import REQUEST, features, matrix
from modelyard.core.monitoring.inference_log import Stream
from modelyard.core.monitoring.logged import Part
from modelyard.core.monitoring.reference import Reference
from modelyard.core.serving.graph.result import Result

PART = Part("default", "m", "", Stream.REQUESTS)


def found(watched: Watched, *filters: Filter, feature: str = "x_0", **more: Any) -> list[Any]:
    outliers = more.pop("outliers", None)
    query = FeatureQuery(feature, filters=filters, **more)
    return logged_rows(watched.reader, watched.pipeline.id, PART, query, outliers).values.tolist()


@pytest.fixture
def rows(watched: Watched) -> Watched:
    """Rows (0, 0), (1, 10), … (5, 50), two a request."""
    for first in (0, 2, 4):
        watched.log([[first, first * 10], [first + 1, (first + 1) * 10]])
    return watched


def test_rows_come_newest_first_with_their_times(rows: Watched) -> None:
    read = logged_rows(rows.reader, rows.pipeline.id, PART, FeatureQuery("x_0"), None)
    assert read.values.tolist() == [5, 4, 3, 2, 1, 0]
    assert read.times.tolist() == [4000, 4000, 3000, 3000, 2000, 2000]
    assert read.numeric


@pytest.mark.parametrize(
    ("bounds", "kept"),
    [
        ((("gt", "2"),), [5, 4, 3]),
        ((("gte", "2"), ("lt", "4")), [3, 2]),
        ((("lte", "1.5"),), [1, 0]),
        ((("gt", "9"),), []),
    ],
)
def test_numbers_are_bounded(rows: Watched, bounds: Any, kept: list[float]) -> None:
    assert found(rows, Filter("x_0", bounds=bounds)) == kept


def test_a_filter_may_be_about_another_feature_and_about_the_answer(rows: Watched) -> None:
    assert found(rows, Filter("x_1", bounds=(("gte", "30"),))) == [5, 4, 3]
    assert found(rows, Filter("y", "response", bounds=(("gte", "8"),))) == [5, 4]
    assert found(rows, feature="y", interaction="response") == [10, 8, 6, 4, 2, 0]


def test_all_filters_hold(rows: Watched) -> None:
    assert found(rows, Filter("x_0", bounds=(("gt", "1"),)), Filter("x_1", terms=("20", "50", "0"))) == [5, 2]


def test_times_bound_rows_however_they_are_written(rows: Watched) -> None:
    third = datetime.fromtimestamp(3, UTC).isoformat()
    assert found(rows, Filter(is_timestamp=True, bounds=(("gte", third),))) == [5, 4, 3, 2]
    assert found(rows, Filter(is_timestamp=True, bounds=(("lt", "3000"),))) == [1, 0]


def test_outliers_are_those_that_a_detector_found(rows: Watched) -> None:
    places = {("w1-000000", 1), ("w1-000000", 4)}
    assert found(rows, Filter(is_outlier=True), outliers=places) == [4, 1]
    assert found(rows, Filter(is_outlier=False), outliers=places) == [5, 3, 2, 0]
    with pytest.raises(DomainError, match="no outlier detector"):
        found(rows, Filter(is_outlier=True))


def test_texts_and_truth_values_are_categories(watched: Watched) -> None:
    result = Result(2, {"x": np.array([[1.0], [2.0]])}, {"y": np.array([True, False])}, [5], "m")
    watched.writer.append(watched.route, 1, result, {"color": ["red", "blue"]})
    assert found(watched, feature="color") == ["blue", "red"]
    assert found(watched, Filter("color", terms=("red",)), feature="x") == [1]
    assert found(watched, Filter("y", "response", terms=("false",)), feature="x") == [2]
    with pytest.raises(DomainError, match="use terms"):
        found(watched, Filter("color", bounds=(("gt", "1"),)), feature="x")


def test_requests_without_the_feature_are_left_out(rows: Watched) -> None:
    result = Result(1, {"other": np.array([[7.0]])}, {"y": np.array([[1.0]])}, [5], "m")
    rows.writer.append(rows.route, 9_000, result, {})
    assert found(rows, feature="other") == [7]
    assert found(rows) == [5, 4, 3, 2, 1, 0]
    assert found(rows, Filter("other", bounds=(("gt", "0"),))) == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (FeatureQuery("never"), "x_0, x_1"),
        (FeatureQuery("y"), "request"),
        (FeatureQuery("x_0", "thought"), "interaction"),
        (FeatureQuery("x_0", filters=(Filter("x_0", bounds=(("gt", "much"),)),)), "not a number"),
        (FeatureQuery("x_0", filters=(Filter(is_timestamp=True, bounds=(("gt", "noon"),)),)), "RFC 3339"),
    ],
)
def test_what_cannot_be_asked_is_refused(rows: Watched, query: FeatureQuery, said: str) -> None:
    with pytest.raises(DomainError, match=said):
        logged_rows(rows.reader, rows.pipeline.id, PART, query, None)


def test_an_empty_log_has_no_rows_of_anything(watched: Watched) -> None:
    assert found(watched, feature="whatever") == []


def test_reference_data_is_filtered_the_same_and_has_no_times() -> None:
    known = Reference(("a", "b"), np.array([[1.0, 5.0], [2.0, 6.0]]))
    kept = reference_rows(known, FeatureQuery("a", filters=(Filter("b", bounds=(("gt", "5"),)),)))
    assert kept.values.tolist() == [2]
    with pytest.raises(DomainError, match="neither times nor outliers"):
        reference_rows(known, FeatureQuery("a", filters=(Filter(is_timestamp=True),)))
    with pytest.raises(DomainError, match="there are a, b"):
        reference_rows(known, FeatureQuery("c"))


def test_columns_of_vectors_are_many_features_and_others_one() -> None:
    columns: dict[str, Any] = {
        "in.flat": np.array([1, 2]),
        "in.single": np.array([[1.5], [2.5]]),
        "in.image": np.zeros((2, 2, 2)),
        "in.text": ["a", "b"],
        "out.y": np.array([0, 1]),
    }
    single = features(columns, REQUEST)
    expected = ["flat", "single", "image_0", "image_1", "image_2", "image_3", "text"]
    assert list(single) == expected
    assert all(array.shape == (2,) for array in single.values())
    numbers, values = matrix(columns, REQUEST)
    assert (numbers, values.shape) == (expected[:-1], (2, 6))
