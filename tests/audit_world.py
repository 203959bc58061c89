"""A running server whose audit log nobody else writes, and what comes into it from doing something."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from running import RunningServer
from wire import Caller, Person

Entry = dict[str, Any]


@dataclass(frozen=True)
class World:
    """A server whose log nobody else writes; the administrator, and a user with a workspace."""

    server: RunningServer
    admin: Caller
    ada: Person
    caller: Caller
    workspace_id: int

    def entries(self, **filters: Any) -> list[Entry]:
        """What the log holds, newest first, by the API's filters."""
        answer = self.admin.call("GET", "/api/v1/audit", params={"limit": 1000, **filters})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    def new(self, done: Callable[[], Any]) -> list[Entry]:
        """The entries that come from doing this."""
        newest = self.entries(limit=1)[0]["id"]
        done()
        return [entry for entry in self.entries() if entry["id"] > newest]

    def one(self, done: Callable[[], Any], action: str, **expected: Any) -> Entry:
        """The only entry that comes from doing this; it holds what is expected."""
        (entry,) = self.new(done)
        assert (entry["action"], entry["address"]) == (action, "127.0.0.1")
        assert {name: entry[name] for name in expected} == expected
        return entry


def form(**fields: str) -> dict[str, Any]:
    return {"data": {"grant_type": "password", "client_id": "sdk-client", **fields}}


def post(caller: Caller, path: str, **body: Any) -> Callable[[], Any]:
    return lambda: caller.post(path, body)
