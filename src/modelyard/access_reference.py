"""``docs/reference/access.md``, made of what the program declares: ``python -m modelyard.access_reference``."""

import sys
from collections.abc import Iterable

from modelyard.bootstrap import build_application
from modelyard.core.access.permissions import (
    LEVELS,
    PLATFORM_ROLES,
    ROLE_PERMISSIONS,
    WORKSPACE_ROLES,
    Permission,
    Role,
)
from modelyard.dialects.mlflow.scoring import protocol as mlflow_inference
from modelyard.dialects.open_inference.names import INFERENCE_PATHS
from modelyard.dialects.openai import protocol as openai_inference
from modelyard.dialects.seldon.inference import protocol as seldon_inference
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

- Who is not known (no valid access token, or for MLflow's routes no right password) gets 401 for every call that is
  not public.
- A token with scopes that leave a permission out gets 403 wherever it is asked for, whether the thing exists or not.
- What you may not even see answers exactly like what does not exist: 404, `null`, or a list without it.
- What you may see but not do answers 403.

"""
_ROLES = """\
## Roles

A user has one role on the platform, and one in each workspace they are a member of. Administrators hold every
permission everywhere, and no denial touches them. `INFERENCE` is the role of clients that act for themselves
(`client_credentials`).

"""
_LEVELS = """\
Levels can be granted on a workspace, an experiment, a model or a pipeline. Each holds what the one before it holds, as
far as it is about the thing: on a model, `EDIT` gives `model.edit` and not `pipeline.edit`. `DENY` and `NO_PERMISSIONS`
hold nothing and take away.

"""
_RULES = """\
## How it is decided

All dialects share one table of grants. A grant names a subject, an object and a role or level:

- Subjects are a user, a group (with all groups below it), a custom role, or everyone: who is signed in,
  but for accounts that hold `INFERENCE` alone.
- Objects are a workspace, an experiment, a registered model or a pipeline. An object that ends in `*` is a pattern and
  covers all that begin so; only administrators grant on patterns. The object need not exist; when a model or pipeline
  is deleted its grants go, when a registered model is renamed they go with it.
- What is inside a thing follows it: runs, artifacts and logged models their experiment, versions and tags their model,
  versions, deployments and logs their pipeline.

The first of these rules that applies decides about a thing:

1. A role on the platform holds the permission: yes.
2. `OWNER` or `MANAGE` on its workspace holds the permission: yes.
3. A grant on the thing itself denies: no, whatever other grants on it say.
4. A grant on the thing itself to somebody in particular (not to everyone) holds the permission: yes.
5. A grant on its workspace denies, and none on the thing itself speaks of somebody in particular: no.
6. A grant on its workspace holds the permission: yes.
7. A grant on the thing itself to everyone holds the permission: yes.
8. No.

Who makes a workspace owns it; who makes an experiment or registers a model has `MANAGE` on it. All experiments and
registered models of MLflow's clients stand in one workspace, which has no members at first. The setting
`default_permission` (`READ` unless set otherwise) is what everyone may do with those: the server keeps it as a grant to
everyone on all of them, to which rule 7 applies; `NO_PERMISSIONS` keeps none.

`modelyard access explain USER ACTION OBJECT` says which rule and which grant decide about somebody. See
[how to manage access](../howto/manage-access.md).

"""
_ROUTES = """\
## Routes

What a route names may need more than the route: `platform.signed_in` on `/api/v1/grants` and on
`…/users/permissions/grant`, for instance, and `experiment.manage` or another `….manage` on the object given there; and
`users.manage` to ask about others than oneself. `/ajax-api/2.0`, `/ajax-api/3.0` and `/api/3.0` are other names of
`/api/2.0`.

"""
_FIELDS = """\
## GraphQL

`POST /v1/graphql` itself needs `platform.signed_in`, also for introspection. Its fields need:

"""

_INFERENCE = (inference_reference.PATH, *seldon_inference.PATHS, mlflow_inference.PATH, *openai_inference.PATHS)
"""Served before the router."""


def page() -> str:
    """The page, in Markdown."""
    return (
        f"{_HEAD}{_ROLES}{_roles('On the platform', PLATFORM_ROLES)}\n{_roles('In a workspace', WORKSPACE_ROLES)}\n"
        f"{_LEVELS}{_roles('Level', LEVELS)}\n{_RULES}"
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
    inference = [("POST", path, str(Permission.PIPELINE_INFER)) for path in (*_INFERENCE, *INFERENCE_PATHS)]
    by_path = sorted([*routes, *inference], key=lambda row: (row[1], row[0]))
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
