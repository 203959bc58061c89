"""Answers that are no success become exceptions with the server's words, its code, and what to do."""

import json

import pytest

from modelyard.client.errors import (
    BusyError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    ModelyardError,
    NotFoundError,
    NotSignedInError,
    ServerFailedError,
    TooLargeError,
    UnexpectedAnswerError,
    error_from_answer,
    sign_in_error,
)

PLATFORM_BODY = json.dumps(
    {"code": 404, "msg": "pipeline p not found", "error": "pipeline p not found", "status": "error"}
).encode()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequestError),
        (401, NotSignedInError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (409, ConflictError),
        (413, TooLargeError),
        (422, InvalidRequestError),
        (429, BusyError),
        (500, ServerFailedError),
        (503, BusyError),
        (302, UnexpectedAnswerError),
    ],
)
def test_each_status_has_its_exception(status: int, kind: type[ModelyardError]) -> None:
    error = error_from_answer(status, b"{}")
    assert type(error) is kind
    assert error.status == status


def test_the_message_is_the_one_of_the_server() -> None:
    error = error_from_answer(404, PLATFORM_BODY)
    assert (error.message, error.code, error.status) == ("pipeline p not found", "404", 404)


def test_an_oauth_body_gives_its_description_and_its_error_as_code() -> None:
    body = b'{"error": "invalid_grant", "error_description": "Invalid user credentials"}'
    error = error_from_answer(401, body)
    assert (error.message, error.code) == ("Invalid user credentials", "invalid_grant")


@pytest.mark.parametrize("status", [400, 401])
def test_a_refused_token_request_always_means_not_signed_in(status: int) -> None:
    assert isinstance(sign_in_error(status, b'{"error": "invalid_grant"}'), NotSignedInError)
    assert isinstance(sign_in_error(500, b""), ServerFailedError)


@pytest.mark.parametrize("body", [b"", b"<html>Bad   gateway</html>", b"[1]", b'{"msg": 5}', b"\xff\xfe"])
def test_a_body_in_another_shape_is_quoted_and_never_breaks(body: bytes) -> None:
    assert error_from_answer(502, body).message.startswith("The server answered 502")


def test_a_page_is_not_quoted_but_makes_one_doubt_the_address() -> None:
    error = error_from_answer(404, b"<!DOCTYPE HTML><title>Not found</title>")
    assert error.message == "The server answered 404 with a web page."
    assert "address of a Modelyard server" in error.hint


def test_a_long_text_is_cut() -> None:
    assert len(error_from_answer(502, b"x" * 100_000).message) < 400


def test_the_text_of_an_exception_ends_with_what_to_do() -> None:
    assert str(error_from_answer(413, b'{"msg": "More than 2 GB."}')) == (
        "More than 2 GB. Send less at once, or ask the administrator to raise the limit."
    )
