"""When two models count as answering the same, and on which rows they are asked."""

import numpy as np
import pytest

from modelyard_runtime.conversion.parity import parity
from modelyard_runtime.conversion.samples import drawn
from modelyard_runtime.model import Tensor

SCORE = Tensor("score", "float32", (None,))
LABEL = Tensor("label", "string", (None,))


def of(scores, labels):
    return {"score": np.array(scores, np.float32), "label": np.array(labels, dtype=object)}


def test_differences_within_the_tolerance_and_equal_labels_hold():
    found = parity((SCORE, LABEL), [(of([1, 2000], ["a", "b"]), of([1.00001, 2000.1], ["a", "b"]))])
    assert found.holds
    assert found.rows == 2
    assert found.max_difference == pytest.approx(5e-5, rel=0.1)
    assert found.tolerance == 1e-4
    assert found.equal_labels


@pytest.mark.parametrize(
    ("scores", "labels"),
    [
        ([1.001, 2], ["a", "b"]),
        ([1, 2], ["a", "c"]),
        ([1, np.nan], ["a", "b"]),
        ([1, np.inf], ["a", "b"]),
        ([[1], [2]], ["a", "b"]),
    ],
)
def test_anything_else_does_not(scores, labels):
    assert not parity((SCORE, LABEL), [(of([1, 2], ["a", "b"]), of(scores, labels))]).holds


def test_what_both_cannot_tell_is_equal():
    odd = of([np.nan, np.inf], ["a", "b"])
    assert parity((SCORE, LABEL), [(odd, odd)]).holds


def test_rows_are_drawn_around_every_threshold_in_the_inputs_type():
    inputs = (Tensor("left", "float32", (None, 2)), Tensor("right", "float32", (None,)))
    rows = list(drawn(inputs, [(0, 0.1), (2, 5.0)]))[-1]
    assert rows["left"].dtype == np.float32
    for column, value in ((rows["left"][:, 0], np.float32(0.1)), (rows["right"], np.float32(5.0))):
        assert {np.nextafter(value, np.float32(-9)), value, np.nextafter(value, np.float32(9))} <= set(column)


def test_rows_have_zeros_negatives_and_large_values_in_every_type():
    inputs = tuple(Tensor(dtype, dtype, (None, 3)) for dtype in ("float64", "int32", "uint8", "bool"))
    groups = list(drawn(inputs, []))
    together = {one.name: np.concatenate([group[one.name] for group in groups]) for one in inputs}
    assert all(together[one.name].dtype == one.dtype and together[one.name].shape[1:] == (3,) for one in inputs)
    assert together["float64"].min() < -1e5
    assert together["int32"].min() < -1e5
    assert (together["uint8"].min(), together["uint8"].max()) == (0, 255)
    assert all((groups[1][one.name] == 0).all() for one in inputs)


def test_texts_are_not_made_up():
    assert list(drawn((Tensor("text", "string", (None,)),), [])) == []
