"""OAuth clients, and what the first start creates."""

from dataclasses import dataclass, replace
from enum import StrEnum

from modelyard.core.access.grants import Grant, ResourceType
from modelyard.core.access.permissions import Role
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import SERVER, record
from modelyard.core.identity.entities import OAuthClient, User
from modelyard.core.identity.users import NewUser, add_user, find_by_login
from modelyard.core.kernel.store import Tx


class GrantType(StrEnum):
    """Ways to get a token (RFC 6749, RFC 8628)."""

    PASSWORD = "password"  # noqa: S105  # the name of a grant
    REFRESH_TOKEN = "refresh_token"  # noqa: S105
    CLIENT_CREDENTIALS = "client_credentials"
    AUTHORIZATION_CODE = "authorization_code"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


_PEOPLE = [GrantType.PASSWORD, GrantType.REFRESH_TOKEN]
_BROWSER = [GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN]
# Programs on a person's own machine listen on any free port of it (RFC 8252, section 7.3).
_LOOPBACK = ["http://127.0.0.1/callback", "http://[::1]/callback"]

_PUBLIC: dict[str, tuple[list[GrantType], list[str]]] = {
    "sdk-client": ([*_PEOPLE, GrantType.AUTHORIZATION_CODE, GrantType.DEVICE_CODE], _LOOPBACK),
    "sd-api": ([*_PEOPLE, GrantType.AUTHORIZATION_CODE], ["/seldon-deploy/auth/callback"]),
    "admin-cli": (_PEOPLE, []),
    "console": (_BROWSER, ["/console/callback"]),
}
"""Public clients by id: their grants, and where browsers may be sent back to."""

_ID_TOKENS_AS_BEARER = frozenset({"sd-api"})  # the Seldon SDK sends the ID token wherever it got one

SHIPPED = frozenset({*_PUBLIC, "api-client"})
"""The clients that come with the server."""


@dataclass(frozen=True, slots=True)
class FirstAccounts:
    """What must exist before anybody can sign in; secrets only as hashes."""

    admin_username: str
    admin_email: str
    admin_password_hash: str
    api_client_secret_hash: str


def has_admin(tx: Tx) -> bool:
    """Whether the platform has an administrator, enabled or not."""
    return tx.first(Grant, resource_type=ResourceType.PLATFORM, role=Role.ADMIN) is not None


def has_client(tx: Tx, client_id: str) -> bool:
    """Whether the OAuth client exists."""
    return tx.get(OAuthClient, client_id) is not None


def ensure_accounts(tx: Tx, first: FirstAccounts) -> None:
    """Create the administrator and the clients of the supported SDKs, as far as they are missing."""
    if not has_admin(tx):
        roles = (Role.ADMIN,)
        user = add_user(tx, NewUser(first.admin_username, first.admin_email, first.admin_password_hash, roles))
        record(tx, SERVER, Action.USER_INVITE, "user", user.id, username=user.username, roles=sorted(roles))
    ensure_public_clients(tx)
    if not has_client(tx, "api-client"):
        service = service_user(tx, "api-client")
        grants = [*_PEOPLE, GrantType.AUTHORIZATION_CODE, GrantType.DEVICE_CODE, GrantType.CLIENT_CREDENTIALS]
        tx.insert(new_client(tx, "api-client", grants, first.api_client_secret_hash, service.id))
        record(tx, SERVER, Action.CLIENT_CREATE, "client", "api-client", grants=sorted(grants))


def ensure_public_clients(tx: Tx) -> None:
    """Create the public clients that every server has, as far as they are missing; kept ones stay as they are."""
    for client_id, (grants, redirects) in _PUBLIC.items():
        if not has_client(tx, client_id):
            made = replace(new_client(tx, client_id, grants), redirect_uris=redirects, post_logout_uris=["/"])
            tx.insert(replace(made, id_tokens_as_bearer=client_id in _ID_TOKENS_AS_BEARER))
            record(tx, SERVER, Action.CLIENT_CREATE, "client", client_id, grants=sorted(grants))


def new_client(
    tx: Tx, client_id: str, grants: list[GrantType], secret_hash: str | None = None, service_user_id: str | None = None
) -> OAuthClient:
    """A client, not kept yet, without any place to send browsers to."""
    return OAuthClient(
        client_id,
        secret_hash,
        [str(g) for g in grants],
        [],
        [],
        False,
        service_user_id,
        tx.now,
        id_tokens_as_bearer=False,
    )


def service_user(tx: Tx, client_id: str) -> User:
    """The account a client acts as by itself: it may infer, and nothing else."""
    name = service_username(client_id)
    return find_by_login(tx, name) or add_user(tx, NewUser(name, None, None, (Role.INFERENCE,), service=True))


def service_username(client_id: str) -> str:
    """The username of the account that a client of this id acts as."""
    return f"service-account-{client_id}".lower()
