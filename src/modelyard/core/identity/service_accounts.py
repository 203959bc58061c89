"""Service accounts: users that are programs. They use access tokens or an OAuth client, never a password."""

import re
from dataclasses import dataclass
from typing import Any

from modelyard.core.access.check import require_platform
from modelyard.core.access.grants import Grant, ResourceType
from modelyard.core.access.permissions import PLATFORM_ROLES, Permission, Role
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.identity.access_tokens import may_manage
from modelyard.core.identity.clients import GrantType, new_client
from modelyard.core.identity.entities import AccessToken, Membership, OAuthClient, ServiceAccount, Session, User
from modelyard.core.identity.users import NewUser, add_user, find_user, platform_roles
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import conflict, failed_precondition, invalid, not_found
from modelyard.core.kernel.store import Topic, Tx

_NAME = re.compile(r"[a-z0-9]([-._a-z0-9]{0,61}[a-z0-9])?")
_DESCRIPTION_MAX = 1000


@dataclass(frozen=True, slots=True)
class NewServiceAccount:
    """The account to make. ``owner`` is a login or an id, by default the maker's; ``role`` is one on the platform.

    With ``client_secret_hash`` the account has a confidential OAuth client of its name (grant client_credentials).
    """

    name: str
    description: str = ""
    owner: str | None = None
    role: str = Role.USER
    client_secret_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A service account with its user, its role, its owner's username and the id of its OAuth client."""

    user: User
    account: ServiceAccount
    role: str
    owner: str | None
    client_id: str | None


def create_service_account(tx: Tx, actor: Actor, new: NewServiceAccount) -> Shown:
    """Make a service account."""
    require_platform(actor, Permission.USERS_MANAGE)
    if not _NAME.fullmatch(new.name):
        raise invalid(
            f"service account name {new.name[:60]!r} is not allowed: use 1 to 63 lower-case letters, digits and inner "
            "hyphens, dots and underscores"
        )
    if len(new.description) > _DESCRIPTION_MAX:
        raise invalid(f"the description is longer than {_DESCRIPTION_MAX} characters")
    role, owner = _role(new.role), _owner(tx, actor, new.owner)
    user = add_user(tx, NewUser(new.name, None, None, (role,), service=True))
    tx.insert(ServiceAccount(user.id, owner.id, new.description, actor.user_id, tx.now))
    if new.client_secret_hash is not None:
        _add_client(tx, user, new.client_secret_hash)
    given: dict[str, Any] = {"name": user.username, "role": role, "owner_id": owner.id}
    with_client = new.client_secret_hash is not None
    record(tx, actor, Action.SERVICE_ACCOUNT_CREATE, "user", user.id, **given, client=with_client)
    return _shown(tx, user)


def list_service_accounts(tx: Tx, actor: Actor) -> list[Shown]:
    """All service accounts, by age; also those of the clients that came with the server."""
    require_platform(actor, Permission.USERS_MANAGE)
    return [_shown(tx, user) for user in tx.find(User, order_by="created_at", service=True)]


def get_service_account(tx: Tx, actor: Actor, name_or_id: str) -> Shown:
    """One service account, by name or id."""
    require_platform(actor, Permission.USERS_MANAGE)
    return _shown(tx, _existing(tx, name_or_id))


def delete_service_account(tx: Tx, actor: Actor, name_or_id: str) -> None:
    """Remove a service account with its tokens, client, sessions and grants; what it made stays."""
    require_platform(actor, Permission.USERS_MANAGE)
    user = _existing(tx, name_or_id)
    if tx.get(ServiceAccount, user.id) is None:
        raise failed_precondition(f"{user.username} came with the server; disable it instead of deleting it")
    _keep_owners(tx, user)
    clients = [client_id for (client_id,) in tx.values(OAuthClient, ("id",), service_user_id=user.id)]
    tx.delete(Session, client_id=clients)
    for kind, condition in (
        (Session, {"user_id": user.id}),
        (AccessToken, {"user_id": user.id}),
        (OAuthClient, {"service_user_id": user.id}),
        (ServiceAccount, {"user_id": user.id}),
        (Membership, {"user_id": user.id}),
        (Grant, {"subject_id": user.id}),
        (User, {"id": user.id}),
    ):
        tx.delete(kind, **condition)
    tx.touch(Topic.ACCESS)
    record(tx, actor, Action.SERVICE_ACCOUNT_DELETE, "user", user.id, name=user.username)


def managed_account(tx: Tx, actor: Actor, name_or_id: str) -> str:
    """The id of a service account whose tokens the actor may manage: its owner or an administrator."""
    require_platform(actor, Permission.TOKENS_MANAGE)
    user = _existing(tx, name_or_id)
    if not may_manage(tx, actor, user.id):
        raise not_found("service account", name_or_id)
    return user.id


def _existing(tx: Tx, name_or_id: str) -> User:
    user = find_user(tx, name_or_id)
    if user is None or not user.service:
        raise not_found("service account", name_or_id)
    return user


def _shown(tx: Tx, user: User) -> Shown:
    account = tx.get(ServiceAccount, user.id) or ServiceAccount(user.id, None, "", user.id, user.created_at)
    owner = tx.get(User, account.owner_id) if account.owner_id else None
    client = tx.first(OAuthClient, service_user_id=user.id)
    role = min(platform_roles(tx, user.id), default="")
    return Shown(user, account, role, owner.username if owner else None, client.id if client else None)


def _owner(tx: Tx, actor: Actor, login_or_id: str | None) -> User:
    wanted = login_or_id or actor.user_id
    user = find_user(tx, wanted)
    if user is None or user.service:
        raise not_found("user", wanted)
    return user


def _role(name: str) -> Role:
    if name not in PLATFORM_ROLES:
        raise invalid(f"role {name[:40]!r} is unknown; use one of {', '.join(sorted(PLATFORM_ROLES))}")
    return Role(name)


def _add_client(tx: Tx, user: User, secret_hash: str) -> None:
    if tx.get(OAuthClient, user.username) is not None:
        raise conflict(f"an OAuth client {user.username} already exists; choose another name")
    tx.insert(new_client(tx, user.username, [GrantType.CLIENT_CREDENTIALS], secret_hash, user.id))


def _keep_owners(tx: Tx, user: User) -> None:
    for (workspace,) in tx.values(
        Grant, ("resource_id",), subject_id=user.id, resource_type=ResourceType.WORKSPACE, role=Role.OWNER
    ):
        where = {"resource_type": ResourceType.WORKSPACE, "resource_id": workspace, "role": Role.OWNER}
        if len(tx.find(Grant, **where)) == 1:
            message = f"{user.username} is the last owner of workspace {workspace}; make another one first"
            raise failed_precondition(message)
