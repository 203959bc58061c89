"""What administrators see of sessions, and how they end them.

Ended sessions give no further tokens, and those they gave count no more. A session is an offline one when its scope
holds ``offline_access``: it lives on without its user for as long as the server is set up to allow.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.identity import browser_sessions
from modelyard.core.identity.device_grants import DeviceState
from modelyard.core.identity.entities import BrowserSession, DeviceGrant, OAuthClient, Session, User
from modelyard.core.identity.sessions import revoke_session
from modelyard.core.identity.users import get_user
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import not_found
from modelyard.core.kernel.store import Between, Tx

_OFFLINE = "offline_access"


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that has not ended, and its user."""

    session: Session
    user: User


@dataclass(frozen=True, slots=True)
class SessionCount:
    """How many sessions of a client are live: ``active`` ordinary ones, and ``offline`` ones."""

    client_id: str
    active: int
    offline: int


def sessions_of_user(tx: Tx, actor: Actor, user_id: str) -> list[LiveSession]:
    """The ordinary sessions of a user, by age."""
    user = _user(tx, actor, user_id)
    return [LiveSession(each, user) for each in live_sessions(tx, user_id=user_id) if not is_offline(each)]


def offline_sessions_of_user(tx: Tx, actor: Actor, user_id: str, client_id: str | None = None) -> list[LiveSession]:
    """The offline sessions of a user, of all clients or of one, by age."""
    user = _user(tx, actor, user_id)
    if client_id is not None:
        _client(tx, client_id)
    found = live_sessions(tx, user_id=user_id, **({"client_id": client_id} if client_id is not None else {}))
    return [LiveSession(each, user) for each in found if is_offline(each)]


def sessions_of_client(tx: Tx, actor: Actor, client_id: str, *, offline: bool = False) -> list[LiveSession]:
    """The sessions of a client, the ordinary or the offline ones, by age."""
    require_platform(actor, Permission.USERS_MANAGE)
    _client(tx, client_id)
    found = [each for each in live_sessions(tx, client_id=client_id) if is_offline(each) is offline]
    users = {user.id: user for user in tx.find(User, id={each.user_id for each in found})}
    return [LiveSession(each, users[each.user_id]) for each in found]


def count_sessions(tx: Tx, actor: Actor) -> list[SessionCount]:
    """The numbers of live sessions of each client that has any, by client."""
    require_platform(actor, Permission.USERS_MANAGE)
    live = live_sessions(tx)
    offline = Counter(each.client_id for each in live if is_offline(each))
    active = Counter(each.client_id for each in live if not is_offline(each))
    return [SessionCount(each, active[each], offline[each]) for each in sorted(active.keys() | offline.keys())]


def end_sessions_of_user(tx: Tx, actor: Actor, user_id: str) -> int:
    """Sign a user out of all browsers and clients, offline sessions included; returns how many sessions there were.

    What they allowed a device to have counts no more, unless it was fetched before.
    """
    user = _user(tx, actor, user_id)
    sessions = live_sessions(tx, user_id=user_id)
    browsers = tx.values(BrowserSession, ("id",), user_id=user_id, ended_at=None, expires_at=Between(at_least=tx.now))
    for (browser_id,) in browsers:
        browser_sessions.end_browser_session(tx, browser_id)
    for session in sessions:
        revoke_session(tx, session.id)
    tx.delete(DeviceGrant, user_id=user_id, state=DeviceState.APPROVED)
    if sessions or browsers:
        ended: dict[str, Any] = {"sessions": len(sessions), "browsers": len(browsers)}
        record(tx, actor, Action.SESSION_REVOKE, "user", user_id, username=user.username, **ended)
    return len(sessions)


def end_session(tx: Tx, actor: Actor, session_id: str) -> None:
    """End one session; where it began in a browser, that is signed out of all clients."""
    require_platform(actor, Permission.USERS_MANAGE)
    found = live_sessions(tx, id=session_id)
    if not found:
        raise not_found("session", session_id[:80])
    browser_sessions.end_session(tx, found[0])
    record(tx, actor, Action.SESSION_REVOKE, "session", session_id, user_id=found[0].user_id)


def is_offline(session: Session) -> bool:
    """Whether the session was asked for with ``offline_access``."""
    return _OFFLINE in session.scope.split()


def live_sessions(tx: Tx, **where: Any) -> list[Session]:
    """Sessions that have not ended, by age; asks for no permission."""
    return tx.find(Session, order_by="created_at", revoked_at=None, expires_at=Between(at_least=tx.now), **where)


def _user(tx: Tx, actor: Actor, user_id: str) -> User:
    require_platform(actor, Permission.USERS_MANAGE)
    return get_user(tx, actor, user_id)


def _client(tx: Tx, client_id: str) -> OAuthClient:
    client = tx.get(OAuthClient, client_id)
    if client is None:
        raise not_found("client", client_id[:80])
    return client
