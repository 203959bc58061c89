"""``docs/reference/access.md``, made of what the program declares: ``python -m modelyard.access_reference``."""

import sys
from collections.abc import Iterable

from modelyard.bootstrap import build_application
from modelyard.core.access.permissions import PLATFORM_ROLES, ROLE_PERMISSIONS, WORKSPACE_ROLES, Permission, Role
from modelyard.dialects.wallaroo import inference_reference
from modelyard.dialects.wallaroo.graphql.mutations import MUTATIONS
from modelyard.dialects.wallaroo.graphql.queries import QUERIES
from modelyard.settings import Settings
from modelyard.web.routing import access_table

_HEAD = """\
# Who may do what

This page is made of the program's own declarations; a test keeps it up to date, and another one calls every route and
every GraphQL field as everybody and holds the answers against a table written by hand (`tests/access/`).

Every route declares one permission, and the server does not start with a route that declares none. The permission is
asked for in the use-case behind the route, so that all ways to a thing (REST, GraphQL, inference, logs) decide alike.
An answer whose declared permission was not asked for does not leave the server.

- Without a valid access token every call that is not public answers 401.
- What you may not even see answers exactly like what does not exist: 404, `null`, or a list without it.
- What you may see but not do answers 403.

"""
_ROLES = """\
## Roles

A user has one role on the platform, and one in each workspace they are a member of. Administrators hold every
permission everywhere. `INFERENCE` is the role of clients that act for themselves (`client_credentials`).

"""
_ROUTES = """\
## Routes

"""
_FIELDS = """\
## GraphQL

`POST /v1/graphql` itself needs `platform.signed_in`, also for introspection. Its fields need:

"""


def page() -> str:
    """The page, in Markdown."""
    return (
        f"{_HEAD}{_ROLES}{_roles('On the platform', PLATFORM_ROLES)}\n{_roles('In a workspace', WORKSPACE_ROLES)}\n"
        f"{_ROUTES}{_table(('Route', 'Permission'), _routes())}\n"
        f"{_FIELDS}{_table(('Field', 'Permission'), _fields())}"
    )


def _roles(title: str, roles: Iterable[Role]) -> str:
    columns = sorted(roles, key=lambda role: -len(ROLE_PERMISSIONS[role]))
    rows = [
        (f"`{permission}`", *("yes" if permission in ROLE_PERMISSIONS[role] else "" for role in columns))
        for permission in Permission
        if any(permission in ROLE_PERMISSIONS[role] for role in columns)
    ]
    return _table((title, *columns), rows)


def _routes() -> list[tuple[str, str]]:
    routes = access_table(build_application(Settings(), "reference").router.routes)
    inference = ("POST", inference_reference.PATH, str(Permission.PIPELINE_INFER))
    by_path = sorted([*routes, inference], key=lambda row: (row[1], row[0]))
    return [(f"`{method} {path}`", needs if needs == "public" else f"`{needs}`") for method, path, needs in by_path]


def _fields() -> list[tuple[str, str]]:
    return [(f"`{name}`", f"`{field.permission}`") for name, field in (QUERIES | MUTATIONS).items()]


def _table(head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [tuple(head), *rows]
    rule = "|" + "---|" * len(lines[0])
    text = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([text[0], rule, *text[1:]]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
