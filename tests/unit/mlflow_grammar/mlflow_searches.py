"""Searches on which we and the real MLflow must agree, and those where we differ on purpose, with the reason."""

from collections.abc import Iterator
from itertools import product
from typing import Any

_STRINGS = ["'x'", '"x y"', "''"]
_COMPARATORS = ["=", "!=", ">", "<=", "LIKE", "ILIKE", "IN", "NOT IN", "==", "<>", "NOT LIKE", "RLIKE", "~"]
_VALUES = [*_STRINGS, "5", "-1.5", "2e3", "('x', 'y')", "(1)", "()", "x", "NULL", "'7'", "('7')"]
_NULLS = ["IS NULL", "IS NOT NULL", "is null"]

_NAMES = {
    "runs": [
        *("run_id", "attributes.run_name", "attr.status", "run.start_time", "Created", "`Run Name`", "user_id"),
        *(
            "end_time",
            "artifact_uri",
            "experiment_id",
            "tags.a",
            "tag.`a b`",
            'params."a.b"',
            "param.a.b",
            "parameter.é",
        ),
        *("metrics.a", "metric.`a-b`", "datasets.name", "dataset.digest", "dataset.context", "dataset.foo", "foo.a"),
    ],
    "experiments": [
        *("name", "attribute.name", "experiment_id", "creation_time", "last_update_time", "lifecycle_stage"),
        *("tags.a", "tag.`a b`", "params.a", "metrics.a", '"name"'),
    ],
    "registered_models": [
        *("name", "attribute.name", "creation_timestamp", "last_updated_timestamp", "description"),
        *("tags.a", "tag.`a b`", 'tags."a.b"', "params.a", "tags.`mlflow.prompt.is_prompt`"),
    ],
    "model_versions": [
        *("name", "run_id", "version_number", "attribute.source_path", "current_stage", "creation_timestamp"),
        *("tags.a", "tag.`a b`", 'tags."a.b"', "params.a", "aliases.a"),
    ],
    "logged_models": [
        *("name", "attributes.model_type", "model_id", "source_run_id", "creation_timestamp", "creation_time"),
        *("last_updated_timestamp", "tags.a", "tags.`a b`", "params.a.b", "metrics.a/b", "metrics.`a-b`", "foo"),
    ],
}
# Whatever MLflow's parser of logged models takes for text: see DIFFERENCES.
_NOT_FOR_LOGGED_MODELS = {'"x y"', "5", "-1.5", "2e3", "(1)", "()", "x", "NULL"}


def comparisons(thing: str) -> Iterator[str]:
    """Each name with each comparator and value."""
    values = [value for value in _VALUES if thing != "logged_models" or value not in _NOT_FOR_LOGGED_MODELS]
    for name, comparator, value in product(_NAMES[thing], _COMPARATORS, values):
        yield f"{name} {comparator} {value}"
    for name, null in product(_NAMES[thing], _NULLS):
        yield f"{name} {null}"
    if thing == "logged_models":
        for name, comparator in product(["metrics.a", "creation_time", "metrics.`a b`"], _COMPARATORS):
            yield f"{name} {comparator} -1.5"


def joined(comparisons: list[str]) -> Iterator[str]:
    """Comparisons in filters of two to four, joined in all ways that occur."""
    joints = [" AND ", " and ", "\nAnD\t", "  AND  AND "]
    for number, start in enumerate(range(0, len(comparisons) - 4, 3)):
        yield joints[number % 4].join(comparisons[start : start + 2 + number % 3])


