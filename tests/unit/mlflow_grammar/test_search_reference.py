"""docs/reference/mlflow-search.md says what the grammar does."""

import re
from pathlib import Path
from typing import Any

import pytest

from modelyard.core.kernel.errors import DomainError
from modelyard.dialects.mlflow import grammar
from modelyard.dialects.mlflow.grammar import filters, orders, tokens

_PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "mlflow-search.md").read_text()
_BLOCKS = re.findall(r"```\n(.*?)```", _PAGE, re.DOTALL)
_ROWS = re.findall(r"^\| ([a-z ]*) ?\| (.*) \| (`.*) \|$", _PAGE.partition("## Orders")[0], re.MULTILINE)
_THINGS = {
    "runs": grammar.RUNS,
    "experiments": grammar.EXPERIMENTS,
    "registered models": grammar.REGISTERED_MODELS,
    "model versions": grammar.MODEL_VERSIONS,
    "logged models": grammar.LOGGED_MODELS,
}


@pytest.mark.parametrize("example", _BLOCKS[1].splitlines())
def test_the_examples_are_filters_for_runs(example: str) -> None:
    assert grammar.runs(example)[0]


def test_the_example_of_a_message_is_a_message() -> None:
    with pytest.raises(DomainError) as refused:
        grammar.runs("params.a > 'x'")
    assert refused.value.message == " ".join(_BLOCKS[0].split())


def _documented() -> dict[tuple[str, str], set[str]]:
    """The comparators by thing and name (attribute, or prefix and key)."""
    table: dict[tuple[str, str], set[str]] = {}
    thing = ""
    for first, names, comparators in _ROWS:
        thing = first.strip() or thing
        for name in re.findall(r"(?<![(`] )`([a-z_.<>]+)`(?!\))", names):
            table[thing, name] = set(re.findall(r"`([^`]+)`", comparators))
    return table


def _known() -> dict[tuple[str, str], set[str]]:
    table: dict[tuple[str, str], set[str]] = {}
    for thing, words in _THINGS.items():
        kinds: dict[str, Any] = dict(words.attributes)
        for what, kind in words.attached.items():
            names = (
                [f"dataset.{key}" for key in ("name", "digest", "context")] if what == "dataset" else [f"{what}s.<key>"]
            )
            kinds |= dict.fromkeys(names, kind)
        table |= {(thing, name): set(kind.comparators) for name, kind in kinds.items()}
    return table


def test_the_table_lists_all_that_can_be_compared_and_how() -> None:
    assert _documented() == _known()


def test_the_limits_are_those_that_hold() -> None:
    documented = [int(number) for number in re.findall(r"\| (\d+)(?: characters)? \|", _PAGE)]
    assert documented == [tokens.MAX_CHARACTERS, filters.MAX_CONDITIONS, filters.MAX_LISTED, orders.MAX_ORDERS]
