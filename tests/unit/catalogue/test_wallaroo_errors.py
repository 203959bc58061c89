"""Every kind of failure has a status in the Wallaroo dialect, and a body that all of the SDK's readers understand."""

import json

import pytest
from starlette.requests import Request

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.dialects.wallaroo import wallaroo
from modelyard.dialects.wallaroo.dialect import READ_WITH_400_ONLY, STATUS, render_error
from modelyard.web.services import Services


def answer(error: DomainError, path: str = "/v1/api/workspaces/update") -> tuple[int, dict[str, object], str | None]:
    response = render_error(error, Request({"type": "http", "path": path, "headers": [], "query_string": b""}))
    return response.status_code, json.loads(bytes(response.body)), response.headers.get("www-authenticate")


def no_services() -> Services:
    raise AssertionError("routes are only listed")


@pytest.mark.parametrize("kind", ErrorKind)
def test_each_kind_has_a_status_and_one_body_for_all_readers(kind: ErrorKind) -> None:
    status, body, _ = answer(DomainError(kind, "what was wrong"))
    assert status == STATUS[kind]
    text = "what was wrong"
    assert body == {"code": status, "msg": text, "error": text, "status": "error", "source": "platform"}


def test_the_table_has_no_kind_that_does_not_exist() -> None:
    assert set(STATUS) == set(ErrorKind)


@pytest.mark.parametrize("path", sorted(READ_WITH_400_ONLY))
@pytest.mark.parametrize("kind", [ErrorKind.CONFLICT, ErrorKind.FAILED_PRECONDITION])
def test_where_clients_read_only_400_a_collision_is_400_in_head_and_body(path: str, kind: ErrorKind) -> None:
    status, body, _ = answer(DomainError(kind, "taken"), path)
    assert (status, body["code"], body["msg"]) == (400, 400, "taken")


@pytest.mark.parametrize("kind", [ErrorKind.FORBIDDEN, ErrorKind.NOT_FOUND, ErrorKind.UNAUTHENTICATED])
def test_on_these_calls_all_else_keeps_its_status(kind: ErrorKind) -> None:
    assert answer(DomainError(kind, "no"), "/v1/api/workspaces/create")[0] == STATUS[kind]


def test_these_calls_are_calls_that_we_serve() -> None:
    assert {route.path for route in wallaroo.routes(no_services)} >= READ_WITH_400_ONLY


def test_a_full_store_is_507() -> None:
    assert answer(DomainError(ErrorKind.UNAVAILABLE, "no space left", full=True))[0] == 507


def test_who_is_not_known_is_told_how_to_say_who_they_are() -> None:
    assert answer(DomainError(ErrorKind.UNAUTHENTICATED, "no token"))[2] == 'Bearer realm="master"'
