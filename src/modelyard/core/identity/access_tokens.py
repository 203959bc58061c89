"""Personal access tokens: made and revoked by their users, and for service accounts by those who manage them."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import SERVER, record
from modelyard.core.identity.entities import AccessToken, ServiceAccount
from modelyard.core.identity.scopes import Scope, known_scopes, permissions_in
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind, conflict, failed_precondition, invalid, not_found
from modelyard.core.kernel.ids import new_uuid
from modelyard.core.kernel.names import title
from modelyard.core.kernel.store import Between, Topic, Tx

_MOST = 100
_USED_EVERY = timedelta(minutes=1)
_KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class NewToken:
    """The token to make; ``secret_hash`` is ``token_text.text_hash`` of its text."""

    name: str
    scopes: Collection[str]
    expires_at: datetime | None
    secret_hash: str


def create_token(tx: Tx, actor: Actor, user_id: str, new: NewToken) -> AccessToken:
    """Make a token for the user: the actor, or a service account that the actor manages."""
    require_platform(actor, Permission.TOKENS_MANAGE)
    _manages(tx, actor, user_id)
    name, scopes = title("token", new.name), known_scopes(new.scopes)
    if new.expires_at is not None and new.expires_at <= tx.now:
        raise invalid("the token would be expired from the start; give a time in the future, or none")
    live = [token for token in tx.find(AccessToken, user_id=user_id, revoked_at=None) if is_live(token, tx.now)]
    if any(token.name == name for token in live):
        raise conflict(f"a token named {name!r} is in use; revoke it first or choose another name", name=name)
    if len(live) >= _MOST:
        raise failed_precondition(f"there are {_MOST} tokens in use already; revoke some that are not needed")
    token = tx.insert(
        AccessToken(
            new_uuid(), user_id, name, new.secret_hash, scopes, actor.user_id, tx.now, new.expires_at, None, None
        )
    )
    record(tx, actor, Action.TOKEN_CREATE, "token", token.id, name=name, user_id=user_id, scopes=sorted(scopes))
    return token


def list_tokens(tx: Tx, actor: Actor, user_id: str) -> list[AccessToken]:
    """The tokens of the user that are not revoked, expired ones included, in the order they were made."""
    require_platform(actor, Permission.TOKENS_MANAGE)
    _manages(tx, actor, user_id)
    return tx.find(AccessToken, order_by="created_at", user_id=user_id, revoked_at=None)


def revoke_token(tx: Tx, actor: Actor, token_id: str) -> None:
    """Make a token worthless, at once and everywhere. Administrators may revoke anybody's."""
    require_platform(actor, Permission.TOKENS_MANAGE)
    token = tx.get(AccessToken, token_id)
    if token is None or not (may_manage(tx, actor, token.user_id) or _administers(actor)):
        raise not_found("token", token_id)
    if token.revoked_at is None:
        tx.update(AccessToken, token_id, lambda t: replace(t, revoked_at=tx.now))
        tx.touch(Topic.ACCESS)
        record(tx, actor, Action.TOKEN_REVOKE, "token", token_id, name=token.name, user_id=token.user_id)


def lend_token(tx: Tx, user_id: str, name: str, secret_hash: str, expires_at: datetime) -> AccessToken:
    """Make a token with which the server infers in the user's name, for work that they asked for.

    Asks for no permission: what the token opens is what the user may at the time of use. ``revoke_lent`` takes it back.
    """
    scopes = [str(Scope.INFER)]
    token = tx.insert(
        AccessToken(new_uuid(), user_id, name, secret_hash, scopes, user_id, tx.now, expires_at, None, None)
    )
    record(tx, SERVER, Action.TOKEN_CREATE, "token", token.id, name=name, user_id=user_id, scopes=scopes)
    return token


def revoke_lent(tx: Tx, token_id: str | None) -> None:
    """Make a lent token worthless; None and one that is gone are worthless already."""
    if token_id is not None and tx.change(AccessToken, {"revoked_at": tx.now}, id=token_id, revoked_at=None):
        tx.touch(Topic.ACCESS)
        record(tx, SERVER, Action.TOKEN_REVOKE, "token", token_id)


def find_token(tx: Tx, secret_hash: str) -> AccessToken | None:
    """The token that is kept as this hash, if it is live."""
    token = tx.first(AccessToken, secret_hash=secret_hash)
    return token if token is not None and is_live(token, tx.now) else None


def live_scopes(tx: Tx, token_id: str) -> frozenset[str] | None:
    """The permissions that the token lets through, None for all; ``UNAUTHENTICATED`` unless it is live."""
    token = tx.get(AccessToken, token_id)
    if token is None or not is_live(token, tx.now):
        raise DomainError(ErrorKind.UNAUTHENTICATED, "the personal access token was revoked or has expired")
    return permissions_in(token.scopes)


def is_live(token: AccessToken, now: datetime) -> bool:
    """Whether the token opens anything."""
    return token.revoked_at is None and (token.expires_at is None or token.expires_at > now)


def may_manage(tx: Tx, actor: Actor, user_id: str) -> bool:
    """Whether the user is the actor, or a service account that the actor owns or administers."""
    if actor.user_id == user_id:
        return True
    account = tx.get(ServiceAccount, user_id)
    return account is not None and (account.owner_id == actor.user_id or _administers(actor))


def note_uses(tx: Tx, token_ids: Collection[str]) -> None:
    """Keep that these tokens were used just now; of one token at most once a minute."""
    for token in tx.find(AccessToken, id=list(token_ids)):
        if token.last_used_at is None or token.last_used_at <= tx.now - _USED_EVERY:
            tx.update(AccessToken, token.id, lambda t: replace(t, last_used_at=tx.now))


def sweep_tokens(tx: Tx) -> None:
    """Remove tokens that have been worthless for long."""
    tx.delete(AccessToken, revoked_at=Between(at_most=tx.now - _KEPT))
    tx.delete(AccessToken, expires_at=Between(at_most=tx.now - _KEPT))


def _manages(tx: Tx, actor: Actor, user_id: str) -> None:
    if not may_manage(tx, actor, user_id):
        raise not_found("service account", user_id)


def _administers(actor: Actor) -> bool:
    try:
        require_platform(actor, Permission.USERS_MANAGE)
    except DomainError:
        return False
    return True
