"""What can go wrong between a client and a server, as exceptions a person can act on.

``ModelyardError``
├── ``UnreachableError``       no answer at all: refused, unknown host, TLS, timeout
├── ``NotSignedInError``       401, a refused password, no or expired tokens
├── ``ForbiddenError``         403
├── ``NotFoundError``          404
├── ``ConflictError``          409 and 412
├── ``InvalidRequestError``    every other 4xx
│   └── ``TooLargeError``      413
├── ``BusyError``              429 and 503: the same request may work later
├── ``ServerFailedError``      every other 5xx
├── ``UnexpectedAnswerError``  an answer this client cannot read: not a Modelyard server, or a much newer one
└── ``TimedOutError``          a deployment did not get where it should in the time given

Server bodies are ``{"code","msg","error","status","source"}``, OAuth bodies ``{"error","error_description"}``
(RFC 6749 section 5.2), those of the native API ``{"title","status","detail","code"}`` (RFC 9457); all are read here
and nowhere else.
"""

import json
from typing import Any

MAX_QUOTED = 300


class ModelyardError(Exception):
    """The base: ``message`` says what was wrong, ``hint`` what to do, ``status`` is the HTTP status if any.

    ``code`` is the server's machine-readable word or number for the failure, as text.
    """

    hint = ""

    def __init__(self, message: str, *, hint: str = "", status: int | None = None, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.hint
        self.status = status
        self.code = code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UnreachableError(ModelyardError):
    """Nobody answered."""

    hint = "Is the server running, and is the address right?"


class NotSignedInError(ModelyardError):
    """The server does not know who is asking."""

    hint = "Sign in again: `modelyard login`."


class ForbiddenError(ModelyardError):
    """The server knows who is asking and refuses."""

    hint = "Ask an owner of the workspace or an administrator for the right."


class NotFoundError(ModelyardError):
    """The thing does not exist, or the user may not know that it does."""


class ConflictError(ModelyardError):
    """The request collides with what is already there."""


class InvalidRequestError(ModelyardError):
    """The request itself is wrong."""


class TooLargeError(InvalidRequestError):
    """More bytes than the server accepts."""

    hint = "Send less at once, or ask the administrator to raise the limit."


class BusyError(ModelyardError):
    """The server or a model cannot take the request now."""

    hint = "Try again in a moment."


class ServerFailedError(ModelyardError):
    """The server failed; its own log says why."""

    hint = "The server's log has the cause."


class UnexpectedAnswerError(ModelyardError):
    """The answer is not what this API sends."""

    hint = "Is this the address of a Modelyard server, and of one as old or new as this client?"


class TimedOutError(ModelyardError):
    """The time given for waiting is over."""

    hint = "It may still get there: `modelyard status` tells."


_BY_STATUS: dict[int, type[ModelyardError]] = {
    401: NotSignedInError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    412: ConflictError,
    413: TooLargeError,
    429: BusyError,
    503: BusyError,
}


def error_from_answer(status: int, body: bytes) -> ModelyardError:
    """The exception for an answer that is not a success, with the server's own words where it gave any."""
    content = _as_object(body)
    message = _message(content) or f"The server answered {status}{_quoted(body)}."
    # Modelyard answers no API call with a page: somebody else did, or a proxy in between.
    hint = UnexpectedAnswerError.hint if _is_page(body) else ""
    return _kind(status)(message, hint=hint, status=status, code=_code(content))


def sign_in_error(status: int, body: bytes) -> ModelyardError:
    """The exception for a refused token request: every refusal there (RFC 6749 5.2) means not signed in."""
    failure = error_from_answer(status, body)
    if status not in (400, 401):
        return failure
    return NotSignedInError(failure.message, status=status, code=failure.code)


def _kind(status: int) -> type[ModelyardError]:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 400 <= status < 500:
        return InvalidRequestError
    return ServerFailedError if status >= 500 else UnexpectedAnswerError


def _as_object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _message(content: dict[str, Any]) -> str:
    texts = (content.get(key) for key in ("error_description", "msg", "error", "detail", "message"))
    return next((text for text in texts if isinstance(text, str) and text), "")


def _code(content: dict[str, Any]) -> str:
    if "error_description" in content:
        return str(content.get("error", ""))
    return str(content.get("code", ""))


def _is_page(body: bytes) -> bool:
    return body.lstrip().startswith(b"<")


def _quoted(body: bytes) -> str:
    if _is_page(body):
        return " with a web page"
    text = " ".join(body.decode("utf-8", "replace").split())
    return f": {text[:MAX_QUOTED]}" if text else ""
