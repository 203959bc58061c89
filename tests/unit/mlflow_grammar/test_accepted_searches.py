"""What filters and order_by clauses mean."""

import timeit
from typing import Any

import pytest

from modelyard.core.kernel.search import Attached, Compare, Condition, OnDataset, Order, total_order
from modelyard.dialects.mlflow import grammar


def tag(key: str, op: Any, value: Any = None) -> Attached:
    return Attached("tag", key, op, value)


def param(key: str, op: Any, value: Any = None) -> Attached:
    return Attached("param", key, op, value)


def metric(key: str, op: Any, value: float) -> Attached:
    return Attached("metric", key, op, value)


def dataset(key: str, op: Any, value: Any) -> Attached:
    return Attached("dataset", key, op, value)


RUNS: list[tuple[str | None, list[Condition]]] = [
    (None, []),
    ("", []),
    ("  \n", []),
    ("metrics.loss < 0.5", [metric("loss", "<", 0.5)]),
    ("metric.loss>=-.5", [metric("loss", ">=", -0.5)]),
    ("metrics.loss != 1.", [metric("loss", "!=", 1.0)]),
    ("metrics.loss = -1.5e-3", [metric("loss", "=", -0.0015)]),
    ("metrics.loss <= 1E5", [metric("loss", "<=", 100000.0)]),
    ("metrics.loss > 1e+5", [metric("loss", ">", 100000.0)]),
    ("metrics.loss > 99999999999999999999", [metric("loss", ">", 1e20)]),
    ("metrics.1a > 1 AND metrics._a > 1", [metric("1a", ">", 1.0), metric("_a", ">", 1.0)]),
    ("params.lr = '0.1'", [param("lr", "=", "0.1")]),
    ('param.lr = "0.1"', [param("lr", "=", "0.1")]),
    ("parameter.lr != ''", [param("lr", "!=", "")]),
    ("parameters.lr LIKE '%'", [param("lr", "LIKE", "%")]),
    ("params.a.b.c = 'x'", [param("a.b.c", "=", "x")]),
    ("metrics.val-loss > 1 AND metrics.eval/acc>-1", [metric("val-loss", ">", 1.0), metric("eval/acc", ">", -1.0)]),
    ("params.`my key` = 'x'", [param("my key", "=", "x")]),
    ("params.`a.b/c-d` = 'x'", [param("a.b/c-d", "=", "x")]),
    ("params.\"my key\" = 'x'", [param("my key", "=", "x")]),
    ("params.'my key' = 'x'", [param("my key", "=", "x")]),
    ("`params`.`lr` = 'x'", [param("lr", "=", "x")]),
    ("params.`a``b` = 'x'", [param("a`b", "=", "x")]),
    ('params."a""b" = \'x\'', [param('a"b', "=", "x")]),
    ("params.größe = 'x' AND params.日本 = 'y'", [param("größe", "=", "x"), param("日本", "=", "y")]),
    ("params.a = 'it''s'", [param("a", "=", "it's")]),
    (r"params.a = 'it\'s'", [param("a", "=", "it's")]),
    ('params.a = "it\'s"', [param("a", "=", "it's")]),
    ('params.a = "say ""x"""', [param("a", "=", 'say "x"')]),
    ("params.a = 'say \"x\"'", [param("a", "=", 'say "x"')]),
    (r'params.a = "a\".b"', [param("a", "=", 'a".b')]),
    ("params.a = 'C:\\dir\\'", [param("a", "=", "C:\\dir\\")]),
    (r"params.a = 'a\nb'", [param("a", "=", r"a\nb")]),
    ("params.a = 'two\nlines'", [param("a", "=", "two\nlines")]),
    ("params.a = '(x) AND tags.y = 1'", [param("a", "=", "(x) AND tags.y = 1")]),
    ("params.a IS NULL", [param("a", "IS NULL")]),
    ("params.a is  not\tnull", [param("a", "IS NOT NULL")]),
    ("tags.a IS NULL AND tag.b IS NOT NULL", [tag("a", "IS NULL"), tag("b", "IS NOT NULL")]),
    ("tags.null IS NULL", [tag("null", "IS NULL")]),
    ("tags.and = 'x' and tags.in = 'y'", [tag("and", "=", "x"), tag("in", "=", "y")]),
    ("tags.mlflow.runName = 'x'", [tag("mlflow.runName", "=", "x")]),
    ("tags.`mlflow.source.type` ILIKE 'LOCAL'", [tag("mlflow.source.type", "ILIKE", "LOCAL")]),
    ("tags.a like 'x' aNd tags.b iLike 'y'", [tag("a", "LIKE", "x"), tag("b", "ILIKE", "y")]),
    ("AND tags.a = 'x' AND AND tags.b = 'y' AND ", [tag("a", "=", "x"), tag("b", "=", "y")]),
    ("tags.a = 'x' tags.b = 'y'", [tag("a", "=", "x"), tag("b", "=", "y")]),
    ("tags.a='x'AND tags.b='y'", [tag("a", "=", "x"), tag("b", "=", "y")]),
    ("attributes.status = 'FINISHED'", [Compare("status", "=", "FINISHED")]),
    ("status != 'FAILED'", [Compare("status", "!=", "FAILED")]),
    ("attribute.user_id = 'a'", [Compare("user_id", "=", "a")]),
    ("attr.artifact_uri LIKE 's3:%'", [Compare("artifact_uri", "LIKE", "s3:%")]),
    ("run.end_time > 5", [Compare("end_time", ">", 5)]),
    ("start_time > -5", [Compare("start_time", ">", -5)]),
    ("start_time >= 1.5", [Compare("start_time", ">=", 1.5)]),
    ("start_time >= 1e3", [Compare("start_time", ">=", 1000.0)]),
    ("start_time <= 9223372036854775807", [Compare("start_time", "<=", 2**63 - 1)]),
    ("created > 1 AND Created > 2", [Compare("start_time", ">", 1), Compare("start_time", ">", 2)]),
    ("run_name = 'x'", [Compare("run_name", "=", "x")]),
    ("`run name` = 'x'", [Compare("run_name", "=", "x")]),
    ('"Run Name" = "x"', [Compare("run_name", "=", "x")]),
    ("attributes.`Run name` ILIKE 'x'", [Compare("run_name", "ILIKE", "x")]),
    ("run_id = 'a'", [Compare("run_id", "=", "a")]),
    ("run_id IN ('a')", [Compare("run_id", "IN", ("a",))]),
    ("run_id in('a', \"b\",)", [Compare("run_id", "IN", ("a", "b"))]),
    ("run_id NOT  IN ('A''b')", [Compare("run_id", "NOT IN", ("A'b",))]),
    ("attributes.run_id not in ('a')", [Compare("run_id", "NOT IN", ("a",))]),
    ("dataset.name = 'x'", [dataset("name", "=", "x")]),
    ("datasets.digest LIKE 'x%'", [dataset("digest", "LIKE", "x%")]),
    ("dataset.`context` IN ('train', 'test')", [dataset("context", "IN", ("train", "test"))]),
]
EXPERIMENTS: list[tuple[str, list[Condition]]] = [
    ("name = 'x'", [Compare("name", "=", "x")]),
    ("attribute.name ILIKE '%x%'", [Compare("name", "ILIKE", "%x%")]),
    ("name like 'x'", [Compare("name", "LIKE", "x")]),
    ("experiment_id = '12'", [Compare("experiment_id", "=", 12)]),
    ("experiment_id NOT IN ('1', '2')", [Compare("experiment_id", "NOT IN", (1, 2))]),
    (
        "creation_time > 5 AND last_update_time <= 6",
        [Compare("creation_time", ">", 5), Compare("last_update_time", "<=", 6)],
    ),
    ("tags.`a b` = 'x' AND tag.c IS NULL", [tag("a b", "=", "x"), tag("c", "IS NULL")]),
]
REGISTERED_MODELS: list[tuple[str, list[Condition]]] = [
    ("name = 'x'", [Compare("name", "=", "x")]),
    ("name not in ('x', 'y')", [Compare("name", "NOT IN", ("x", "y"))]),
    ("`name` LIKE 'x'", [Compare("name", "LIKE", "x")]),
    ("tags.`mlflow.prompt.is_prompt` = 'true'", [tag("mlflow.prompt.is_prompt", "=", "true")]),
]
MODEL_VERSIONS: list[tuple[str, list[Condition]]] = [
    ("name='x'", [Compare("name", "=", "x")]),
    ("run_id IN ('x')", [Compare("run_id", "IN", ("x",))]),
    ("version_number >= 2", [Compare("version_number", ">=", 2)]),
    ("version_number = '2'", [Compare("version_number", "=", 2)]),
    ("source_path LIKE 's3%' AND tag.a != 'b'", [Compare("source_path", "LIKE", "s3%"), tag("a", "!=", "b")]),
]
LOGGED_MODELS: list[tuple[str, list[Condition]]] = [
    ("name = 'x' AND model_type != 'y'", [Compare("name", "=", "x"), Compare("model_type", "!=", "y")]),
    ("status = 'READY'", [Compare("status", "=", "READY")]),
    ("source_run_id IN ('a')", [Compare("source_run_id", "IN", ("a",))]),
    ("creation_time > 5", [Compare("creation_timestamp", ">", 5)]),
    ("attributes.creation_timestamp_ms > 5", [Compare("creation_timestamp", ">", 5)]),
    ("last_updated_time < 1e3", [Compare("last_updated_timestamp", "<", 1000.0)]),
    ("metrics.`a b` > 0.5", [metric("a b", ">", 0.5)]),
    ("tags.a NOT IN ('x') AND params.b = \"y\"", [tag("a", "NOT IN", ("x",)), param("b", "=", "y")]),
]
FILTERS = [
    *((grammar.runs, *case) for case in RUNS),
    *((grammar.experiments, *case) for case in EXPERIMENTS),
    *((grammar.registered_models, *case) for case in REGISTERED_MODELS),
    *((grammar.model_versions, *case) for case in MODEL_VERSIONS),
    *((grammar.logged_models, *case) for case in LOGGED_MODELS),
]


