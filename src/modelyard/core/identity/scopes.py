"""Scopes: what a personal access token may be used for, as sets of permissions.

A scope never adds a right: what counts is what the user may do and the scope lets through.
"""

from collections.abc import Collection
from enum import StrEnum

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.errors import invalid


class Scope(StrEnum):
    """``ALL`` what the user may; ``READ`` look at everything, change nothing; ``DEPLOY`` read, upload, deploy, infer;
    ``INFER`` send inference requests and nothing else; ``MLFLOW`` track experiments and register models."""

    ALL = "all"
    READ = "read"
    DEPLOY = "deploy"
    INFER = "infer"
    MLFLOW = "mlflow"


def _about(*subjects: str) -> set[Permission]:
    return {permission for permission in Permission if permission.partition(".")[0] in subjects}


_READ = {permission for permission in Permission if permission.endswith(".read")} | {Permission.SIGNED_IN}
_GATE = {Permission.SIGNED_IN, Permission.WORKSPACE_READ}

SCOPE_PERMISSIONS: dict[Scope, frozenset[Permission]] = {
    Scope.ALL: frozenset(Permission),
    Scope.READ: frozenset(_READ),
    Scope.DEPLOY: frozenset(_READ | _about("model", "pipeline") | {Permission.SECRET_USE}),
    Scope.INFER: frozenset({Permission.PIPELINE_INFER}),
    Scope.MLFLOW: frozenset(_GATE | _about("experiment", "run", "model")),
}


def known_scopes(names: Collection[str]) -> list[str]:
    """The scopes of these names, each once and in the order of ``Scope``; ``INVALID`` for none or an unknown one."""
    unknown = sorted(set(names) - set(Scope))
    if unknown or not names:
        wrong = f"scope {unknown[0][:40]!r} is unknown" if unknown else "a token needs at least one scope"
        raise invalid(f"{wrong}; use some of {', '.join(Scope)}")
    return [str(scope) for scope in Scope if scope in names]


def permissions_in(names: Collection[str]) -> frozenset[str] | None:
    """What the scopes let through together; None for everything. Unknown ones let nothing through."""
    if Scope.ALL in names:
        return None
    known = [SCOPE_PERMISSIONS[Scope(name)] for name in names if name in set(Scope)]
    return frozenset(str(permission) for permissions in known for permission in permissions)
