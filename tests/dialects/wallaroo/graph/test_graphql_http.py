"""``POST /v1/graphql`` as it comes over the wire: who is let in, what is refused, and in which shape."""

import time
from typing import Any

import pytest
from graphql import get_introspection_query

from running import RunningServer
from wire import Caller, administrator

_PATH = "/v1/graphql"


@pytest.fixture(scope="module")
def caller(live_server: RunningServer) -> Caller:
    return administrator(live_server)


def _send(caller: Caller, body: Any, **request: Any) -> tuple[int, Any]:
    answer = caller.call("POST", _PATH, json=body, **request)
    return answer.status_code, answer.json()


def test_an_answer_has_data_and_nothing_else(caller: Caller) -> None:
    assert _send(caller, {"query": "{tag_by_pk(id: 999999) {id}}"}) == (200, {"data": {"tag_by_pk": None}})


@pytest.mark.parametrize("query", ["{tag {id}}", get_introspection_query(), "{", "{__typename}"])
def test_nobody_gets_anything_not_even_the_schema(live_server: RunningServer, query: str) -> None:
    for nobody in (Caller(live_server.url), Caller(live_server.url, "not.a.token")):
        status, body = _send(nobody, {"query": query})
        assert status == 401
        assert "schema" not in str(body).lower()


@pytest.mark.alone
def test_introspection_comes_at_once(caller: Caller) -> None:
    _send(caller, {"query": get_introspection_query()})
    started = time.perf_counter()
    status, body = _send(caller, {"query": get_introspection_query()})
    assert time.perf_counter() - started < 0.5
    assert status == 200
    assert {"query_root", "mutation_root"} <= {kind["name"] for kind in body["data"]["__schema"]["types"]}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{tag {", "parse-failed"),
        ("{tag {password}}", "validation-failed"),
        ("{model(where: {secret: {_eq: 1}}) {id}}", "validation-failed"),
        ("mutation {delete_workspace(where: {}) {affected_rows}}", "validation-failed"),
        ("mutation {update_assay_by_pk(pk_columns: {id: 7}) {id}}", "not-found"),
        ("mutation {insert_tag(objects: {}) {returning {id}}}", "validation-failed"),
    ],
)
def test_what_is_wrong_with_a_document_comes_in_hasuras_shape(caller: Caller, query: str, code: str) -> None:
    status, body = _send(caller, {"query": query})
    assert status == 200
    assert set(body) == {"errors"}
    assert all(set(error) == {"message", "extensions"} for error in body["errors"])
    assert body["errors"][0]["extensions"]["code"] == code


@pytest.mark.parametrize(
    "body",
    [
        [{"query": "{tag {id}}"}] * 2,
        {"query": "{" + " ".join(f"a{n}: tag {{id}}" for n in range(1000)) + "}"},
        {"query": "{tag {" + "pipeline_tags {tag {" * 25 + "id" + "}}" * 25 + "}}"},
        {"query": "{...a} fragment a on query_root {...a}"},
        {"query": "{tag {id}}" + " " * 20_000},
        {"query": 7},
        {"variables": {}},
        {"query": "{tag {id}}", "variables": [1]},
        {"query": "query a {tag {id}} query b {tag {id}}"},
        "{tag {id}}",
        None,
    ],
    ids=["batch", "aliases", "depth", "cycle", "size", "number", "missing", "variables", "which", "text", "null"],
)
def test_a_request_beyond_the_limits_is_refused_before_it_runs(caller: Caller, body: Any) -> None:
    status, answer = _send(caller, body)
    assert status == 400
    assert answer["errors"][0]["extensions"]["code"] == "validation-failed"


def test_a_large_body_is_refused_by_its_size(caller: Caller) -> None:
    status, answer = _send(caller, {"query": "{tag {id}}", "variables": {"x": "y" * 200_000}})
    assert status == 413
    assert "131072" in answer["errors"][0]["message"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_post_is_offered(caller: Caller, method: str) -> None:
    assert caller.call(method, f"{_PATH}?query={{tag{{id}}}}").status_code == 405


@pytest.mark.parametrize("levels", [20, 400, 8_000])
def test_deep_variables_break_nothing(caller: Caller, levels: int) -> None:
    where = '{"_and": [' * levels + "{}" + "]}" * levels
    query = "query ($where: model_bool_exp) {model(where: $where) {id}}"
    body = f'{{"query": "{query}", "variables": {{"where": {where}}}}}'
    answer = caller.call("POST", _PATH, data=body)
    assert answer.status_code in (200, 400)
    assert ("data" in answer.json()) is (levels == 20)
    assert _send(caller, {"query": "{tag_by_pk(id: 999999) {id}}"})[0] == 200
