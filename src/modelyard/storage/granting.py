"""Access inside a query: the rules of ``core.access.check`` as SQL."""

from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, String, Table, and_, cast, exists, func, literal, or_, select
from sqlalchemy.sql import bindparam

from modelyard.core.access.grants import ResourceType
from modelyard.core.kernel.actor import EVERYONE
from modelyard.core.kernel.store import Covering, Granted
from modelyard.storage.schema import TABLES, grants

NAMED = grants.c.subject_id != EVERYONE
"""Grants to somebody in particular."""

_NOWHERE = "0"  # the workspace that ``require`` is told for what stands in none

_BY_NAME = {kind.__name__: table for kind, table in TABLES.items()}


def condition(table: Table, name: str, granted: Granted) -> ColumnElement[bool]:
    """Rows for which the rules say yes; ``managers``, ``roles`` and ``denials`` are those of the permission asked."""
    if granted.parent is not None:
        kind, field = granted.parent
        above = _BY_NAME[kind]
        return table.c[field].in_(select(above.c.id).where(condition(above, name, replace(granted, parent=None))))
    place = literal(_NOWHERE) if granted.scope is None else cast(table.c[granted.scope], String)
    scope = (place, str(ResourceType.WORKSPACE))
    managed, given_around, denied_around = (_has(*scope, name, roles) for roles in ("managers", "roles", "denials"))
    if granted.own is None:
        return or_(managed, and_(given_around, ~denied_around))
    own = (_joined(table, granted.own[1]), str(granted.own[0]))
    denied, given, given_named = (
        _has(*own, name, "denials"),
        _has(*own, name, "roles"),
        _has(*own, name, "roles", NAMED),
    )
    lesser = and_(or_(given_around, given), or_(~denied_around, _has(*own, name, None, NAMED)))
    return or_(managed, and_(~denied, or_(given_named, lesser)))


def covering(name: str, wanted: Covering) -> ColumnElement[bool]:
    """Grants on one of the resources, by id or by pattern."""
    each = []
    for kind in wanted.resources:
        key = bindparam(f"{name}_{kind}", type_=String)
        each.append(and_(grants.c.resource_type == literal(str(kind)), or_(grants.c.resource_id == key, _covers(key))))
    return or_(*each)


def shape(value: Granted | Covering) -> object:
    """What of a condition decides the SQL text."""
    return (
        (Granted, value.own, value.scope, value.parent)
        if isinstance(value, Granted)
        else (Covering, tuple(value.resources))
    )


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


def _joined(table: Table, fields: tuple[str, ...]) -> ColumnElement[str]:
    """The resource id that the fields make."""
    key: ColumnElement[str] = cast(table.c[fields[0]], String)
    for field in fields[1:]:
        key = key + literal("/") + table.c[field]
    return key


def _covers(key: ColumnElement[str]) -> ColumnElement[bool]:
    """The grant is a pattern that the key fits."""
    return and_(grants.c.prefix.is_not(None), func.substr(key, 1, func.length(grants.c.prefix)) == grants.c.prefix)


def _has(
    key: ColumnElement[str], kind: str, name: str, roles: str | None, *more: ColumnElement[bool]
) -> ColumnElement[bool]:
    """There is such a grant on the key: by its id, found once for all rows, or by a pattern, of which few exist."""
    found = select(grants.c.resource_id).where(
        grants.c.subject_id.in_(bindparam(f"{name}_subjects", expanding=True)),
        grants.c.resource_type == literal(kind),
        *more,
    )
    if roles:
        found = found.where(grants.c.role.in_(bindparam(f"{name}_{roles}", expanding=True)))
    return or_(key.in_(found), exists(found.where(_covers(key))))
