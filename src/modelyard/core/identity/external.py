"""Users whom an external issuer vouches for: found by issuer and subject, made at their first token.

An e-mail address alone never opens an account: see ``Admission.link_verified_email``.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from modelyard.core.access.grants import Grant, ResourceType
from modelyard.core.access.permissions import Role
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import plain, record
from modelyard.core.identity.entities import Credential, ExternalIdentity, User
from modelyard.core.identity.groups import sync_groups
from modelyard.core.identity.users import (
    NewUser,
    add_user,
    find_by_login,
    normalized,
    platform_roles,
    record_change,
    set_platform_role,
)
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid
from modelyard.core.kernel.store import Topic, Tx

_SEEN = timedelta(hours=1)
_WISH_MAX = 200  # leaves room for the suffix
_RESERVED = "service-account-"  # the accounts of clients: found by this name, so nobody else may bear it


@dataclass(frozen=True, slots=True)
class ExternalPerson:
    """What a verified token says of its user.

    ``usernames`` are wishes, the best first. ``verified_email`` is as accounts keep theirs; None unless the issuer
    says that it checked it.
    """

    issuer: str
    subject: str
    usernames: tuple[str, ...]
    verified_email: str | None
    first_name: str
    last_name: str
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class Admission:
    """What the operator decided for one issuer.

    ``link_verified_email`` lets a person into an existing account with the same e-mail address: the issuer is then
    trusted with all accounts that have one. ``admin_groups`` None leaves the role of administrator alone.
    """

    create_users: bool = True
    link_verified_email: bool = False
    admin_groups: frozenset[str] | None = None


def admit(tx: Tx, person: ExternalPerson, admission: Admission) -> User:
    """The account of the person; asks no permission, for it is how a caller comes to be known.

    ``UNAUTHENTICATED`` when there is none and none may be made, or when it is disabled here.
    """
    identity = tx.first(ExternalIdentity, issuer=person.issuer, subject=person.subject)
    user = tx.get(User, identity.user_id) if identity else _joined(tx, person, admission)
    if user is None or not user.enabled:
        raise _refused("the user of this token no longer exists or is disabled")
    actor = Actor(user.id, user.username)
    seen_anew = identity is not None and tx.now - identity.last_seen_at >= _SEEN
    if identity and seen_anew:
        tx.update(ExternalIdentity, identity.id, lambda known: replace(known, last_seen_at=tx.now))
        tx.update(User, user.id, lambda known: replace(known, last_login_at=tx.now))
    if admission.admin_groups is not None:
        _settle_admin(tx, actor, user, wanted=bool(admission.admin_groups & person.groups))
    sync_groups(tx, actor, person.issuer, person.groups)
    if identity is None or seen_anew:
        record(tx, actor, Action.LOGIN, "user", user.id, **_origin(person))
    return user


def refuse_managed(tx: Tx, user: User) -> None:
    """``INVALID`` for a user who is kept by an external issuer: what is changed here would not be so there."""
    identity = tx.first(ExternalIdentity, user_id=user.id)
    if identity is not None:
        raise invalid(f"{user.username} is managed by the external issuer {identity.issuer}; change the user there")


def _joined(tx: Tx, person: ExternalPerson, admission: Admission) -> User:
    """An account that is new to the issuer: an existing one where that is allowed, else a new one."""
    user = _same_email(tx, person) if admission.link_verified_email else None
    if user is None and not admission.create_users:
        raise _refused("its user is not known here, and users of this issuer are not made by themselves")
    action = Action.USER_INVITE if user is None else Action.USER_LINK
    user = user or add_user(tx, _new_user(tx, person))
    tx.insert(ExternalIdentity(0, person.issuer, person.subject, user.id, tx.now, tx.now))
    record(tx, Actor(user.id, user.username), action, "user", user.id, username=user.username, **_origin(person))
    return tx.update(User, user.id, lambda known: replace(known, last_login_at=tx.now))


def _origin(person: ExternalPerson) -> dict[str, Any]:
    return {"issuer": person.issuer, "subject": plain(person.subject)}


def _same_email(tx: Tx, person: ExternalPerson) -> User | None:
    """The account with the person's e-mail address, unless it is a client's or another person's of this issuer."""
    user = tx.first(User, email=person.verified_email, service=False) if person.verified_email else None
    if user is None or tx.values(ExternalIdentity, ("id",), issuer=person.issuer, user_id=user.id):
        return None
    return user


def _new_user(tx: Tx, person: ExternalPerson) -> NewUser:
    """An address that another account answers to stays with that account."""
    email = person.verified_email
    free = email is not None and find_by_login(tx, email) is None
    username = _free_username(tx, person)
    return NewUser(username, email if free else None, None, first_name=person.first_name, last_name=person.last_name)


def _free_username(tx: Tx, person: ExternalPerson) -> str:
    """The first usable wish; with a suffix of the person's own when another account answers to it."""
    digest = hashlib.sha256(f"{person.issuer}\0{person.subject}".encode()).hexdigest()
    name = next((usable for wish in person.usernames if (usable := _usable(wish))), f"user-{digest[:16]}")
    if find_by_login(tx, name) or name.startswith(_RESERVED):
        return f"{name}-{digest[:8]}"
    return name


def _usable(wish: str) -> str | None:
    try:
        name = normalized("username", wish)
    except DomainError:
        return None
    return name if len(name) <= _WISH_MAX else None


def _settle_admin(tx: Tx, actor: Actor, user: User, *, wanted: bool) -> None:
    """Make the role of administrator follow the person's groups, but never take the last one's."""
    before = platform_roles(tx, user.id)
    admin = Role.ADMIN in before
    if wanted == admin or (admin and _is_last_admin(tx, user)):
        return
    set_platform_role(tx, user.id, Role.ADMIN if wanted else Role.USER)
    tx.touch(Topic.ACCESS)
    record_change(tx, actor, user, user, before)


def _is_last_admin(tx: Tx, user: User) -> bool:
    """Whether without this user nobody could administer, or nobody who needs no external issuer for it."""
    holders = [i for (i,) in tx.values(Grant, ("subject_id",), resource_type=ResourceType.PLATFORM, role=Role.ADMIN)]
    others = {i for (i,) in tx.values(User, ("id",), id=holders, enabled=True)} - {user.id}
    local = {i for (i,) in tx.values(Credential, ("user_id",), user_id=[*others, user.id])}
    return not others or (user.id in local and not others & local)


def _refused(why: str) -> DomainError:
    return DomainError(ErrorKind.UNAUTHENTICATED, f"the bearer token was refused: {why}")