@pytest.mark.parametrize(("search", "text", "conditions"), FILTERS)
def test_a_filter_means_these_conditions(search: Any, text: str | None, conditions: list[Condition]) -> None:
    assert search(text) == (tuple(conditions), ())
    read = [type(each.value) for each in search(text)[0]]
    assert read == [type(each.value) for each in conditions]


ORDERS: list[tuple[Any, str, Order]] = [
    (grammar.runs, "metrics.a", Order("metric", "a")),
    (grammar.runs, "metrics.a ASC", Order("metric", "a")),
    (grammar.runs, " metrics.`a b`\tdEsC ", Order("metric", "a b", descending=True)),
    (grammar.runs, 'params."a b" desc', Order("param", "a b", descending=True)),
    (grammar.runs, "tag.desc", Order("tag", "desc")),
    (grammar.runs, "start_time DESC", Order("attribute", "start_time", descending=True)),
    (grammar.runs, "attributes.`Created`", Order("attribute", "start_time")),
    (grammar.runs, "run.run_name asc", Order("attribute", "run_name")),
    (grammar.experiments, "last_update_time DESC", Order("attribute", "last_update_time", descending=True)),
    (grammar.experiments, "attribute.experiment_id", Order("attribute", "experiment_id")),
    (grammar.registered_models, "timestamp ASC", Order("attribute", "last_updated_timestamp")),
    (grammar.registered_models, "name desc", Order("attribute", "name", descending=True)),
    (grammar.model_versions, "version_number DESC", Order("attribute", "version_number", descending=True)),
    (grammar.model_versions, "creation_timestamp", Order("attribute", "creation_timestamp")),
]


