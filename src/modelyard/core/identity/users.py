"""Users: who they are, whether they may sign in, and their roles on the platform."""

import unicodedata
from dataclasses import dataclass, replace
from typing import Any

from modelyard.core.access.check import require_platform
from modelyard.core.access.grants import PLATFORM_ID, Grant, ResourceType, new_grant
from modelyard.core.access.permissions import Permission, Role
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.identity.access_tokens import live_scopes
from modelyard.core.identity.entities import (
    AccessToken,
    Credential,
    ExternalIdentity,
    Membership,
    OAuthClient,
    ServiceAccount,
    Session,
    User,
)
from modelyard.core.identity.groups import subjects_of
from modelyard.core.identity.throttle import digests, forgive
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind, conflict, failed_precondition, invalid, not_found
from modelyard.core.kernel.ids import new_uuid
from modelyard.core.kernel.store import Contains, Topic, Tx

_NAME_MAX = 255
_CHANGEABLE = ("email", "first_name", "last_name", "enabled")
_PASSWORD_MIN, _PASSWORD_MAX = 8, 1024
_COMMON = frozenset(
    """password password1 password123 12345678 123456789 1234567890 qwertyui qwerty123 letmein1 iloveyou adminadmin
    administrator changeme changeme1 welcome1 password1234 trustno1 abc12345 passw0rd p@ssw0rd""".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class NewUser:
    """Who to add. ``password_hash`` None makes a user who cannot sign in with a password."""

    username: str
    email: str | None
    password_hash: str | None
    roles: tuple[Role, ...] = (Role.USER,)
    first_name: str = ""
    last_name: str = ""
    service: bool = False
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """What of a user can be changed; None leaves it as it is."""

    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    enabled: bool | None = None
    admin: bool | None = None


def invite_user(tx: Tx, actor: Actor, new: NewUser) -> User:
    """Add a user."""
    require_platform(actor, Permission.USERS_MANAGE)
    user = add_user(tx, new)
    record(tx, actor, Action.USER_INVITE, "user", user.id, username=user.username, roles=sorted(new.roles))
    return user


def add_user(tx: Tx, new: NewUser) -> User:
    """Add a user without asking who wants it: for the first start, and behind ``invite_user``."""
    username = normalized("username", new.username)
    email = normalized("e-mail address", new.email) if new.email else None
    for taken in {username, email} - {None}:
        if find_by_login(tx, str(taken)):
            raise conflict(f"a user {taken} already exists", username=taken)
    user = User(
        new_uuid(), username, email, new.first_name, new.last_name, True, new.service, tx.now, last_login_at=None
    )
    tx.insert(user)
    if new.password_hash:
        tx.insert(Credential(user.id, new.password_hash, tx.now, new.temporary))
    for role in new.roles:
        tx.insert(new_grant(user.id, ResourceType.PLATFORM, PLATFORM_ID, role, tx.now))
    tx.touch(Topic.ACCESS)
    return user


def find_users(  # the filters of one list
    tx: Tx,
    actor: Actor,
    *,
    ids: list[str] | None = None,
    email: str | None = None,
    username: str | None = None,
    search: str | None = None,
) -> list[User]:
    """Users who satisfy all that is given, by age.

    Service accounts only to administrators, and to those who know their ids: as members of a workspace they have
    names for all.
    """
    require_platform(actor, Permission.USERS_READ)
    where: dict[str, Any] = {} if is_admin(actor) or ids is not None else {"service": False}
    if ids is not None:
        where["id"] = ids
    if email is not None:
        where["email"] = Contains(email)
    if username is not None:
        where["username"] = Contains(username)
    found = tx.find(User, order_by="created_at", **where)
    if search:
        text = search.lower()
        found = [u for u in found if any(text in part.lower() for part in _searched(u))]
    exact = {(email or "").lower(), (username or "").lower()} - {""}
    return sorted(found, key=lambda u: u.email not in exact and u.username not in exact)


def get_user(tx: Tx, actor: Actor, user_id: str) -> User:
    """One user by id."""
    require_platform(actor, Permission.USERS_READ)
    user = tx.get(User, user_id)
    if user is None or (user.service and not is_admin(actor)):
        raise not_found("user", user_id)
    return user


def user_named(tx: Tx, actor: Actor, login: str) -> User:
    """The user with this username or e-mail address."""
    require_platform(actor, Permission.USERS_READ)
    user = find_by_login(tx, login)
    if user is None:
        raise not_found("user", login)
    return user


def change_user(tx: Tx, actor: Actor, user_id: str, profile: Profile) -> User:
    """Change a user. Nobody disables or demotes himself, and the last administrator stays."""
    require_platform(actor, Permission.USERS_MANAGE)
    before, roles = tx.get(User, user_id), platform_roles(tx, user_id)
    if before is None:
        raise not_found("user", user_id)
    if profile.enabled is False or profile.admin is False:
        _refuse_lockout(tx, actor, user_id)
    if profile.admin is not None:
        set_platform_role(tx, user_id, Role.ADMIN if profile.admin else Role.USER)
    tx.touch(Topic.ACCESS)
    after = tx.update(User, user_id, lambda user: _changed(tx, user, profile))
    record_change(tx, actor, before, after, roles)
    return after


def delete_user(tx: Tx, actor: Actor, user_id: str) -> None:
    """Remove a user with their password, sessions, memberships and grants; what they made stays.

    Nobody removes himself, nor the last administrator, nor the account of a client. The id is never used again, so
    that nobody inherits what was the user's.
    """
    require_platform(actor, Permission.USERS_MANAGE)
    user = tx.get(User, user_id)
    if user is None:
        raise not_found("user", user_id)
    _refuse_lockout(tx, actor, user_id)
    client = tx.first(OAuthClient, service_user_id=user_id)
    if client is not None:
        raise failed_precondition(f"this is the account of the client {client.id}; delete the client instead")
    for kind in (Credential, ExternalIdentity, Session, Membership, AccessToken, ServiceAccount):
        tx.delete(kind, user_id=user_id)
    tx.change(ServiceAccount, {"owner_id": None}, owner_id=user_id)
    tx.delete(Grant, subject_id=user_id)
    tx.delete(User, id=user_id)
    tx.touch(Topic.ACCESS)
    record(tx, actor, Action.USER_DELETE, "user", user_id, username=user.username)


def change_password(tx: Tx, actor: Actor, user_id: str, password_hash: str) -> None:
    """Give oneself a new password, or as an administrator anybody."""
    require_platform(actor, Permission.SIGNED_IN)
    if user_id != actor.user_id:
        require_platform(actor, Permission.USERS_MANAGE)
    replace_password(tx, actor, user_id, password_hash)


def set_password(tx: Tx, actor: Actor, user_id: str, password_hash: str, *, temporary: bool = False) -> None:
    """Give a user a new password; nobody waits any more for failures with the old one."""
    require_platform(actor, Permission.USERS_MANAGE)
    replace_password(tx, actor, user_id, password_hash, temporary=temporary)


def replace_password(tx: Tx, actor: Actor, user_id: str, password_hash: str, *, temporary: bool = False) -> None:
    """Replace a password without asking who wants it: behind the two use-cases above."""
    user = tx.get(User, user_id)
    if user is None:
        raise not_found("user", user_id)
    if user.service:
        raise failed_precondition(
            f"{user.username} is a service account: it signs in by token or client, not by password"
        )
    tx.delete(Credential, user_id=user_id)
    tx.insert(Credential(user_id, password_hash, tx.now, temporary))
    forgive(tx, digests(user.username, user.email))
    tx.touch(Topic.ACCESS)
    record(tx, actor, Action.USER_PASSWORD, "user", user_id, username=user.username, temporary=temporary)


def temporary_password(tx: Tx, user_id: str) -> Credential | None:
    """The user's password if it opens nothing but the choice of another one; asks for no permission."""
    found = tx.get(Credential, user_id)
    return found if found is not None and found.temporary else None


def choose_password(tx: Tx, actor: Actor, temporary: Credential, password_hash: str) -> None:
    """Replace one's temporary password, which was proved to be known.

    ``FAILED_PRECONDITION`` when it was replaced meanwhile, or its user may not sign in any more.
    """
    user = tx.get(User, actor.user_id)
    if user is None or not user.enabled or temporary_password(tx, actor.user_id) != temporary:
        raise failed_precondition("the temporary password does not count any more; sign in again")
    replace_password(tx, actor, actor.user_id, password_hash)


def password_of(tx: Tx, actor: Actor, user_id: str) -> Credential | None:
    """The user's password as it is kept, None when there is none. Its hash is not to be shown."""
    require_platform(actor, Permission.USERS_MANAGE)
    get_user(tx, actor, user_id)
    return tx.get(Credential, user_id)


def remove_password(tx: Tx, actor: Actor, user_id: str) -> None:
    """Take a user's password away: they sign in by other means or not at all. Nobody takes their own."""
    if password_of(tx, actor, user_id) is None:
        raise not_found("password of user", user_id)
    _refuse_lockout(tx, actor, user_id)
    tx.delete(Credential, user_id=user_id)
    tx.touch(Topic.ACCESS)
    username = get_user(tx, actor, user_id).username
    record(tx, actor, Action.USER_PASSWORD, "user", user_id, username=username, removed=True)


def rehash(tx: Tx, user_id: str, old_hash: str, new_hash: str) -> None:
    """Replace a hash made with older parameters, unless the password was changed meanwhile."""
    credential = tx.get(Credential, user_id)
    if credential is not None and credential.password_hash == old_hash:
        tx.update(Credential, user_id, lambda c: replace(c, password_hash=new_hash))


def set_platform_role(tx: Tx, user_id: str, role: Role) -> None:
    """Make this the user's role on the platform."""
    tx.delete(Grant, subject_id=user_id, resource_type=ResourceType.PLATFORM)
    tx.insert(new_grant(user_id, ResourceType.PLATFORM, PLATFORM_ID, role, tx.now))


def record_change(tx: Tx, actor: Actor, before: User, after: User, roles_before: frozenset[str]) -> None:
    """Record what changed of a user, each from what to what; the entry is named after the gravest of it.

    There is none where nothing changed.
    """
    roles = platform_roles(tx, after.id)
    pairs = {name: [getattr(before, name), getattr(after, name)] for name in _CHANGEABLE}
    pairs["roles"] = [sorted(roles_before), sorted(roles)]
    changes = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    if "roles" in changes:
        action = Action.USER_ROLE
    elif "enabled" in changes:
        action = Action.USER_ENABLE if after.enabled else Action.USER_DISABLE
    else:
        action = Action.USER_CHANGE
    if changes:
        record(tx, actor, action, "user", after.id, username=after.username, changes=changes)


def find_by_login(tx: Tx, login: str) -> User | None:
    """The user with this username, else with this e-mail address."""
    name = login_form(login)
    return tx.first(User, username=name) or tx.first(User, email=name)


def find_user(tx: Tx, login_or_id: str) -> User | None:
    """The user with this id, else with this username or e-mail address: an id cannot be taken by naming oneself so."""
    return tx.get(User, login_or_id) or find_by_login(tx, login_or_id)


def login_form(login: str) -> str:
    """What somebody typed for a name, as names are kept."""
    return unicodedata.normalize("NFC", login).strip().lower()


def load_actor(tx: Tx, user_id: str, client_id: str | None, token_id: str | None = None) -> Actor:
    """The user as the caller of use-cases, within the scopes of the personal access token in use, if any.

    ``UNAUTHENTICATED`` when the user is gone or disabled, or the token is gone, revoked or expired.
    """
    scopes = live_scopes(tx, token_id) if token_id is not None else None
    user = tx.get(User, user_id)
    if user is None or not user.enabled:
        raise DomainError(ErrorKind.UNAUTHENTICATED, "the user of this token no longer exists or is disabled")
    roles = platform_roles(tx, user_id)
    return Actor(user.id, user.username, user.email, client_id, roles, subjects_of(tx, user_id), scopes)


def platform_roles(tx: Tx, user_id: str) -> frozenset[str]:
    """The roles the user holds on the platform as a whole."""
    rows = tx.values(Grant, ("role",), subject_id=user_id, resource_type=ResourceType.PLATFORM)
    return frozenset(role for (role,) in rows)


def is_admin(actor: Actor) -> bool:
    """Whether the actor administers the platform."""
    return Role.ADMIN in actor.platform_roles


def check_password(password: str, username: str, email: str | None) -> str:
    """The password in its normal form, or ``INVALID`` with the rule it breaks."""
    normal = unicodedata.normalize("NFC", password)
    if "\0" in normal or not _PASSWORD_MIN <= len(normal) <= _PASSWORD_MAX:
        raise invalid(f"the password must have {_PASSWORD_MIN} to {_PASSWORD_MAX} characters, none of them NUL")
    if normal.lower() in _COMMON or normal.lower() in {username.lower(), (email or "").lower()}:
        raise invalid("the password is too easy to guess; choose one that is not a common word or the user's name")
    return normal


def normalized(what: str, name: str) -> str:
    """A username or e-mail address as it is kept: NFC, lower case, no white space or control characters."""
    text = unicodedata.normalize("NFC", name).strip().lower()
    if not text or len(text) > _NAME_MAX or not text.isprintable() or any(c.isspace() for c in text):
        raise invalid(f"{what} {name[:60]!r} is not allowed: 1 to {_NAME_MAX} printable characters without spaces")
    return text


def _searched(user: User) -> tuple[str, ...]:
    return user.username, user.email or "", user.first_name, user.last_name


def _changed(tx: Tx, user: User, profile: Profile) -> User:
    email = user.email
    if profile.email is not None:
        email = normalized("e-mail address", profile.email) if profile.email else None
        other = find_by_login(tx, email) if email else None
        if other is not None and other.id != user.id:
            raise conflict(f"a user {email} already exists")
    return replace(
        user,
        email=email,
        first_name=user.first_name if profile.first_name is None else profile.first_name,
        last_name=user.last_name if profile.last_name is None else profile.last_name,
        enabled=user.enabled if profile.enabled is None else profile.enabled,
    )


def _refuse_lockout(tx: Tx, actor: Actor, user_id: str) -> None:
    if actor.user_id == user_id:
        raise failed_precondition("you cannot disable, demote, delete or shut out yourself; ask another administrator")
    admins = [i for (i,) in tx.values(Grant, ("subject_id",), resource_type=ResourceType.PLATFORM, role=Role.ADMIN)]
    if {row[0] for row in tx.values(User, ("id",), id=admins, enabled=True)} == {user_id}:
        raise failed_precondition("this is the last administrator; make another one first")
