"""A person who is signed in by browser, in a store without a server."""

from dataclasses import dataclass

from modelyard.core.identity.entities import BrowserSession
from modelyard.core.identity.sessions import Lifetimes
from modelyard.storage.store import SqlStore


@dataclass(frozen=True)
class Web:
    """A store, and bob's browser in it."""

    store: SqlStore
    user_id: str
    browser: BrowserSession
    lifetimes: Lifetimes
