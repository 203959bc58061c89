"""The real MLflow and we read the same searches and understand the same in them, but for the listed differences."""

from typing import Any

import pytest
from asking import Answer, MLflow
from mlflow_searches import (
    CLAUSE_DIFFERENCES,
    CLAUSES,
    DIFFERENCES,
    LOGGED_CLAUSES,
    NAME,
    SHAPES,
    comparisons,
    joined,
)

from modelyard.core.kernel.errors import DomainError
from modelyard.core.kernel.search import Compare
from modelyard.dialects.mlflow import grammar

# Ours by MLflow's names.
_TYPES = {"param": "parameter"}
_FIELDS = {"creation_timestamp_ms": "creation_timestamp", "last_updated_timestamp_ms": "last_updated_timestamp"}


def _ours(search: dict[str, Any]) -> Answer:
    try:
        conditions, orders = getattr(grammar, search["thing"])(search["filter"], search["order_by"])
    except DomainError as error:
        return {"refused": error.message}
    read = [
        ["attribute", each.field, each.op, each.value]
        if isinstance(each, Compare)
        else [_TYPES.get(each.what, each.what), each.key, each.op, each.value]
        for each in conditions
    ]
    return {"filter": read, "order_by": [[_TYPES.get(o.what, o.what), o.key, o.descending] for o in orders]}


def _same(ours: Answer, theirs: Answer) -> bool:
    if "refused" in ours or "refused" in theirs:
        return ours.keys() == theirs.keys()
    orders = [[kind, _ordered(key), descending] for kind, key, descending in theirs["order_by"]]
    return (
        len(ours["filter"]) == len(theirs["filter"])
        and all(map(_same_condition, ours["filter"], theirs["filter"]))
        and ours["order_by"] == orders
    )


def _ordered(key: str) -> str:
    return "last_updated_timestamp" if key == "timestamp" else _FIELDS.get(key, key)


def _same_condition(ours: list[Any], theirs: list[Any]) -> bool:
    names = [ours[:3], [theirs[0], _FIELDS.get(theirs[1], theirs[1]), theirs[2]]]
    return names[0] == names[1] and _value(ours[3], theirs[3])


def _value(ours: Any, theirs: Any) -> bool:
    """MLflow leaves some numbers as text until it makes SQL of them."""
    if isinstance(ours, tuple):
        return len(ours) == len(theirs) and all(map(_value, ours, theirs))
    return bool(ours == theirs or (isinstance(ours, int | float) and ours == float(theirs)))


def _agree(mlflow: MLflow, searches: list[dict[str, Any]]) -> tuple[int, int]:
    """How many searches both read and both refuse; fails where they do not agree."""
    answers = [(search, _ours(search), mlflow.ask(search)) for search in searches]
    assert [answer for answer in answers if not _same(*answer[1:])] == []
    refused = sum("refused" in ours for _, ours, _ in answers)
    return len(answers) - refused, refused


def _search(thing: str, text: str = "", order_by: list[Any] | None = None) -> dict[str, Any]:
    return {"thing": thing, "filter": text, "order_by": order_by or []}


@pytest.mark.parametrize("thing", list(NAME))
def test_every_comparison_is_read_as_mlflow_reads_it(mlflow: MLflow, thing: str) -> None:
    searches = [_search(thing, text) for text in comparisons(thing)]
    read, refused = _agree(mlflow, searches)
    assert read > 60
    assert refused > 300


@pytest.mark.parametrize("thing", list(NAME))
def test_filters_of_several_conditions_are_read_as_mlflow_reads_them(mlflow: MLflow, thing: str) -> None:
    right = [text for text in comparisons(thing) if "refused" not in _ours(_search(thing, text))]
    read, refused = _agree(mlflow, [_search(thing, text) for text in joined(right)])
    assert read > 20
    assert refused == 0


def test_every_shape_of_a_filter_is_read_as_mlflow_reads_it(mlflow: MLflow) -> None:
    listed = {(thing, text) for thing, text, *_ in DIFFERENCES}
    searches = [
        _search(thing, text)
        for thing, (name, number) in NAME.items()
        for text in (shape.replace("NAME", name).replace("NUMBER", number) for shape in SHAPES)
        if (thing, text) not in listed
    ]
    read, refused = _agree(mlflow, searches)
    assert read > 150
    assert refused > 250


def test_every_clause_of_order_by_is_read_as_mlflow_reads_it(mlflow: MLflow) -> None:
    listed = [(thing, clause) for thing, clause, *_ in CLAUSE_DIFFERENCES]
    searches = [
        _search(thing, "", [clause])
        for thing in NAME
        if thing != "logged_models"
        for clause in CLAUSES.strip().replace("\n", "|").split("|")
    ]
    searches += [_search("logged_models", "", [clause]) for clause in LOGGED_CLAUSES]
    searches = [search for search in searches if (search["thing"], search["order_by"][0]) not in listed]
    read, refused = _agree(mlflow, searches)
    assert read > 60
    assert refused > 200


def test_we_differ_from_mlflow_only_on_purpose(mlflow: MLflow) -> None:
    searches = [_search(thing, text) for thing, text, *_ in DIFFERENCES]
    searches += [_search(thing, "", [clause]) for thing, clause, *_ in CLAUSE_DIFFERENCES]
    whose = [which for _, _, which, _ in DIFFERENCES + CLAUSE_DIFFERENCES]
    for search, which in zip(searches, whose, strict=True):
        ours, theirs = _ours(search), mlflow.ask(search)
        assert not _same(ours, theirs), search
        assert ("refused" in ours, "refused" in theirs) == (which == "refused", which == "read"), search
