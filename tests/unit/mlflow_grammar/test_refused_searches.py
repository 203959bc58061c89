"""What is refused: every message quotes what is wrong, says where it stands and what is possible there."""

from typing import Any

import pytest

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.dialects.mlflow import grammar

_NAME = "expected a name, as in run_id or tags.`my key`"
_COMPARATOR = "expected =, !=, >, >=, <, <=, LIKE, ILIKE, IN, NOT IN, IS NULL or IS NOT NULL"
_BACKTICKS = "; keys with other characters than letters, digits, _, -, . and / are written in backticks"
_ONLY_AND = "conditions are only joined by AND, without OR, NOT and parentheses"
_RUN_ATTRIBUTES = "possible are artifact_uri, end_time, run_id, run_name, start_time, status, user_id"
_PREFIXES = "no such prefix; before the dot stands one of attributes, tags, params, metrics, datasets"

RUNS = [
    ("name = 'x'", f"at character 1, 'name': no such attribute of a run; {_RUN_ATTRIBUTES}"),
    ("lifecycle_stage = 'x'", f"at character 1, 'lifecycle_stage': no such attribute of a run; {_RUN_ATTRIBUTES}"),
    ("metrics.a > 1 AND 'x' = tags.a", f"at character 19, \"'x'\": {_NAME}"),
    ("foo.bar = 'x'", f"at character 1, 'foo.bar': {_PREFIXES}"),
    ("METRICS.a > 1", f"at character 1, 'METRICS.a': {_PREFIXES}"),
    ("dataset.foo = 'x'", "at character 1, 'dataset.foo': of a dataset one compares name, digest, context"),
    ("tags.`` = 'x'", "at character 1, 'tags.``': the key is empty"),
    ("metrics.a:b > 1", f"at character 10, ':': {_COMPARATOR}{_BACKTICKS}"),
    ("metrics.a - b > 1", f"at character 11, '-': {_COMPARATOR}{_BACKTICKS}"),
    (
        "metrics. a > 1",
        "at character 1, 'metrics': a dot and a key must follow, without spaces, as in metrics.`my key`",
    ),
    ("params.a.`b` = 'x'", f"at character 9, '.': {_COMPARATOR}{_BACKTICKS}"),
    ("metrics.a b > 1", f"at character 11, 'b': {_COMPARATOR}"),
    ("metrics.a", f"the filter ends too early: {_COMPARATOR}"),
    ("metrics.a > ", "the filter ends too early: expected a number"),
    ("metrics.a > '1'", "at character 13, \"'1'\": expected a number"),
    ("metrics.a > nan", "at character 13, 'nan': expected a number"),
    ("metrics.a > 1_000", "at character 13, '1_000': expected a number"),
    ("metrics.a > 1.5.2", "at character 13, '1.5.2': expected a number"),
    ("metrics.a > - 1", f"at character 13, '-': expected a number{_BACKTICKS}"),
    ("metrics.a == 1", "at character 11, '==': write = instead"),
    ("metrics.a <> 1", "at character 11, '<>': write != instead"),
    (
        "metrics.a LIKE '1'",
        "'LIKE': the metric 'a' of a run is not compared like this; possible are =, !=, >, >=, <, <=",
    ),
    ("metrics.a IS NULL", "'IS': the metric 'a' of a run is not compared like this"),
    ("params.a > 'x'", "possible are =, !=, LIKE, ILIKE, IS NULL, IS NOT NULL"),
    ("params.a IN ('x')", "at character 10, 'IN': the param 'a' of a run is not compared like this"),
    (
        "status IN ('x')",
        "'IN': the attribute 'status' of a run is not compared like this; possible are =, !=, LIKE, ILIKE",
    ),
    ("params.a = x", "at character 12, 'x': expected a string in quotes"),
    ("params.a = `x`", "at character 12, '`x`': expected a string in quotes"),
    ("params.a = 5", "at character 12, '5': expected a string in quotes"),
    ("params.a = NULL", "at character 12, 'NULL': expected a string in quotes"),
    ("params.a = 'x", "at character 12, \"'x\": the quote ' is not closed"),
    ('params.a = "x', "at character 12, '\"x': the quote \" is not closed"),
    ("params.`a = 'x'", "at character 1, 'params': a dot and a key must follow, without spaces"),
    ("params.a = “x”", f"at character 12, '“': expected a string in quotes{_BACKTICKS}"),
    ("params.a = 'x' 'y'", f"at character 16, \"'y'\": {_NAME}"),
    ("params.a NOT LIKE 'x'", "at character 14, 'LIKE': expected IN"),
    ("params.a IS 'x'", "at character 13, \"'x'\": expected NULL"),
    ("start_time > '5'", "at character 14, \"'5'\": expected a number; an integer has at most 64 bits"),
    ("start_time > 9223372036854775808", "'9223372036854775808': expected a number; an integer has at most 64 bits"),
    ("run_id IN 'a'", "at character 11, \"'a'\": expected a list, as in ('a', 'b')"),
    ("run_id = ('a')", "at character 10, '(': expected a string in quotes"),
    ("run_id IN ()", "at character 12, ')': expected a string in quotes"),
    ("run_id IN (1)", "at character 12, '1': expected a string in quotes"),
    ("run_id IN (('a'))", "at character 12, '(': expected a string in quotes"),
    ("run_id IN ('a' 'b')", "at character 16, \"'b'\": expected a comma or the end of the list"),
    ("run_id IN ('a',", "the filter ends too early: expected a string in quotes"),
    ("(metrics.a > 1)", f"at character 1, '(': {_ONLY_AND}"),
    ("metrics.a > 1 OR metrics.b > 1", f"at character 15, 'OR': {_ONLY_AND}"),
    ("not metrics.a > 1", f"at character 1, 'not': {_ONLY_AND}"),
    ("metrics.a > 1;", f"at character 14, ';': {_NAME}{_BACKTICKS}"),
    ("metrics.a > 1 -- x", f"at character 15, '-': {_NAME}{_BACKTICKS}"),
    ("params.a = '\0'", r"at character 13, '\x00': this character cannot stand in a stored text; remove it"),
    ("params.a = '\ud800'", r"at character 13, '\ud800': this character cannot stand in a stored text; remove it"),
    ("tags.a = " + "x" * 99, f"at character 10, '{'x' * 40}…': expected a string in quotes"),
    ("metrics.a > 1 AND " * 101, "in one filter; search in several steps"),
    ("run_id IN (" + "'a'," * 10_001 + ")", "at most 100 conditions and 10000 values in their lists"),
    ("x" * 500_001, "the filter has 500001 characters; at most 500000 are read"),
]
OTHERS: list[tuple[Any, str, str]] = [
    (
        grammar.experiments,
        "lifecycle_stage = 'x'",
        "no such attribute of an experiment; possible are creation_time, experiment_id, last_update_time, name",
    ),
    (grammar.experiments, "metrics.a > 1", "no such prefix; before the dot stands one of attributes, tags"),
    (grammar.experiments, "run.name = 'x'", "no such prefix"),
    (grammar.experiments, "experiment_id = 1", "expected an integer in quotes, as in '42'"),
    (grammar.experiments, "experiment_id = 'x'", "expected an integer in quotes, as in '42'"),
    (grammar.experiments, "experiment_id > '1'", "possible are =, !=, IN, NOT IN"),
    (grammar.experiments, "creation_time > 1.5", "'1.5': expected an integer of at most 64 bits, without quotes"),
    (grammar.experiments, "name IN ('x')", "possible are =, !=, LIKE, ILIKE"),
    (grammar.registered_models, "tags.a IS NULL", "the tag 'a' of a registered model is not compared like this"),
    (grammar.registered_models, "creation_timestamp > 5", "no such attribute of a registered model; possible are name"),
    (
        grammar.model_versions,
        "current_stage = 'x'",
        "no such attribute of a model version; possible are name, run_id, source_path, version_number",
    ),
    (grammar.model_versions, "version_number > 1.5", "'1.5': expected an integer of at most 64 bits"),
    (grammar.model_versions, "version_number = 'x'", "\"'x'\": expected an integer of at most 64 bits"),
    (grammar.model_versions, "name = 5", "'5': expected a string in quotes"),
    (grammar.logged_models, "params.a IS NULL", "possible are =, !=, LIKE, ILIKE, IN, NOT IN"),
    (grammar.logged_models, "name = Aa", "'Aa': expected a string in quotes"),
    (grammar.logged_models, "metrics.a > '1'", "expected a number"),
    (grammar.logged_models, "foo = 'x'", "no such attribute of a logged model; possible are creation_timestamp, "),
]


