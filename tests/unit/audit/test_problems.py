"""Every kind of failure of the native API is a problem (RFC 9457) with a status of its own meaning."""

import json
from http import HTTPStatus

import pytest
from starlette.requests import Request

from modelyard.client.errors import error_from_answer
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.dialects.native.dialect import STATUS, render_error


@pytest.mark.parametrize("kind", ErrorKind)
def test_each_kind_is_a_problem_that_says_what_was_wrong(kind: ErrorKind) -> None:
    request = Request({"type": "http", "path": "/api/v1/audit", "headers": [], "query_string": b"", "method": "GET"})
    answer = render_error(DomainError(kind, "what was wrong", field="since", status="no"), request)
    problem = json.loads(bytes(answer.body))
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem == {
        "type": "about:blank",
        "title": HTTPStatus(STATUS[kind]).phrase,
        "status": STATUS[kind],
        "detail": "what was wrong",
        "instance": "/api/v1/audit",
        "code": str(kind),
        "field": "since",
    }
    assert ("www-authenticate" in answer.headers) is (kind is ErrorKind.UNAUTHENTICATED)
    assert error_from_answer(answer.status_code, bytes(answer.body)).message == "what was wrong"


def test_the_table_has_no_kind_that_does_not_exist() -> None:
    assert set(STATUS) == set(ErrorKind)
