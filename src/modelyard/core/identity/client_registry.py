"""Administrators keep the OAuth clients."""

import re
from dataclasses import dataclass, replace

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.identity.clients import GrantType, service_user
from modelyard.core.identity.entities import OAuthClient
from modelyard.core.identity.redirects import checked_uri
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import conflict, failed_precondition, invalid, not_found
from modelyard.core.kernel.store import Topic, Tx

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,254}")


@dataclass(frozen=True, slots=True)
class ClientChange:
    """What of a client can be chosen; None leaves it as it is."""

    grants: list[GrantType] | None = None
    redirect_uris: list[str] | None = None
    post_logout_uris: list[str] | None = None
    consent: bool | None = None


def list_clients(tx: Tx, actor: Actor, client_id: str | None = None) -> list[OAuthClient]:
    """All clients, or the one with this id, if there is one."""
    require_platform(actor, Permission.USERS_MANAGE)
    return tx.find(OAuthClient) if client_id is None else tx.find(OAuthClient, id=client_id)


def get_client(tx: Tx, actor: Actor, client_id: str) -> OAuthClient:
    """One client."""
    require_platform(actor, Permission.USERS_MANAGE)
    found = tx.get(OAuthClient, client_id)
    if found is None:
        raise not_found("client", client_id)
    return found


def register_client(tx: Tx, actor: Actor, client_id: str, secret_hash: str | None, chosen: ClientChange) -> OAuthClient:
    """Add a client; a public one without ``secret_hash``. Without a choice it may sign users in by browser only."""
    require_platform(actor, Permission.USERS_MANAGE)
    if not _ID.fullmatch(client_id):
        raise invalid(f"client id {client_id[:60]!r} is not allowed: 1 to 255 letters, digits and . _ - : @")
    if tx.get(OAuthClient, client_id) is not None:
        raise conflict(f"a client {client_id} already exists")
    grants = [str(GrantType.AUTHORIZATION_CODE), str(GrantType.REFRESH_TOKEN)]
    bare = OAuthClient(client_id, secret_hash, grants, [], [], False, None, created_at=tx.now)
    made = tx.insert(_changed(tx, bare, chosen))
    record(tx, actor, Action.CLIENT_CREATE, "client", client_id, grants=sorted(made.grants))
    return made


def change_client(tx: Tx, actor: Actor, client_id: str, chosen: ClientChange) -> OAuthClient:
    """Change a client. Tokens that it has stay good; a grant that it lost gives no further ones."""
    get_client(tx, actor, client_id)
    changed = tx.update(OAuthClient, client_id, lambda client: _changed(tx, client, chosen))
    record(tx, actor, Action.CLIENT_CHANGE, "client", client_id, grants=sorted(changed.grants))
    return changed


def set_client_secret(tx: Tx, actor: Actor, client_id: str, secret_hash: str) -> OAuthClient:
    """Give a confidential client another secret."""
    if get_client(tx, actor, client_id).secret_hash is None:
        raise failed_precondition(f"{client_id} is a public client: it has no secret")
    tx.touch(Topic.ACCESS)
    record(tx, actor, Action.CLIENT_SECRET, "client", client_id)
    return tx.update(OAuthClient, client_id, lambda client: replace(client, secret_hash=secret_hash))


def _changed(tx: Tx, client: OAuthClient, chosen: ClientChange) -> OAuthClient:
    grants = client.grants if chosen.grants is None else [str(grant) for grant in chosen.grants]
    acts_alone = GrantType.CLIENT_CREDENTIALS in grants
    if acts_alone and client.secret_hash is None:
        raise failed_precondition(f"{client.id} is a public client: it cannot act for itself (client_credentials)")
    service = client.service_user_id or (service_user(tx, client.id).id if acts_alone else None)
    return replace(
        client,
        grants=grants,
        redirect_uris=_checked(chosen.redirect_uris, client.redirect_uris),
        post_logout_uris=_checked(chosen.post_logout_uris, client.post_logout_uris),
        consent=client.consent if chosen.consent is None else chosen.consent,
        service_user_id=service,
    )


def _checked(chosen: list[str] | None, kept: list[str]) -> list[str]:
    return kept if chosen is None else [checked_uri(uri) for uri in dict.fromkeys(chosen)]
