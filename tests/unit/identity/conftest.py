"""A store in which a person is signed in by browser."""

import pytest

from modelyard.core.identity.browser_sessions import begin_browser_session
from modelyard.core.identity.clients import FirstAccounts, ensure_accounts
from modelyard.core.identity.sessions import Lifetimes
from modelyard.core.identity.users import NewUser, add_user
from modelyard.storage.store import SqlStore
from signed_in import Web


@pytest.fixture
def web(store: SqlStore) -> Web:
    lifetimes = Lifetimes(access=60, refresh=1000, offline=100_000, grace=30, browser=600, browser_idle=100)
    store.run_write(ensure_accounts, FirstAccounts("admin", "a@x.io", "hash", "hash"))
    user_id = store.run_write(add_user, NewUser("bob", None, None)).id
    browser = store.run_write(begin_browser_session, user_id, "cookie", lifetimes)
    return Web(store, user_id, browser, lifetimes)
