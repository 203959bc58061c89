"""What administrators see of what users let clients have, and how they take it back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.identity.device_grants import DeviceState
from modelyard.core.identity.entities import AuthorizationCode, Consent, DeviceGrant, Session
from modelyard.core.identity.session_control import is_offline, live_sessions, offline_sessions_of_user
from modelyard.core.identity.sessions import revoke_session
from modelyard.core.identity.users import get_user
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import not_found
from modelyard.core.kernel.store import Tx


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a user lets a client have: what they consented to, and what its ``offline`` sessions hold."""

    client_id: str
    scope: str
    given_at: datetime
    changed_at: datetime
    offline: bool


def allowances_of(tx: Tx, actor: Actor, user_id: str) -> list[Allowance]:
    """What the user lets clients have, by client."""
    sessions = [each.session for each in offline_sessions_of_user(tx, actor, user_id)]
    consents = {consent.client_id: consent for consent in tx.find(Consent, user_id=user_id)}
    clients = sorted(consents.keys() | {session.client_id for session in sessions})
    return [_allowance(each, consents.get(each), [s for s in sessions if s.client_id == each]) for each in clients]


def withdraw(tx: Tx, actor: Actor, user_id: str, client_id: str) -> None:
    """Take back what the user lets the client have; ``NOT_FOUND`` where that is nothing.

    Its offline sessions of the user end. Where the user was asked for consent all its sessions of them do, and the
    next one needs their consent again.
    """
    require_platform(actor, Permission.USERS_MANAGE)
    user, both = get_user(tx, actor, user_id), {"user_id": user_id, "client_id": client_id}
    consented = tx.delete(Consent, **both) > 0
    ended = [session for session in live_sessions(tx, **both) if consented or is_offline(session)]
    if not consented and not ended:
        raise not_found("consent to the client", client_id[:80])
    for session in ended:
        revoke_session(tx, session.id)
    tx.delete(AuthorizationCode, used_at=None, **both)
    tx.delete(DeviceGrant, state=DeviceState.APPROVED, **both)
    details: dict[str, Any] = {"user_id": user_id, "username": user.username, "sessions": len(ended)}
    record(tx, actor, Action.CONSENT_WITHDRAW, "client", client_id, **details)


def _allowance(client_id: str, consent: Consent | None, offline: list[Session]) -> Allowance:
    scopes = [*([consent.scope] if consent else []), *(session.scope for session in offline)]
    given = [*([consent.given_at] if consent else []), *(session.created_at for session in offline)]
    changed = [*given, *(session.rotated_at for session in offline)]
    scope = " ".join(dict.fromkeys(" ".join(scopes).split()))
    return Allowance(client_id, scope, min(given), max(changed), bool(offline))
