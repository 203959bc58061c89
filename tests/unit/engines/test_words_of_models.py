"""What models say is cleaned, and what they answer is compared with what they are said to answer."""

import numpy as np
import pytest

from modelyard.engines.words import shown
from modelyard_runtime.model import Tensor, misfit


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("no file /data/models/x.pkl here", "no file x.pkl here"),
        ("half \ud800 a character", "half ? a character"),
        (b"bytes \xff and \0 nothing", "bytes \N{REPLACEMENT CHARACTER} and  nothing"),
        ("long" * 100, "long" * 25),
    ],
)
def test_what_a_process_says_can_be_kept_and_shown(said: str | bytes, kept: str) -> None:
    assert shown(said, 100) == kept


@pytest.mark.parametrize(
    ("dtype", "shape", "values"),
    [
        ("float32", (None,), np.zeros(3)),
        ("float64", (None, 2), np.zeros((3, 3))),
        ("float64", (None,), np.zeros((3, 1))),
        ("string", (None,), np.zeros(3)),
        ("bool", (None,), np.array(["a"], dtype=object)),
    ],
)
def test_answers_of_another_type_or_shape_do_not_fit(dtype: str, shape: tuple[int | None, ...], values: object) -> None:
    assert "'y' came as" in str(misfit(np.asarray(values), Tensor("y", dtype, shape)))


def test_answers_that_are_as_declared_fit() -> None:
    assert misfit(np.zeros((3, 2), "float32"), Tensor("y", "float32", (None, None))) is None
    assert misfit(np.array(["a", 1], dtype=object), Tensor("y", "json", (None,))) is None