@pytest.mark.parametrize(("search", "text", "message"), [*((grammar.runs, *case) for case in RUNS), *OTHERS])
def test_a_wrong_filter_is_refused(search: Any, text: str, message: str) -> None:
    with pytest.raises(DomainError) as refused:
        search(text)
    assert refused.value.kind is ErrorKind.INVALID
    assert refused.value.message.startswith("the filter ")
    assert message in refused.value.message
    assert len(refused.value.message) < 400


_DIRECTIONS = "expected ASC, DESC or the end"
ORDERS: list[tuple[Any, Any, str]] = [
    (grammar.runs, "", f"clause 2 of order_by ends too early: {_NAME}"),
    (grammar.runs, "foo", f"is wrong at character 1, 'foo': no such attribute of a run; {_RUN_ATTRIBUTES}"),
    (grammar.runs, "metrics.a up", f"is wrong at character 11, 'up': {_DIRECTIONS}"),
    (grammar.runs, "metrics.a, metrics.b", f"is wrong at character 10, ',': {_DIRECTIONS}"),
    (grammar.runs, "metrics.a DESC NULLS LAST", "is wrong at character 16, 'NULLS': expected the end"),
    (grammar.runs, "metrics.a:b", f"is wrong at character 10, ':': {_DIRECTIONS}{_BACKTICKS}"),
    (grammar.runs, "dataset.name", "a run is not ordered by a dataset; possible are artifact_uri, "),
    (grammar.experiments, "tags.a", "an experiment is not ordered by a tag; possible are creation_time, "),
    (grammar.registered_models, "creation_timestamp", "possible are last_updated_timestamp, name"),
    (grammar.model_versions, "run_id", "no such attribute of a model version; possible are creation_timestamp, "),
    (grammar.logged_models, {}, "clause 2 of order_by needs a field_name"),
    (grammar.logged_models, "name", "clause 2 of order_by needs a field_name"),
    (grammar.logged_models, {"field_name": "params.a"}, "has the field_name 'params.a'; possible are creation_time"),
    (
        grammar.logged_models,
        {"field_name": "metrics."},
        "model_id, model_type, name, source_run_id, status, metrics.<key>",
    ),
    (grammar.logged_models, {"field_name": "metrics.\0"}, "cannot stand in a stored text"),
    (grammar.logged_models, {"field_name": "name", "ascending": "no"}, "ascending: 'no'; write true or false"),
    (
        grammar.logged_models,
        {"field_name": "metrics.a", "dataset_digest": "x"},
        "a dataset_digest without a dataset_name",
    ),
    (
        grammar.logged_models,
        {"field_name": "metrics.a", "dataset_name": 5},
        "dataset_name or dataset_digest that is no",
    ),
]


@pytest.mark.parametrize(("search", "clause", "message"), ORDERS)
def test_a_wrong_clause_is_refused(search: Any, clause: Any, message: str) -> None:
    right = {"field_name": "model_id"} if search is grammar.logged_models else "name"
    with pytest.raises(DomainError) as refused:
        search("", ["status" if search is grammar.runs else right, clause])
    assert refused.value.kind is ErrorKind.INVALID
    assert refused.value.message.startswith("clause 2 of order_by ")
    assert message in refused.value.message


def test_more_keys_to_order_by_than_anyone_needs_are_refused() -> None:
    with pytest.raises(DomainError, match="order_by has more than 30 keys; order by fewer"):
        grammar.runs("", [f"metrics.m{number}" for number in range(31)])


def test_the_place_of_the_fault_is_machine_readable() -> None:
    with pytest.raises(DomainError) as refused:
        grammar.runs("tags.a = 'x' AND foo = 'y'")
    assert refused.value.details == {"position": 18, "part": "foo"}
