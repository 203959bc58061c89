"""OAuth clients, and what the first start creates."""

from dataclasses import dataclass
from enum import StrEnum

from modelyard.core.access.grants import Grant, ResourceType
from modelyard.core.access.permissions import Role
from modelyard.core.identity.entities import OAuthClient, User
from modelyard.core.identity.users import NewUser, add_user, find_by_login
from modelyard.core.kernel.store import Tx


class GrantType(StrEnum):
    """Ways to get a token (RFC 6749)."""

    PASSWORD = "password"  # noqa: S105  # the name of a grant
    REFRESH_TOKEN = "refresh_token"  # noqa: S105
    CLIENT_CREDENTIALS = "client_credentials"


SHIPPED = frozenset({"sdk-client", "sd-api", "admin-cli", "api-client"})
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
        add_user(tx, NewUser(first.admin_username, first.admin_email, first.admin_password_hash, roles))
    people = [GrantType.PASSWORD, GrantType.REFRESH_TOKEN]
    for client_id in ("sdk-client", "sd-api", "admin-cli"):
        _ensure_client(tx, client_id, None, people, None)
    if not has_client(tx, "api-client"):
        service = service_user(tx, "api-client")
        grants = [*people, GrantType.CLIENT_CREDENTIALS]
        _ensure_client(tx, "api-client", first.api_client_secret_hash, grants, service.id)


def _ensure_client(
    tx: Tx, client_id: str, secret_hash: str | None, grants: list[GrantType], service_user_id: str | None
) -> None:
    if not has_client(tx, client_id):
        tx.insert(OAuthClient(client_id, secret_hash, [str(g) for g in grants], service_user_id, tx.now))


def service_user(tx: Tx, client_id: str) -> User:
    """The account a client acts as by itself: it may infer, and nothing else."""
    name = service_username(client_id)
    return find_by_login(tx, name) or add_user(tx, NewUser(name, None, None, (Role.INFERENCE,), service=True))


def service_username(client_id: str) -> str:
    """The username of the account that a client of this id acts as."""
    return f"service-account-{client_id}".lower()
