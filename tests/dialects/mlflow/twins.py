"""Two servers that get the same calls, and what of their answers must be equal.

Ids, times of the clock and names that a server makes up differ: each is replaced by a name that both sides share, like
``<run_id 3>``. An answer holds these names, and a later call may use them: each server gets its own value back.
"""

import itertools
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import requests

API = "/api/2.0/mlflow/"
FILES = "/api/2.0/mlflow-artifacts/"

_MADE = ("experiment_id", "run_id", "run_name", "model_id", "name", "upload_id")
_MADE_NAME = re.compile(r"[a-z]+-[a-z]+-\d+|model-[0-9a-f]{8}")
_FOLDER = re.compile(r"(?<=mlflow-artifacts:/)(\d+)(?=/|$)")
_TIMES = re.compile(r".*(_time|_timestamp|_timestamp_ms|timestamp)$")
_UNORDERED = {
    "tags": "key",
    "params": "key",
    "data.metrics": "key",
    "aliases": "alias",
    "latest_versions": "version",
    "model_outputs": "model_id",
    "model_inputs": "model_id",
    "registrations": "name",
}
_MORE_OF_VERSIONS = ("user_id", "model_id")
"""We show who registered a version and as which logged model, and its aliases in every list."""

_SECONDS = 60
_number = itertools.count(1)


@dataclass
class Side:
    """One of the servers: ``values`` are its own by the names that both share."""

    url: str
    session: requests.Session
    values: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, content: dict[str, Any]) -> requests.Response:
        """The answer to a call in which shared names are replaced by this server's values."""
        own: dict[str, Any] = {k: each if isinstance(each, bytes) else self._own(each) for k, each in content.items()}
        address = self.url + str(self._own(path))
        try:
            return self.session.request(method, address, timeout=_SECONDS, allow_redirects=False, **own)
        except requests.ConnectionError:  # after some errors stock closes the connection without saying so
            return self.session.request(method, address, timeout=_SECONDS, allow_redirects=False, **own)

    def _own(self, given: Any) -> Any:
        text = json.dumps(given)
        for name, value in self.values.items():
            if name in text:
                text = text.replace(name, value)
        return json.loads(text)


@dataclass(frozen=True)
class Answer:
    """What both servers said, in shared names. ``body`` is None where it is no JSON."""

    status: int
    body: Any

    @property
    def code(self) -> str | None:
        """The code of an error."""
        return self.body.get("error_code") if isinstance(self.body, dict) and self.status != 200 else None

    def __getitem__(self, key: str) -> Any:
        return self.body[key]


class DifferenceError(AssertionError):
    """The servers do not agree."""


class Twins:
    """The stock server and ours."""

    def __init__(self, stock: Side, ours: Side) -> None:
        self.stock, self.ours = stock, ours

    def name(self, what: str) -> str:
        """A name that nothing else has."""
        return f"{what}-{next(_number)}"

    def both(self, method: str, path: str, **content: Any) -> tuple[Answer, Answer]:
        """What stock and ours say to a call; keywords are those of ``requests.request``."""
        began = int(time.time() * 1000) - 1000
        said = [side.send(method, path, content) for side in (self.stock, self.ours)]
        bodies = [_json(each) for each in said]
        self._learn(*bodies)
        self._learn_tokens(*bodies)
        stock, ours = (
            Answer(answer.status_code, _normal(self._shared(side, body), began))
            for side, answer, body in zip((self.stock, self.ours), said, bodies, strict=True)
        )
        return stock, ours

    def same(self, method: str, path: str, **content: Any) -> Answer:
        """What both say to a call; fails where they differ."""
        stock, ours = self.both(method, path, **content)
        apart = differences(stock, ours)
        if apart:
            raise DifferenceError("\n".join([f"{method} {path} {content}", *apart]))
        return ours

    def post(self, path: str, /, **body: Any) -> Answer:
        """POST a JSON object to a route of tracking or the registry."""
        return self.same("POST", API + path, json=body)

    def get(self, path: str, /, **query: Any) -> Answer:
        """GET with a query."""
        return self.same("GET", API + path, params=query)

    def patch(self, path: str, /, **body: Any) -> Answer:
        """PATCH with a JSON object."""
        return self.same("PATCH", API + path, json=body)

    def delete(self, path: str, /, **body: Any) -> Answer:
        """DELETE with a JSON object."""
        return self.same("DELETE", API + path, json=body)

    def pages(self, method: str, path: str, found: str, **asked: Any) -> list[list[Any]]:
        """What all pages of a search hold; each side follows the tokens that it gave itself."""
        pages: list[list[Any]] = []
        token: str | None = None
        while token is not None or not pages:
            part = asked | ({"page_token": token} if token else {})
            answer = self.same(method, API + path, **({"params": part} if method == "GET" else {"json": part}))
            pages.append(answer.body.get(found, []))
            token = answer.body.get("next_page_token")
            assert len(pages) < 100
        return pages

    def _learn_tokens(self, *bodies: Any) -> None:
        """Each server's token of a next page is its own, and it may give the same one again elsewhere."""
        if all(isinstance(body, dict) and body.get("next_page_token") for body in bodies):
            name = f"<next_page_token {next(_number)}>"
            for side, body in zip((self.stock, self.ours), bodies, strict=True):
                side.values[name] = body["next_page_token"]
                body["next_page_token"] = name

    def _learn(self, stock: Any, ours: Any, key: str = "") -> None:
        """Give a shared name to what the servers made up for the same thing."""
        if isinstance(stock, dict) and isinstance(ours, dict):
            for each in stock.keys() & ours.keys():
                self._learn(stock[each], ours[each], each)
        elif isinstance(stock, list) and isinstance(ours, list) and len(stock) == len(ours):
            for one, other in zip(_sorted(key, stock), _sorted(key, ours), strict=True):
                self._learn(one, other, key)
        elif isinstance(stock, str) and isinstance(ours, str) and _made(key, stock, ours):
            known = ours in self.ours.values.values() or stock in self.stock.values.values()
            if not known:
                name = f"<{key} {next(_number)}>"
                self.stock.values[name], self.ours.values[name] = stock, ours

    def _shared(self, side: Side, given: Any, key: str = "") -> Any:
        if isinstance(given, dict):
            return {each: self._shared(side, value, each) for each, value in given.items()}
        if isinstance(given, list):
            return [self._shared(side, each, key) for each in given]
        if not isinstance(given, str):
            return given
        for name, value in side.values.items():
            if name.startswith("<next_page_token"):
                continue
            if given == value and (len(value) > 4 or key == "experiment_id"):
                return name
            if len(value) > 12 and value in given:
                given = given.replace(value, name)
        folders = {value: name for name, value in side.values.items() if name.startswith("<experiment_id")}
        return _FOLDER.sub(lambda found: folders.get(found[1], found[1]), given)


