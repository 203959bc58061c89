"""The interpreter of validations against the SDK's own polars: the same JSON is true for the same rows."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelyard.core.serving.expressions.parsing import parse
from modelyard.core.serving.expressions.values import Values, column

NAN = float("nan")
COLUMNS: dict[str, list[Any]] = {
    "in.f": [0.1, -1.5, 2.5, 0.0, 3.25, 0.30000001192092896],
    "in.d": [0.1, -1.5, 1.25, NAN, 0.5, -2.5],
    "in.i": [1, -3, 3, 0, 2, 5],
    "in.j": [0, 1, 2, 0, -1, 1],
    "in.s": ["abc", "über", "a", "", "b12", "a.c"],
    "in.t": ["ABC", "üb", "a", "", "c", "a.c"],
    "in.b": [True, False, True, True, False, False],
    "in.c": [True, True, False, True, False, True],
    "in.n": [None, -1.5, 1.5, None, 0.5, 9.0],
    "in.m": ["a", None, "abc", None, "", "b"],
    "in.o": [True, None, False, None, True, False],
    "out.y": [[0.1, 2.0], [0.5, 1.0], [0.25, 3.0], [0.75, -1.0], [0.0, 0.0], [1.0, 2.5]],
    "out.k": [[1, 2, 3], [4, 5, 6], [0, 0, 0], [3, 3, 3], [-1, 4, 4], [7, 1, 3]],
}
TYPES = {"in.f": "float32", "in.d": "float64", "in.i": "int64", "in.j": "int32", "out.y": "float32", "out.k": "int64"}
DRAWS = 600


@pytest.fixture(scope="module")
def said(wallaroo_python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """By name: an expression's JSON, and what polars finds in each row."""
    result = tmp_path_factory.mktemp("polars") / "said.json"
    folder = Path(__file__).parent / "sdk"
    given = json.dumps({"columns": COLUMNS, "draws": DRAWS})
    command = [wallaroo_python, folder / "run.py", "polars_says", result]
    subprocess.run(command, check=True, input=given, text=True, cwd=result.parent, capture_output=True, timeout=120)
    found: dict[str, Any] = json.loads(result.read_text())
    return found


def looked_up(name: str) -> Values:
    return column(name, np.array(COLUMNS[name], TYPES[name]) if name in TYPES else COLUMNS[name])


def test_what_is_written_by_hand_is_true_where_polars_says_so(said: dict[str, Any]) -> None:
    written = {name: each for name, each in said.items() if not name.startswith("drawn")}
    assert len(written) > 80
    wrong = _wrong(written)
    assert wrong == {}


def test_what_is_drawn_by_chance_is_true_where_polars_says_so(said: dict[str, Any]) -> None:
    drawn = {name: each for name, each in said.items() if name.startswith("drawn")}
    assert len(drawn) == DRAWS
    wrong = _wrong(drawn)
    assert wrong == {}


def _wrong(said: dict[str, Any]) -> dict[str, Any]:
    found = {name: parse(text).true_rows(looked_up, 6).tolist() for name, (text, _) in said.items()}
    expected = {name: [value is True for value in values] for name, (_, values) in said.items()}
    return {name: (said[name][0], rows, expected[name]) for name, rows in found.items() if rows != expected[name]}
