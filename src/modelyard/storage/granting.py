"""Access inside a query: the rules of ``core.access.check`` as SQL."""

from typing import Any

from sqlalchemy import ColumnElement, Select, String, Table, and_, cast, exists, func, literal, or_, select
from sqlalchemy.sql import bindparam

from modelyard.core.access.grants import ResourceType
from modelyard.core.kernel.store import Covering, Granted
from modelyard.storage.schema import grants


def condition(table: Table, name: str, granted: Granted) -> ColumnElement[bool]:
    """Rows whose workspace or own grants give what is asked for and whose own grants do not deny it."""
    scope = cast(table.c[granted.scope], String)
    around = and_(_within(scope, name, "roles"), ~_within(scope, name, "denials"))
    if granted.own is None:
        return or_(_within(scope, name, "managers"), around)
    kind, fields = granted.own
    key: ColumnElement[str] = cast(table.c[fields[0]], String)
    for field in fields[1:]:
        key = key + literal("/") + table.c[field]
    denied, given = _own(key, kind, name, "denials"), _own(key, kind, name, "roles")
    lesser = and_(_within(scope, name, "roles"), or_(~_within(scope, name, "denials"), _own(key, kind, name, None)))
    return or_(_within(scope, name, "managers"), and_(~denied, or_(given, lesser)))


def covering(name: str, wanted: Covering) -> ColumnElement[bool]:
    """Grants on one of the resources, by id or by pattern."""
    each = []
    for kind in wanted.resources:
        key = bindparam(f"{name}_{kind}", type_=String)
        covers = and_(
            grants.c.prefix.is_not(None), func.substr(key, 1, func.length(grants.c.prefix)) == grants.c.prefix
        )
        each.append(and_(grants.c.resource_type == literal(str(kind)), or_(grants.c.resource_id == key, covers)))
    return or_(*each)


def shape(value: Granted | Covering) -> object:
    """What of a condition decides the SQL text."""
    return (Granted, value.own, value.scope) if isinstance(value, Granted) else (Covering, tuple(value.resources))


def parameters(name: str, value: Granted | Covering) -> dict[str, Any]:
    """What of a condition is sent with the SQL text."""
    if isinstance(value, Covering):
        return {f"{name}_{kind}": key for kind, key in value.resources.items()}
    return {
        f"{name}_subjects": list(value.subjects),
        f"{name}_roles": list(value.roles),
        f"{name}_denials": list(value.denials),
        f"{name}_managers": list(value.managers),
    }


def _covers(key: ColumnElement[str]) -> ColumnElement[bool]:
    """The grant is a pattern that the key fits."""
    return and_(grants.c.prefix.is_not(None), func.substr(key, 1, func.length(grants.c.prefix)) == grants.c.prefix)


def _of(kind: str, name: str, roles: str | None) -> Select[Any]:
    found = select(grants.c.resource_id).where(
        grants.c.subject_id.in_(bindparam(f"{name}_subjects", expanding=True)),
        grants.c.resource_type == literal(str(kind)),
    )
    return found.where(grants.c.role.in_(bindparam(f"{name}_{roles}", expanding=True))) if roles else found


def _within(scope: ColumnElement[str], name: str, roles: str) -> ColumnElement[bool]:
    return scope.in_(_of(ResourceType.WORKSPACE, name, roles))


def _own(key: ColumnElement[str], kind: str, name: str, roles: str | None) -> ColumnElement[bool]:
    """There is a grant on the thing itself: by its id, found once for all rows, or by a pattern, of which few exist."""
    patterns = _of(kind, name, roles).where(_covers(key))
    return or_(key.in_(_of(kind, name, roles)), exists(patterns))