# For each thing, with its own name in place of NAME and a number's in place of NUMBER.
SHAPES = """
NAME='x'
NAME  =  'x'
  NAME = 'x'
NAME = 'x' AND
AND NAME = 'x'
AND
NAME = 'x' NAME = 'y'
NAME = 'x' AND NAME != 'y' AND NAME LIKE 'z%' AND tags.a = 'b'
NAME = 'x' OR NAME = 'y'
NOT NAME = 'x'
(NAME = 'x')
(NAME = 'x') AND (NAME = 'y')
NAME = 'x', NAME = 'y'
NAME = 'x';
NAME = 'x'; NAME = 'y'
;
NAME = 'x' -- comment
NAME = 'x' /* comment */
NAME = 'x' # comment
NAME = 'x' 'y'
NAME = 'x
NAME = x'
NAME = "x
NAME = 'x' y
NAME = lower('x')
NAME = 'a' || 'b'
NAME = %s
NAME = ?
NAME = :x
NAME = $1
NAME = @x
NAME = E'x'
NAME BETWEEN 'a' AND 'b'
NAME ISNULL
NAME IS 'x'
NAME = NAME
NAME
NAME =
= 'x'
'x' = NAME
1 = 1
lower(NAME) = 'x'
NAME + 1 = 'x'
SELECT NAME FROM x
WHERE NAME = 'x'
NAME = 'x' LIMIT 5
NAME = 'x' ORDER BY NAME
NAME = 'say "x"'
NAME = 'two\\nwords'
NAME = 'C:\\dir\\'
NAME = 'C:\\dir\\' AND tags.a = 'b'
NAME = 'ünï 日本 😀'
NAME = '%'
NAME = '(x) AND y = 1'
NAME = '-- x'
NAME LIKE '%x_'
NAME IN 'x'
NAME IN ['x']
NAME IN ('x'
NAME IN ('x' AND tags.a = 'b'
NAME = ('x')
NUMBER > 1
NUMBER>1
NUMBER>-1
NUMBER > -.5
NUMBER > 1.
NUMBER > - 1
NUMBER > +1
NUMBER > 0x1F
NUMBER > 1_000
NUMBER > inf
NUMBER > nan
NUMBER > 1.5.2
NUMBER > 1a
NUMBER > 1+1
NUMBER > 1 > 2
NUMBER > TRUE
NUMBER < = 1
NUMBER ! = 1
NUMBER > 9223372036854775807
tags.a.b.c = 'x'
tags.a:b = 'x'
tags.a b = 'x'
tags.$a = 'x'
tags.a$b = 'x'
tags.a@b = 'x'
tags.1a = 'x'
tags._a = 'x'
tags.größe = 'x'
tags.日本 = 'x'
tags.user = 'x'
tags.order = 'x'
tags.and = 'x'
tags.`and` = 'x'
tags.`a.b` = 'x'
tags.`a-b/c:d e` = 'x'
tags.`😀` = 'x'
tags.`a = 'x'
tags.a` = 'x'
tags .a = 'x'
Tags.a = 'x'
TAGS.a = 'x'
.a = 'x'
tags.a = '=' AND tags.b = 'AND'
""".strip().splitlines()

NAME = {
    "runs": ("run_name", "metrics.a"),
    "experiments": ("name", "creation_time"),
    "registered_models": ("name", "timestamp"),
    "model_versions": ("source_path", "version_number"),
    "logged_models": ("name", "metrics.a"),
}

