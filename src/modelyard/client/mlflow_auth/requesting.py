"""One request of MLflow's API: who asks comes from the environment, what fails becomes an ``AuthServiceError``."""

import os
from typing import Any

import httpx

from modelyard import __version__
from modelyard.client.errors import ModelyardError, UnexpectedAnswerError, UnreachableError
from modelyard.client.transport import DEFAULT_TIMEOUT_SECONDS, normal_url

USERNAME, PASSWORD, TOKEN = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"
_CODES = {400: "BAD_REQUEST", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "ENDPOINT_NOT_FOUND"}


class AuthServiceError(ModelyardError):
    """The server refused. ``error_code`` is a word such as RESOURCE_DOES_NOT_EXIST, ``message`` what it says of it."""

    def __init__(self, message: str, error_code: str, status: int) -> None:
        super().__init__(message, status=status, code=error_code)

    @property
    def error_code(self) -> str:
        """The machine-readable word."""
        return self.code

    def __str__(self) -> str:
        return f"{self.error_code}: {self.message}"


def ask(tracking_uri: str, method: str, path: str, **values: str | bool) -> Any:
    """Send ``values``, in the query of a GET and as JSON otherwise; returns the JSON answer.

    Signs in with the name and password, else the token, that the environment has at this moment. Raises
    ``AuthServiceError``, ``UnreachableError`` and, for what is no answer of such a server, ``UnexpectedAnswerError``.
    """
    content: dict[str, Any] = {"params": values} if method == "GET" else {"json": values}
    headers = {"User-Agent": f"modelyard/{__version__}"} | _bearer()
    url = f"{normal_url(tracking_uri)}/api/2.0/mlflow/{path}"
    try:
        answer = httpx.request(method, url, headers=headers, auth=_basic(), timeout=DEFAULT_TIMEOUT_SECONDS, **content)
    except httpx.RequestError as error:
        raise UnreachableError(f"Cannot reach {tracking_uri}: {error or type(error).__name__}.") from error
    if answer.status_code != httpx.codes.OK:
        raise _failure(answer)
    try:
        return answer.json()
    except ValueError as error:
        raise UnexpectedAnswerError(f"The answer to {path} is not JSON.") from error


def _basic() -> tuple[str, str] | None:
    username, password = os.environ.get(USERNAME), os.environ.get(PASSWORD)
    return (username, password) if username and password else None


def _bearer() -> dict[str, str]:
    token = os.environ.get(TOKEN)
    return {"Authorization": f"Bearer {token}"} if token and _basic() is None else {}


def _failure(answer: httpx.Response) -> AuthServiceError:
    """The error in the body; of a server that writes plain text, the text with a code for its status."""
    status = answer.status_code
    try:
        body = answer.json()
    except ValueError:
        body = None
    if isinstance(body, dict) and "error_code" in body:
        return AuthServiceError(str(body.get("message", "")), str(body["error_code"]), status)
    return AuthServiceError(answer.text[:300], _CODES.get(status, "INTERNAL_ERROR"), status)