@pytest.mark.parametrize(("search", "clause", "order"), ORDERS)
def test_a_clause_means_this_order(search: Any, clause: str, order: Order) -> None:
    assert search("", [clause]) == ((), (order,))


LOGGED_ORDERS: list[tuple[dict[str, Any], Order]] = [
    ({"field_name": "name"}, Order("attribute", "name")),
    ({"field_name": "creation_time", "ascending": False}, Order("attribute", "creation_timestamp", descending=True)),
    ({"field_name": "metrics.a b", "ascending": True}, Order("metric", "a b")),
    ({"field_name": "metrics.a", "dataset_name": "d"}, Order("metric", "a", on=OnDataset("d"))),
    (
        {"field_name": "metrics.a", "ascending": None, "dataset_name": "d", "dataset_digest": "x"},
        Order("metric", "a", on=OnDataset("d", "x")),
    ),
]


@pytest.mark.parametrize(("clause", "order"), LOGGED_ORDERS)
def test_an_object_means_this_order_of_logged_models(clause: dict[str, Any], order: Order) -> None:
    assert grammar.logged_models(None, [clause]) == ((), (order,))


def test_orders_keep_their_sequence_and_the_first_mention_of_a_key_counts() -> None:
    asked = ["params.b DESC", "created", "params.b ASC", "start_time DESC", "metrics.b"]
    assert grammar.runs(None, asked) == (
        (),
        (Order("param", "b", descending=True), Order("attribute", "start_time"), Order("metric", "b")),
    )


@pytest.mark.parametrize(
    ("words", "asked", "complete"),
    [
        (grammar.RUNS, [], ["-start_time", "run_id"]),
        (grammar.RUNS, ["status"], ["status", "-start_time", "run_id"]),
        (grammar.RUNS, ["start_time"], ["start_time", "run_id"]),
        (grammar.EXPERIMENTS, [], ["-creation_time", "experiment_id"]),
        (grammar.EXPERIMENTS, ["name"], ["name", "-experiment_id"]),
        (grammar.REGISTERED_MODELS, [], ["name"]),
        (grammar.REGISTERED_MODELS, ["-last_updated_timestamp"], ["-last_updated_timestamp", "name"]),
        (grammar.MODEL_VERSIONS, [], ["-last_updated_timestamp", "name", "-version_number"]),
        (grammar.MODEL_VERSIONS, ["creation_timestamp"], ["creation_timestamp", "name", "-version_number"]),
        (grammar.LOGGED_MODELS, [], ["-creation_timestamp", "model_id"]),
        (grammar.LOGGED_MODELS, ["model_id"], ["model_id", "-creation_timestamp"]),
    ],
)
def test_every_order_is_made_total(words: Any, asked: list[str], complete: list[str]) -> None:
    def orders(keys: list[str]) -> tuple[Order, ...]:
        return tuple(Order("attribute", key.removeprefix("-"), key.startswith("-")) for key in keys)

    assert total_order(orders(asked), words.default, words.ties) == orders(complete)


def test_a_usual_filter_is_read_in_less_than_50_microseconds() -> None:
    text = "metrics.loss < 0.5 AND params.lr = '0.1' AND tags.`release name` LIKE 'a%'"
    assert min(timeit.repeat(lambda: grammar.runs(text), number=200, repeat=20)) / 200 < 50e-6
