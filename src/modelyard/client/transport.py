"""Every request of the client leaves here: one httpx client, one place that turns failures into exceptions."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import httpx

from modelyard import __version__
from modelyard.client.errors import (
    InvalidRequestError,
    UnexpectedAnswerError,
    UnreachableError,
    error_from_answer,
)

DEFAULT_TIMEOUT_SECONDS = 60.0


def normal_url(url: str) -> str:
    """The address of a server without a trailing slash. Raises InvalidRequestError when it is not http(s)."""
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL as error:
        raise InvalidRequestError(f"{url!r} is not an address: {error}.") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise InvalidRequestError(
            f"{url!r} is not the address of a server.", hint="Write it like http://127.0.0.1:8080."
        )
    return str(parsed).rstrip("/")


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Inside this block an answer is taken apart: what does not fit becomes UnexpectedAnswerError."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise UnexpectedAnswerError(
            f"The answer to {what} has not the expected shape ({type(error).__name__}: {error})."
        ) from error


class Transport:
    """Sends requests to one server as one user."""

    def __init__(
        self, url: str, auth: httpx.Auth | None = None, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    ) -> None:
        self.url = normal_url(url)
        self._http = httpx.Client(
            auth=auth,
            timeout=httpx.Timeout(timeout_seconds, connect=5.0),
            headers={"User-Agent": f"modelyard/{__version__}"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, method: str, path: str, **content: Any) -> httpx.Response:
        """One request; `content` is what ``httpx.Client.request`` takes. Returns only answers of success (2xx)."""
        try:
            response = self._http.request(method, self.url + path, **content)
        except httpx.TimeoutException as error:
            raise UnreachableError(f"{self.url} did not answer in time ({path}).") from error
        except httpx.RequestError as error:
            raise UnreachableError(f"Cannot reach {self.url}: {_reason(error)}.") from error
        if not response.is_success:
            raise error_from_answer(response.status_code, response.content)
        return response

    @contextmanager
    def stream(self, method: str, path: str, **content: Any) -> Iterator[httpx.Response]:
        """``send`` for an answer that is read piece by piece, inside the block."""
        try:
            with self._http.stream(method, self.url + path, **content) as response:
                if not response.is_success:
                    raise error_from_answer(response.status_code, response.read())
                yield response
        except httpx.TimeoutException as error:
            raise UnreachableError(f"{self.url} did not answer in time ({path}).") from error
        except httpx.RequestError as error:
            raise UnreachableError(f"The answer of {self.url} did not arrive whole: {_reason(error)}.") from error

    def call(self, path: str, body: Mapping[str, Any]) -> Any:
        """POST a JSON object and return the JSON answer: the shape of nearly every call of this API."""
        response = self.send("POST", path, json=body)
        with reading(path):
            return response.json()

    def query(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """A GraphQL query; returns its ``data``."""
        answer = self.call("/v1/graphql", {"query": document, "variables": variables})
        with reading("/v1/graphql"):
            if answer.get("errors"):
                raise InvalidRequestError(str(answer["errors"][0]["message"]))
            return dict(answer["data"])


def _reason(error: httpx.RequestError) -> str:
    """The system's words without its numbers: `[Errno 111] Connection refused` says the last two."""
    return str(error).partition("] ")[2] or str(error) or type(error).__name__
