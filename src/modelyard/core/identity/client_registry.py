"""Administrators keep the OAuth clients."""

import re
from dataclasses import dataclass, fields, replace

from modelyard.core.access.check import require_platform
from modelyard.core.access.grants import Grant
from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.identity.clients import SHIPPED, GrantType, new_client, service_user, service_username
from modelyard.core.identity.entities import AccessToken, Membership, OAuthClient, ServiceAccount, Session, User
from modelyard.core.identity.redirects import checked_uri
from modelyard.core.identity.users import find_by_login
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import conflict, failed_precondition, invalid, not_found
from modelyard.core.kernel.store import Topic, Tx

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,254}")


@dataclass(frozen=True, slots=True)
class ClientChange:
    """What of a client can be chosen; None leaves it as it is.

    ``public`` True takes the secret away. A client that is public and shall not be any more needs a ``secret_hash``.
    """

    grants: list[GrantType] | None = None
    secret_hash: str | None = None
    public: bool | None = None
    redirect_uris: list[str] | None = None
    post_logout_uris: list[str] | None = None
    consent: bool | None = None
    id_tokens_as_bearer: bool | None = None


def list_clients(tx: Tx, actor: Actor, client_id: str | None = None) -> list[OAuthClient]:
    """All clients, or the one with this id, if there is one."""
    require_platform(actor, Permission.USERS_MANAGE)
    return tx.find(OAuthClient) if client_id is None else tx.find(OAuthClient, id=client_id)


def get_client(tx: Tx, actor: Actor, client_id: str) -> OAuthClient:
    """One client."""
    require_platform(actor, Permission.USERS_MANAGE)
    found = tx.get(OAuthClient, client_id)
    if found is None:
        raise not_found("client", client_id[:80])
    return found


def register_client(tx: Tx, actor: Actor, client_id: str, chosen: ClientChange) -> OAuthClient:
    """Add a client; it gets no tokens at all unless grants are chosen."""
    require_platform(actor, Permission.USERS_MANAGE)
    if not _ID.fullmatch(client_id):
        raise invalid(f"client id {client_id[:60]!r} is not allowed: 1 to 255 letters, digits and . _ - : @")
    if tx.get(OAuthClient, client_id) is not None:
        raise conflict(f"a client {client_id} already exists")
    made = tx.insert(_changed(tx, new_client(tx, client_id, []), chosen))
    record(tx, actor, Action.CLIENT_CREATE, "client", client_id, grants=sorted(made.grants))
    return made


def change_client(tx: Tx, actor: Actor, client_id: str, chosen: ClientChange) -> OAuthClient:
    """Change a client. Tokens that it has stay good; a grant that it lost gives no further ones.

    Its ID tokens open something no longer from the moment that it loses ``id_tokens_as_bearer``.
    """
    before = get_client(tx, actor, client_id)
    after = tx.update(OAuthClient, client_id, lambda client: _changed(tx, client, chosen))
    changed = [field.name for field in fields(after) if getattr(after, field.name) != getattr(before, field.name)]
    if "id_tokens_as_bearer" in changed:
        tx.touch(Topic.ACCESS)
    if changed:
        record(tx, actor, Action.CLIENT_CHANGE, "client", client_id, changed=changed, grants=sorted(after.grants))
    return after


def set_client_secret(tx: Tx, actor: Actor, client_id: str, secret_hash: str) -> OAuthClient:
    """Give a confidential client another secret; the old one is worthless at once."""
    require_confidential(get_client(tx, actor, client_id))
    tx.touch(Topic.ACCESS)
    changed = tx.update(OAuthClient, client_id, lambda client: replace(client, secret_hash=secret_hash))
    record(tx, actor, Action.CLIENT_SECRET, "client", client_id)
    return changed


def require_confidential(client: OAuthClient) -> None:
    """``FAILED_PRECONDITION`` for a public client."""
    if client.secret_hash is None:
        raise failed_precondition(f"{client.id} is a public client: it has no secret")


def account_of(tx: Tx, actor: Actor, client_id: str) -> User:
    """The account that the client acts as by itself."""
    client = get_client(tx, actor, client_id)
    account = tx.get(User, client.service_user_id) if client.service_user_id else None
    if account is None or GrantType.CLIENT_CREDENTIALS not in client.grants:
        raise failed_precondition(f"{client_id} does not act for itself: give it the grant client_credentials first")
    return account


def delete_client(tx: Tx, actor: Actor, client_id: str) -> None:
    """Remove a client with its sessions, codes, device grants and consents, and the account that was made for it.

    A service account that somebody made, and which only signs in by this client, stays.
    """
    client = get_client(tx, actor, client_id)
    if client_id in SHIPPED:
        raise failed_precondition(f"the client {client_id} comes with the server; take its grants instead")
    tx.delete(Session, client_id=client_id)
    tx.delete(OAuthClient, id=client_id)  # what else is about it only goes with it: schema.py says what is owned
    if client.service_user_id is not None and tx.get(ServiceAccount, client.service_user_id) is None:
        _delete_account(tx, client.service_user_id)
    tx.touch(Topic.ACCESS)
    record(tx, actor, Action.CLIENT_DELETE, "client", client_id, account_id=client.service_user_id)


def _delete_account(tx: Tx, user_id: str) -> None:
    for kind in (Session, Membership, AccessToken):
        tx.delete(kind, user_id=user_id)
    tx.delete(Grant, subject_id=user_id)
    tx.delete(User, id=user_id)


def _changed(tx: Tx, client: OAuthClient, chosen: ClientChange) -> OAuthClient:
    secret_hash = None if chosen.public else chosen.secret_hash or client.secret_hash
    if chosen.public is False and secret_hash is None:
        raise failed_precondition(f"{client.id} is a public client: give it a secret to make it a confidential one")
    if chosen.public is None and chosen.secret_hash is not None and client.secret_hash is None:
        raise failed_precondition(f"{client.id} is a public client: it has no secret")
    grants = client.grants if chosen.grants is None else [str(grant) for grant in chosen.grants]
    acts_alone = GrantType.CLIENT_CREDENTIALS in grants
    if acts_alone and secret_hash is None:
        raise failed_precondition(f"{client.id} is a public client: it cannot act for itself (client_credentials)")
    service_user_id = client.service_user_id or (_own_account(tx, client.id) if acts_alone else None)
    return replace(
        client,
        secret_hash=secret_hash,
        grants=grants,
        redirect_uris=_checked(chosen.redirect_uris, client.redirect_uris),
        post_logout_uris=_checked(chosen.post_logout_uris, client.post_logout_uris),
        consent=_chosen(chosen.consent, client.consent),
        service_user_id=service_user_id,
        id_tokens_as_bearer=_chosen(chosen.id_tokens_as_bearer, client.id_tokens_as_bearer),
    )


def _chosen(chosen: bool | None, kept: bool) -> bool:
    return kept if chosen is None else chosen


def _checked(chosen: list[str] | None, kept: list[str]) -> list[str]:
    return kept if chosen is None else [checked_uri(uri) for uri in dict.fromkeys(chosen)]


def _own_account(tx: Tx, client_id: str) -> str:
    """A new account for the client. One that is there by the same name belongs to somebody else."""
    if find_by_login(tx, service_username(client_id)) is not None:
        raise conflict(f"a user {service_username(client_id)} already exists; choose another client id")
    return service_user(tx, client_id).id
