"""What a replay reports of answers beside those that were logged."""

from typing import Any

import numpy as np
import pytest

from modelyard.cli.failures import UsageError
from modelyard.cli.log_search import condition
from modelyard.client.log_search import LogCondition
from modelyard.core.automation.comparing import Answered, Comparison


def answered(logged: dict[str, Any], replayed: dict[str, Any], request_id: str = "r") -> Answered:
    arrays = {name: np.asarray(values) for name, values in replayed.items()}
    return Answered(request_id, 1000, logged, arrays, 2_000_000, 1_000_000)


def test_numbers_within_the_tolerance_are_equal_and_their_differences_told() -> None:
    comparison = Comparison(0.01)
    logged = np.array([[1.0], [200.0], [3.0], [np.nan]])
    comparison.add(answered({"y": logged}, {"y": [[1.001], [201.0], [3.5], [np.nan]]}), 4)
    report = comparison.report()
    assert (report["rows"], report["equal"], report["changed"], report["changedShare"]) == (4, 3, 1, 0.25)
    told = report["outputs"]["y"]
    assert (told["changed"], told["beyondTolerance"], told["largestDifference"]) == (3, 1, 1.0)
    assert told["meanDifference"] == pytest.approx(1.501 / 4)
    assert [example["row"] for example in report["examples"]] == [1, 2, 0]
    assert report["latencyMilliseconds"]["logged"]["mean"] == 2.0


def test_labels_are_counted_as_they_went_from_one_to_the_other() -> None:
    comparison = Comparison(0)
    comparison.add(answered({"label": ["a", "b", "b"]}, {"label": ["a", "c", "c"]}), 3)
    report = comparison.report()
    assert report["changed"] == 2
    assert report["outputs"]["label"]["labels"] == [
        {"logged": "b", "replayed": "c", "rows": 2},
        {"logged": "a", "replayed": "a", "rows": 1},
    ]
    assert report["examples"][0]["difference"] is None


def test_outputs_that_only_one_has_and_other_shapes_make_rows_differ() -> None:
    comparison = Comparison(0.5)
    comparison.add(answered({"y": np.zeros((2, 1)), "old": [1, 2]}, {"y": np.zeros((2, 3)), "new": [1, 2]}), 2)
    report = comparison.report()
    assert (report["missingOutputs"], report["newOutputs"]) == (["old"], ["new"])
    assert (report["equal"], report["changed"], report["outputs"]["y"]["beyondTolerance"]) == (0, 2, 2)


def test_rows_that_could_not_be_answered_are_told_with_the_reason() -> None:
    comparison = Comparison(0)
    comparison.fail(3, "column 'x' is missing")
    report = comparison.report()
    assert (report["rows"], report["failed"], report["changed"]) == (3, 3, 0)
    assert report["errors"] == [{"message": "column 'x' is missing", "rows": 3}]


def test_only_the_largest_differences_are_kept_as_examples() -> None:
    comparison = Comparison(0)
    for number in range(50):
        comparison.add(answered({"y": np.zeros((1, 1))}, {"y": [[float(number)]]}, f"r{number}"), 1)
    examples = comparison.report()["examples"]
    assert [example["requestId"] for example in examples] == [f"r{number}" for number in range(49, 39, -1)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("out.y > 0.5", LogCondition("out.y", ">", 0.5)),
        ("out.y>=1", LogCondition("out.y", ">=", 1)),
        ("in.name = b c", LogCondition("in.name", "=", "b c")),
        ('in.name in ["a", "b"]', LogCondition("in.name", "in", ["a", "b"])),
        ("in.name contains 'x'", LogCondition("in.name", "contains", "x")),
        ("in.name != null", LogCondition("in.name", "!=", None)),
    ],
)
def test_conditions_are_read_as_people_write_them(text: str, expected: LogCondition) -> None:
    assert condition(text) == expected


def test_what_is_no_condition_is_refused_with_how_to_write_one() -> None:
    with pytest.raises(UsageError, match=r"write it like: out\.y > 0\.5"):
        condition("out.y")
