"""The oracle and the program agree on every role and permission; one flipped entry on either side would show."""

import pytest
from oracle import EVERYBODY, PERMISSIONS, allowed
from test_matrix import ROUTES

from modelyard.bootstrap import build_application
from modelyard.core.access.permissions import ROLE_PERMISSIONS, Permission, Role
from modelyard.settings import Settings
from modelyard.web.routing import access_table

_CALLERS = {
    Role.ADMIN: "admin",
    Role.USER: "stranger",
    Role.OWNER: "owner",
    Role.COLLABORATOR: "editor",
    Role.READER: "reader",
    Role.INFERENCE: "service",
    Role.READ: "granted reader",
    Role.USE: "granted user",
    Role.EDIT: "granted editor",
    Role.MANAGE: "granted manager",
    Role.DENY: "denied",
    Role.NO_PERMISSIONS: "denied",
}
_PUBLIC = {
    ("GET", "/auth/realms/{realm}"),
    ("GET", "/auth/realms/{realm}/.well-known/openid-configuration"),
    ("GET", "/auth/realms/{realm}/protocol/openid-connect/certs"),
    ("GET", "/.well-known/oauth-authorization-server/auth/realms/{realm}"),
    ("GET", "/auth/realms/{realm}/device"),
    ("GET", "/auth/realms/{realm}/protocol/openid-connect/auth"),
    ("GET", "/auth/realms/{realm}/protocol/openid-connect/logout"),
    ("GET", "/api/2.0/mlflow/server-info"),
    ("GET", "/health"),
    ("GET", "/livez"),
    ("GET", "/v2"),
    ("GET", "/v2/health/live"),
    ("GET", "/v2/health/ready"),
    ("GET", "/readyz"),
    ("GET", "/seldon-deploy/api/v1alpha1"),
    ("GET", "/seldon-deploy/auth/callback"),
    ("GET", "/v1/api/config"),
    ("GET", "/v1/api/docs"),
    ("GET", "/v1/api/docs/{asset}"),
    ("GET", "/v1/api/openapi.json"),
    ("PUT", "/api/2.0/mlflow-artifacts/parts/{upload_id}/{number}"),
    ("POST", "/auth/realms/{realm}/device"),
    ("POST", "/auth/realms/{realm}/protocol/openid-connect/auth"),
    ("POST", "/auth/realms/{realm}/protocol/openid-connect/auth/device"),
    ("POST", "/auth/realms/{realm}/protocol/openid-connect/logout"),
    ("POST", "/auth/realms/{realm}/protocol/openid-connect/revoke"),
    ("POST", "/auth/realms/{realm}/protocol/openid-connect/token"),
    ("POST", "/auth/realms/{realm}/protocol/openid-connect/token/introspect"),
    ("POST", "/seldon-deploy/api/v1alpha1"),
}


def _declared() -> list[tuple[str, str, str]]:
    return access_table(build_application(Settings(), "worker").router.routes)


def _expected() -> list[tuple[str, str, str]]:
    return sorted((method, path, cases[0].needs) for (method, path), cases in ROUTES.items())


def _allows(table: dict[Role, frozenset[Permission]], role: Role, permission: Permission) -> bool:
    """Whether a caller of this role is let through: everybody but a client is a user of the platform as well."""
    roles = {role} if role in (Role.ADMIN, Role.INFERENCE) else {role, Role.USER}
    return any(permission in table[held] for held in roles)


def _disagreements(table: dict[Role, frozenset[Permission]]) -> list[tuple[str, str]]:
    return [
        (permission, caller)
        for permission in Permission
        for role, caller in _CALLERS.items()
        if _allows(table, role, permission) is not (caller in allowed(permission, ("thing",)))
    ]


def test_what_anybody_may_call_is_this_and_nothing_more() -> None:
    assert {(method, path) for method, path, needs in _declared() if needs == "public"} == _PUBLIC


def test_roles_hold_what_the_oracle_says() -> None:
    assert set(Permission) == PERMISSIONS
    assert set(_CALLERS) == set(Role)
    assert set(_CALLERS.values()) <= EVERYBODY
    assert _disagreements(ROLE_PERMISSIONS) == []


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_a_flipped_role_would_show(role: Role, permission: Permission) -> None:
    flipped = ROLE_PERMISSIONS | {role: ROLE_PERMISSIONS[role] ^ {permission}}
    implied = role not in (Role.ADMIN, Role.INFERENCE, Role.USER) and permission in ROLE_PERMISSIONS[Role.USER]
    assert implied or _disagreements(flipped) != []


def test_a_flipped_declaration_would_show() -> None:
    declared = _declared()
    for number, (method, path, needs) in enumerate(declared):
        for other in {"public", *map(str, Permission)} - {needs}:
            flipped = [*declared[:number], (method, path, other), *declared[number + 1 :]]
            assert sorted(flipped) != _expected(), f"{method} {path} could need {other} unnoticed"
    assert declared == _expected()
