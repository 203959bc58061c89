"""MLflow's REST API, one call at a time: what is sent, what may come back, what a refusal means."""

import base64
import time
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec

from modelyard.core.catalogue.registries import OpenRegistry
from modelyard.core.kernel.errors import DomainError, ErrorKind, failed_precondition, not_found, timed_out
from modelyard.outgoing.calling import AnsweredError, Outgoing

API = "/api/2.0/mlflow"
_ANSWER_BYTES = 4 * 2**20
_CALL_SECONDS = 15.0
_REFUSALS = (401, 403)
_MISSING = (404, 410)

T = TypeVar("T")
Query = Mapping[str, str]


class MlflowApi:
    """One registry: all calls together end after ``seconds``. Blocking."""

    def __init__(self, outgoing: Outgoing, registry: OpenRegistry, seconds: float) -> None:
        self.registry = registry
        self._outgoing = outgoing
        self._headers = {"Accept": "application/json", **_authorization(registry.token)}
        self._until = time.monotonic() + seconds

    def get(self, path: str, kind: type[T], what: str, query: Query) -> T:
        """The answer of a route; ``what`` is asked for, as messages name it."""
        url = self._url(path, query)
        seconds = min(self._left(), _CALL_SECONDS)
        content = self._told(what, lambda: self._outgoing.read(url, self._headers, _ANSWER_BYTES, seconds))
        try:
            return msgspec.json.decode(content, type=kind, strict=False)
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            raise self._unavailable(f"its answer for {what} is none of an MLflow server: {error}") from error

    def copy(self, path: str, what: str, take: Callable[[bytes], None], query: Query) -> None:
        """Give the bytes of a file to ``take``, piece by piece."""
        url, headers = self._url(path, query), {**self._headers, "Accept": "*/*"}
        self._told(what, lambda: self._outgoing.stream(url, headers, take, self._left()))

    def _url(self, path: str, query: Query) -> str:
        """A route's address; neither is encoded yet."""
        asked = f"?{urlencode(query)}" if query else ""
        return f"{self.registry.url}{quote(path)}{asked}"

    def allow(self, seconds: float) -> None:
        """Let the calls from now on take so long."""
        self._until = time.monotonic() + seconds

    def _told(self, what: str, call: Callable[[], T]) -> T:
        try:
            return call()
        except AnsweredError as error:
            raise self._refused(what, error.status) from error

    def _refused(self, what: str, status: int) -> DomainError:
        if status in _REFUSALS:
            return failed_precondition(
                f"{self._shown} does not give {what} for the token that it was connected with (status {status}); "
                "connect it again with a token that may read there"
            )
        if status in _MISSING:
            return not_found(what, f"in {self._shown}")
        return self._unavailable(f"it answers with status {status} for {what}")

    def _unavailable(self, why: str) -> DomainError:
        return DomainError(ErrorKind.UNAVAILABLE, f"{self._shown}: {why}")

    @property
    def _shown(self) -> str:
        return f"the model registry {self.registry.name} ({self.registry.url})"

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise timed_out(f"{self._shown} took too long to answer")
        return left


def _authorization(token: str) -> dict[str, str]:
    """A bearer token; ``user:password`` as HTTP Basic, which is how MLflow's own server signs people in."""
    if not token:
        return {}
    if ":" in token:
        return {"Authorization": f"Basic {base64.b64encode(token.encode()).decode()}"}
    return {"Authorization": f"Bearer {token}"}