CLAUSES = """
metrics.a|metrics.a ASC|metrics.a desc|metrics.a DeSc|metrics.a  DESC|metrics.a\tDESC|metrics.`a b` DESC
metrics."a b" DESC|metrics.'a b' DESC|metrics.`a b`|metrics."a b"|metrics.`a.b` desc|metrics.`a/b-c`|params.a
param.a|tags.`mlflow.x` asc|tag."x y"|start_time|created|`Created` DESC|"start_time" DESC|attribute.start_time
run.start_time|attributes."start_time"|run_name|run name DESC|`params`.`a` DESC|metrics.a-b DESC|metrics.a/b
metrics.1a|metrics.a, metrics.b|metrics.a DESC ASC|metrics.a DESC NULLS LAST|metrics.a AND|metrics.a DESCENDING
-metrics.a|(metrics.a)|name|name DESC|NAME|timestamp|timestamp ASC|timestamp DESC|last_updated_timestamp desc
creation_time|creation_time DESC|last_update_time|experiment_id desc|version_number DESC|version|dataset.name
end_time|status|user_id|artifact_uri|run_id|metrics.it's|'name'|metrics.a -- x|metrics.a;|source_path
metrics.größe|tags.desc|tags.asc desc|metrics.desc|desc|name`|"name|name\tDESC|current_stage|lifecycle_stage
foo.bar|METRICS.a
"""
LOGGED_CLAUSES: list[dict[str, Any]] = [
    {"field_name": name, "ascending": ascending, "dataset_name": None, "dataset_digest": None}
    for name in [
        *("name", "model_id", "model_type", "status", "source_run_id", "creation_timestamp", "creation_time"),
        *(
            "last_updated_timestamp",
            "metrics.a",
            "metrics.a b.c",
            "metrics.`a`",
            "tags.a",
            "params.a",
            "foo",
            "",
            "NAME",
        ),
        *("attributes.name", "name DESC", "metric.a", " name"),
    ]
    for ascending in (True, False)
]

_MISREAD = "MLflow takes the marks for a part of the text or key, so the condition never holds"
_FAILS = "MLflow answers with an internal error"
_LENIENT = "there is only one thing it can mean, and MLflow reads it in other searches"
_PARSER = "an accident of the SQL parser in MLflow"
_UNTYPED = "MLflow compares with whatever text stands there"

