"""Drift and outliers: what is unlike a reference is found, what is like it is not."""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from modelyard.core.monitoring.drift import drift, ks_distance, ks_p_value
from modelyard.core.monitoring.outliers import outliers, scores, threshold
from modelyard.core.monitoring.reference import MOST_ROWS, Reference, Window, joined, reference_of

RANDOM = np.random.default_rng(7)


def window(values: Any) -> Window:
    array = np.asarray(values, dtype=np.float64).reshape(len(values), -1)
    names = tuple(f"f{place}" for place in range(array.shape[1]))
    return Window(names, array, [("p", row) for row in range(len(array))])


def reference(values: Any) -> Reference:
    made = window(values)
    return Reference(made.names, made.values)


def test_the_distance_is_the_largest_gap_between_distribution_functions() -> None:
    assert ks_distance(np.array([1.0, 2, 3, 4]), np.array([1.0, 2, 3, 4])) == 0
    assert ks_distance(np.array([1.0, 2]), np.array([3.0, 4])) == 1
    assert ks_distance(np.array([1.0, 2, 3, 4]), np.array([3.0, 4, 5, 6])) == 0.5


@pytest.mark.parametrize("sizes", [(50, 50), (100, 400), (1000, 1000)])
@pytest.mark.parametrize("shift", [0.0, 0.1, 0.3, 1.0])
def test_distances_and_p_values_agree_with_scipy(sizes: tuple[int, int], shift: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    one, two = RANDOM.normal(size=sizes[0]), RANDOM.normal(shift, size=sizes[1])
    right = stats.ks_2samp(one, two, method="exact" if max(sizes) < 1000 else "asymp")
    distance = ks_distance(one, two)
    assert distance == pytest.approx(right.statistic, abs=1e-12)
    assert ks_p_value(distance, *sizes) == pytest.approx(right.pvalue, abs=0.05)


def test_the_p_value_falls_with_the_distance() -> None:
    values = [ks_p_value(distance, 80, 120) for distance in np.linspace(0, 1, 101)]
    assert values == sorted(values, reverse=True)
    assert values[0] == 1
    assert values[-1] < 1e-9


def test_alarms_without_drift_are_as_rare_as_promised() -> None:
    known = reference(RANDOM.normal(size=(200, 10)))
    alarms = sum(drift(known, window(RANDOM.normal(size=(200, 10))), by_feature=False)[0] for _ in range(100))
    assert alarms <= 15  # one in twenty is expected; so many come by chance less than once in ten thousand


def test_drift_of_one_feature_among_many_is_found_and_named() -> None:
    values = RANDOM.normal(size=(200, 10))
    values[:, 3] += 1.5
    found, details = drift(reference(RANDOM.normal(size=(200, 10))), window(values), by_feature=False)
    assert found
    assert [name for name, feature in details["features"].items() if feature["drift"]] == ["f3"]
    assert details["threshold"] == 0.005


def test_features_judged_by_themselves_are_held_against_the_significance() -> None:
    known = reference(RANDOM.normal(size=(100, 4)))
    assert drift(known, window(known.values), by_feature=True)[1]["threshold"] == 0.05


def test_what_is_no_number_has_no_place_in_a_distribution() -> None:
    some = np.array([1.0, np.nan, 2.0])
    assert ks_distance(some, np.array([1.0, 2.0])) == 0
    assert ks_distance(np.array([np.nan]), np.array([np.nan])) == 0
    assert ks_distance(np.array([np.nan]), np.array([1.0])) == 1


def test_a_row_far_from_the_reference_is_an_outlier_and_named_by_its_place() -> None:
    values = RANDOM.normal(size=(50, 5))
    values[17, 2] = 40
    found, details = outliers(reference(RANDOM.normal(size=(500, 5))), window(np.clip(values, -3, 40)))
    assert found
    assert (details["outliers"], details["rows"]) == (1, [["p", 17]])
    assert details["highest"] > details["threshold"]


def test_few_usual_rows_are_taken_for_outliers() -> None:
    known = RANDOM.normal(size=(5000, 20))
    share = np.mean(scores(known, RANDOM.normal(size=(5000, 20))) > threshold(20))
    assert share < 0.005


def test_one_bad_row_in_the_reference_hides_no_outlier() -> None:
    known = RANDOM.normal(size=(200, 1))
    known[0] = 1e9
    assert scores(known, np.array([[50.0]]))[0] > threshold(1)


def test_a_reference_of_one_value_makes_any_other_an_outlier() -> None:
    known = np.full((10, 2), 3.0)
    assert scores(known, np.array([[3.0, 3.0], [3.0, 4.0]])).tolist() == [0.0, np.inf]


@settings(max_examples=60, deadline=None)
@given(
    known=hnp.arrays(np.float64, st.tuples(st.integers(1, 6), st.just(3))),
    values=hnp.arrays(np.float64, st.tuples(st.integers(1, 6), st.just(3))),
)
def test_any_numbers_can_be_judged(known: Any, values: Any) -> None:
    with warnings.catch_warnings(), np.errstate(over="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # numbers near the largest float overflow
        drifted, of_drift = drift(reference(known), window(values), by_feature=False)
        outlying, of_outliers = outliers(reference(known), window(values))
    assert drifted == any(feature["drift"] for feature in of_drift["features"].values())
    assert outlying == bool(of_outliers["rows"])


def test_a_reference_is_the_same_after_it_was_stored() -> None:
    known = reference([[1.5, np.nan], [np.inf, -0.0]])
    again = Reference.from_json(known.to_json())
    assert again.names == known.names
    assert np.array_equal(again.values, known.values, equal_nan=True)


def test_a_reference_keeps_rows_from_all_over_and_the_first_features() -> None:
    values = np.repeat(np.arange(30_000.0), 120).reshape(-1, 120)
    made = reference_of([f"f{n}" for n in range(120)], values)
    assert made.values.shape == (MOST_ROWS, 100)
    assert (made.values[0, 0], made.values[-1, 0]) == (0, 29_999)


def test_windows_that_follow_one_another_are_one() -> None:
    whole = joined([window([[1.0], [2.0]]), Window(("f0",), np.empty((0, 1)), []), window([[3.0]])])
    assert whole.values.tolist() == [[1], [2], [3]]
    assert len(whole.places) == 3
