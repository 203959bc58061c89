"""Sessions of programs that sign in by a form and send a cookie from then on."""

from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.identity.browser_sessions import begin_browser_session
from modelyard.core.identity.entities import BrowserSession, User
from modelyard.core.identity.sessions import Lifetimes
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.store import Tx


def begin_api_session(
    tx: Tx, user: User, token_hash: str, lifetimes: Lifetimes, address: str | None = None
) -> BrowserSession:
    """A session for the user, who has just proved who they are. It ends like that of a browser."""
    session = begin_browser_session(tx, user.id, token_hash, lifetimes)
    actor = Actor(user.id, user.username, address=address)
    record(tx, actor, Action.LOGIN, "browser", session.id, scheme="form")
    return session
