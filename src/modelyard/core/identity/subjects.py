"""Those whom grants name, as people write them: ``user:ada``, ``group:engineers``, ``role:auditor``, ``everyone``."""

from modelyard.core.identity.entities import Group, User
from modelyard.core.identity.groups import GroupKind
from modelyard.core.identity.users import find_user
from modelyard.core.kernel.actor import EVERYONE
from modelyard.core.kernel.errors import conflict, invalid, not_found
from modelyard.core.kernel.names import number_in
from modelyard.core.kernel.store import Tx

_USER = "user"
_SHOWN = 80


def subject_named(tx: Tx, text: str) -> str:
    """The subject id; without a word in front a user is meant. Asks for no permission."""
    if text == EVERYONE:
        return EVERYONE
    word, separator, name = text.partition(":")
    if not separator or word == _USER:
        return user_with(tx, name or text).id
    if word not in set(GroupKind):
        raise invalid(f"subject {text[:_SHOWN]!r} is not understood: use user:NAME, group:NAME, role:NAME or everyone")
    return group_named(tx, GroupKind(word), name).subject_id


def user_with(tx: Tx, login: str) -> User:
    """The user with this username, e-mail address or id; asks for no permission."""
    found = find_user(tx, login)
    if found is None:
        raise not_found("user", login[:_SHOWN])
    return found


def group_named(tx: Tx, kind: GroupKind, name: str) -> Group:
    """The group or custom role with this number or name; ``CONFLICT`` for a name of several. Asks for no permission."""
    number = number_in(name)
    numbered = tx.get(Group, number) if number is not None else None
    if numbered is not None and numbered.kind == kind:
        return numbered
    found = tx.find(Group, kind=str(kind), name=name)
    if not found:
        raise not_found(kind, name[:_SHOWN])
    if len(found) > 1:
        numbers = ", ".join(str(group.id) for group in found)
        raise conflict(f"there are several of the name {name[:_SHOWN]}: say which by its number, one of {numbers}")
    return found[0]


def subject_names(tx: Tx, ids: set[str]) -> dict[str, str]:
    """How people write these subjects."""
    names = {user.id: f"{_USER}:{user.username}" for user in tx.find(User, id=ids)}
    names |= {group.subject_id: group_name(group) for group in tx.find(Group, subject_id=ids)}
    return {subject_id: names.get(subject_id, subject_id) for subject_id in ids}


def group_name(group: Group) -> str:
    """How people write a group or custom role."""
    return f"{group.kind}:{group.name}"