# (thing, filter, reason), and whether we read it: MLflow does the opposite, or reads something else ("both").
DIFFERENCES: list[tuple[str, str, str, str]] = [
    ("runs", "params.a = 'it''s'", "both", _MISREAD),
    ("runs", "params.a = 'it\\'s'", "both", _MISREAD),
    ("runs", 'params.a = "a""b"', "both", _MISREAD),
    ("runs", "params.`a``b` = 'x'", "both", _MISREAD),
    ("runs", "params.\"`a`\" = 'x'", "both", "MLflow strips two layers of quotes"),
    ("runs", "run_id IN ('a''b')", "both", "MLflow reads lists as Python, where this is ab"),
    ("runs", "run_id IN ('a\\nb')", "both", "MLflow reads lists as Python, other strings as they are"),
    ("runs", "run_id IN ('a' 'b')", "refused", "MLflow reads lists as Python, where this is ab"),
    ("runs", "run_id IN (('a'), 'b')", "refused", "MLflow reads lists as Python"),
    ("runs", "params.a.`b c` = 'x'", "refused", _MISREAD),
    ("runs", "params.`a`.b = 'x'", "refused", _MISREAD),
    ("runs", "metrics. a > 1", "refused", _MISREAD),
    ("runs", "params. = 'x'", "refused", "no key is empty"),
    ("runs", "params.`` = 'x'", "refused", "no key is empty"),
    ("runs", "params.a = 'x\0'", "refused", "PostgreSQL stores no such text"),
    ("runs", "metrics.a[0] > 1", "refused", _PARSER),
    ("runs", "params.a::int = 'x'", "refused", _PARSER),
    ("runs", "metrics.a > 1e+5", "read", _PARSER),
    ("runs", "metrics.1 > 1", "read", _PARSER),
    ("runs", "metrics.val-loss > 1", "read", _LENIENT),
    ("runs", "params.a/b.c-d = 'x'", "read", _LENIENT),
    ("model_versions", "tags.a-b = 'x'", "read", _LENIENT),
    ("runs", "tags.in = 'x'", "read", _PARSER),
    ("runs", "params.a IS NOT  NULL", "read", _PARSER),
    ("runs", " ", "read", "blank is empty"),
    ("runs", "metrics.a > 1 " * 70, "read", "MLflow fails on SQLite, which joins 64 tables at most"),
    ("experiments", "name != 'x' " * 101, "refused", "there is a limit, so that no search holds up the others"),
    ("experiments", "name like 'x'", "read", _LENIENT),
    ("experiments", "tags.a ilike 'x'", "read", _LENIENT),
    ("experiments", "experiment_id in ('1')", "read", _LENIENT),
    ("experiments", "attributes.name = 'x'", "read", _LENIENT),
    ("experiments", "`tags`.a = 'x'", "read", _LENIENT),
    ("registered_models", "attributes.name = 'x'", "read", _LENIENT),
    ("registered_models", "`name` = 'x'", "read", _LENIENT),
    ("registered_models", "attr.\"name\" = 'x'", "read", _LENIENT),
    ("model_versions", "attributes.run_id = 'x'", "read", _LENIENT),
    ("model_versions", "`version_number` > 1", "read", _LENIENT),
    ("logged_models", "metric.a > 1", "read", _LENIENT),
    ("logged_models", "attribute.name = 'x'", "read", _LENIENT),
    ("logged_models", "last_updated_time > 1", "read", _LENIENT),
    ("logged_models", "attributes.creation_time > 1", "read", _FAILS),
    ("logged_models", "`tags`.a = 'x'", "read", _FAILS),
    ("logged_models", 'tags.a = "x"', "both", _MISREAD),
    ("logged_models", "tags.\"a b\" = 'x'", "both", _MISREAD),
    ("logged_models", "tags.a = 'it''s'", "both", _MISREAD),
    ("logged_models", "name = x", "refused", _UNTYPED),
    ("logged_models", "name = 5", "refused", _UNTYPED),
    ("logged_models", "name IN ()", "refused", "MLflow finds nothing then; in other searches it refuses an empty list"),
    ("logged_models", "name IN (1, 2)", "refused", _UNTYPED),
    ("logged_models", "status = 2", "refused", "MLflow compares with its numbers of the states, we with their names"),
    ("logged_models", "name = lower('x')", "refused", _UNTYPED),
    ("logged_models", "name = 'a' || 'b'", "refused", _UNTYPED),
    ("logged_models", "name = %s", "refused", _UNTYPED),
    ("logged_models", "name = ?", "refused", _UNTYPED),
    ("logged_models", "name = :x", "refused", _UNTYPED),
    ("logged_models", "name = $1", "refused", _UNTYPED),
    ("logged_models", "name = name", "refused", _UNTYPED),
    ("logged_models", "metrics.a > 1_000", "refused", "MLflow reads the number as Python"),
    ("logged_models", "metrics.a > inf", "refused", "MLflow reads the number as Python"),
    ("logged_models", "metrics.a > nan", "refused", "MLflow reads the number as Python"),
    ("logged_models", "metrics.a > 1 > 2", "refused", _MISREAD),
    ("logged_models", "tags.a@b = 'x'", "refused", "no key of MLflow has such characters"),
    ("logged_models", "artifact_location = 'x'", "refused", "MLflow compares any column of its table"),
]
CLAUSE_DIFFERENCES: list[tuple[str, Any, str, str]] = [
    ("runs", " metrics.a DESC ", "read", _PARSER),
    ("runs", "metrics.in", "read", _PARSER),
    ("runs", "metrics.a-b DESC", "read", _LENIENT),
    ("runs", "metrics.a/b", "read", _LENIENT),
    ("runs", "`run name`", "read", "a filter may say so"),
    ("runs", "metrics.", "refused", "no key is empty"),
    ("runs", "`params.a` DESC", "refused", "without DESC MLflow refuses it, too"),
    ("registered_models", "`name`", "read", _LENIENT),
    ("registered_models", "attribute.name", "read", _LENIENT),
    ("experiments", "attributes.name", "read", _LENIENT),
    ("model_versions", "tags.name", "refused", "MLflow orders by the attribute of that name"),
    ("logged_models", {"field_name": "last_updated_time"}, "read", _LENIENT),
    ("logged_models", {"field_name": "experiment_id"}, "refused", "MLflow orders by any column of its table"),
    (
        "logged_models",
        {"field_name": "metrics.a", "dataset_digest": "x"},
        "refused",
        "a digest alone names no dataset, as MLflow's documentation says",
    ),
]