def _made(key: str, stock: str, ours: str) -> bool:
    """Whether the servers made these up: names only where they look so."""
    if key in ("run_name", "name"):
        return stock != ours and all(_MADE_NAME.fullmatch(each) for each in (stock, ours))
    return key in _MADE and stock != ours


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json(parse_constant=str)  # NaN of stock's
    except requests.JSONDecodeError:
        return None


def _normal(given: Any, began: int, key: str = "") -> Any:
    """Times of the clock become ``<now>``; lists without an order get one."""
    if isinstance(given, dict):
        ours_only = _MORE_OF_VERSIONS if "current_stage" in given else ()
        if key in ("latest_versions", "model_versions"):
            ours_only = (*ours_only, "aliases")
        given = {each: value for each, value in given.items() if each not in ours_only}
        return {each: _normal(value, began, _place(key, each)) for each, value in given.items()}
    if isinstance(given, list):
        return _sorted(key, [_normal(each, began, key) for each in given])
    if isinstance(given, int) and _TIMES.match(key) and abs(given - began) < 3_600_000:
        return "<now>"
    return given


def _place(above: str, key: str) -> str:
    """Metrics in a run's data have no order; those in a history have."""
    return "data.metrics" if (above, key) == ("data", "metrics") else key


def _sorted(key: str, given: list[Any]) -> list[Any]:
    by = _UNORDERED.get(key)
    if by is None or not all(isinstance(each, dict) for each in given):
        return given
    return sorted(given, key=lambda each: (str(each.get(by)), json.dumps(each, sort_keys=True)))


def _comparable(answer: Answer) -> dict[str, Any]:
    """What must be equal: of an error its code, of a success everything."""
    if answer.status == 200:
        return {"status": 200, "body": answer.body}
    return {"status": answer.status, "error_code": answer.code, "message": _Words(answer)}


class _Words:
    """An error's message: shown with a difference, but not one itself."""

    def __init__(self, answer: Answer) -> None:
        self._text = answer.body.get("message") if isinstance(answer.body, dict) else str(answer.body)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Words)

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return f"{self._text!r:.300}"


def differences(stock: Answer, ours: Answer) -> list[str]:
    """Where two answers are not the same, a line each."""
    return list(_differences(_comparable(stock), _comparable(ours)))


def _differences(stock: Any, ours: Any, where: str = "") -> Iterator[str]:
    """Where two values are not the same, a line each."""
    if isinstance(stock, dict) and isinstance(ours, dict):
        for key in sorted(stock.keys() | ours.keys()):
            yield from _differences(stock.get(key, "<absent>"), ours.get(key, "<absent>"), f"{where}.{key}")
    elif isinstance(stock, list) and isinstance(ours, list) and len(stock) == len(ours):
        for number, (one, other) in enumerate(zip(stock, ours, strict=True)):
            yield from _differences(one, other, f"{where}[{number}]")
    elif stock != ours:
        yield f"  {where}: stock {stock!r:.400} | ours {ours!r:.400}"
