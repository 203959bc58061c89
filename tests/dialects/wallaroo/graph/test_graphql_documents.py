"""What is said of a GraphQL document before it runs: its limits, its validity, and every document the SDK sends."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import build_client_schema, get_introspection_query, parse, print_ast, print_schema

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.dialects.wallaroo.graphql.answers import CODES
from modelyard.dialects.wallaroo.graphql.documents import RejectedError, prepare
from modelyard.dialects.wallaroo.graphql.schema import SCHEMA

_SCAN = Path(__file__).parents[1] / "sdk" / "scan_documents.py"


@pytest.fixture(scope="module")
def sdk_documents(wallaroo_python: Path) -> list[dict[str, str]]:
    found = subprocess.run([wallaroo_python, _SCAN], check=True, capture_output=True, text=True, timeout=120)
    documents: list[dict[str, str]] = json.loads(found.stdout)
    return documents


def test_every_document_that_the_sdk_can_send_is_accepted(sdk_documents: list[dict[str, str]]) -> None:
    refused = []
    for document in sdk_documents:
        try:
            prepare(document["text"])
        except (DomainError, RejectedError) as error:
            refused.append((document["origin"], str(error)))
    assert refused == []


def test_the_scan_sees_the_whole_sdk(sdk_documents: list[dict[str, str]]) -> None:
    asked = {field for document in sdk_documents for field in _root_fields(document["text"])}
    roots = {*SCHEMA.type_map["query_root"].fields, *SCHEMA.type_map["mutation_root"].fields}  # type: ignore[attr-defined]
    assert asked == roots


def _root_fields(text: str) -> Iterator[str]:
    for definition in parse(text).definitions:
        yield from (field.name.value for field in definition.selection_set.selections)  # type: ignore[attr-defined]


_HOSTILE = {
    "a thousand aliases": "{" + " ".join(f"a{n}: tag {{id}}" for n in range(1000)) + "}",
    "fifty levels": "{tag {" + "pipeline_tags {tag {" * 25 + "id" + "}}" * 25 + "}}",
    "thirteen levels": "{tag {" + "pipeline_tags {tag {" * 6 + "pipeline_tags {id}" + "}}" * 6 + "}}",
    "a fragment inside itself": "{...a} fragment a on query_root {tag {id} ...a}",
    "fragments that double twenty times": "{tag {...f0}}"
    + " ".join(f"fragment f{n} on tag {{...f{n + 1} ...f{n + 1}}}" for n in range(20))
    + "fragment f20 on tag {id}",
    "many root fields": "{" + "tag {id} " * 31 + "}",
    "the same field over and over": "{tag {" + "id " * 401 + "}}",
    "an unused fragment with the same field over and over": "{tag {id}} fragment f on tag {" + "id " * 401 + "}",
    "a long comment": "{tag {id}} #" + "x" * 16_384,
    "lists nested without end": "{tag(order_by: " + "[" * 8_000 + "]" * 8_000 + ") {id}}",
    "many operations": " ".join(f"query q{n} {{tag {{id}}}}" for n in range(31)),
    "introspection that multiplies": "{__schema {types {fields {type {fields {type {fields {name}}}}}}}}",
    "eight thousand tokens": "{tag {id}} " + "a " * 8_000,
    "a thousand directives": "{tag " + "@skip(if: true) " * 1_000 + "{id}}",
    "a thousand variables": "query(" + " ".join(f"$v{n}: Int" for n in range(1_000)) + ") {tag {id}}",
}


@pytest.mark.alone
@pytest.mark.parametrize("text", _HOSTILE.values(), ids=_HOSTILE)
def test_a_document_that_asks_for_too_much_is_refused_in_little_time(text: str) -> None:
    started = time.process_time()
    with pytest.raises((DomainError, RejectedError)):
        prepare(text)
    assert time.process_time() - started < 0.2


def test_a_document_at_the_limits_is_accepted() -> None:
    aliased = " ".join(f"a{n}: tag {{id}}" for n in range(30))
    deep = "{tag {" + "pipeline_tags {tag {" * 5 + "id" + "}}" * 5 + "}}"
    assert prepare(f"{{{aliased}}}").document
    assert prepare(deep).document


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{tag {", "parse-failed"),
        ("", "parse-failed"),
        ("{nothing}", "validation-failed"),
        ("{tag}", "validation-failed"),
    ],
)
def test_what_is_wrong_with_a_document_is_told_by_its_code(text: str, code: str) -> None:
    with pytest.raises(RejectedError) as caught:
        prepare(text)
    assert caught.value.code == code


def test_introspection_is_rendered_once_whatever_its_layout() -> None:
    plain, printed = prepare(get_introspection_query()), prepare(print_ast(parse(get_introspection_query())))
    assert plain.answer is not None
    assert plain.answer is printed.answer


def test_introspection_gives_the_schema_back() -> None:
    answer = prepare(get_introspection_query()).answer
    assert answer is not None
    rebuilt = build_client_schema(json.loads(answer)["data"])
    assert print_schema(rebuilt) == print_schema(SCHEMA)


def test_which_operation_is_meant_must_be_clear() -> None:
    two = prepare('query a {tag {id}} mutation b {insert_tag(objects: {tag: "t"}) {returning {id}}}')
    assert not two.writes("a")
    assert two.writes("b")
    for unclear in (None, "c"):
        with pytest.raises(DomainError) as caught:
            two.writes(unclear)
        assert caught.value.kind is ErrorKind.INVALID


def test_every_kind_of_error_has_a_code() -> None:
    assert set(CODES) == set(ErrorKind)
