"""Permissions, and the roles that bundle them."""

from enum import StrEnum


class Permission(StrEnum):
    """What a use-case may ask for. Routes declare one of these, or that they are public."""

    # on the platform as a whole
    SIGNED_IN = "platform.signed_in"
    USERS_READ = "users.read"
    USERS_MANAGE = "users.manage"
    WORKSPACE_CREATE = "workspace.create"
    TAG_CREATE = "tag.create"
    AUDIT_READ = "audit.read"
    # on one workspace and what it holds
    WORKSPACE_READ = "workspace.read"
    WORKSPACE_MANAGE = "workspace.manage"
    MODEL_READ = "model.read"
    MODEL_EDIT = "model.edit"
    PIPELINE_READ = "pipeline.read"
    PIPELINE_EDIT = "pipeline.edit"
    PIPELINE_DEPLOY = "pipeline.deploy"
    PIPELINE_INFER = "pipeline.infer"
    LOGS_READ = "logs.read"


class Role(StrEnum):
    """A named bundle of permissions; a grant gives a role on one resource or on the platform."""

    ADMIN = "ADMIN"
    USER = "USER"
    OWNER = "OWNER"
    COLLABORATOR = "COLLABORATOR"
    READER = "READER"
    INFERENCE = "INFERENCE"


_READ = frozenset({Permission.WORKSPACE_READ, Permission.MODEL_READ, Permission.PIPELINE_READ, Permission.LOGS_READ})
_EDIT = _READ | {
    Permission.MODEL_EDIT,
    Permission.PIPELINE_EDIT,
    Permission.PIPELINE_DEPLOY,
    Permission.PIPELINE_INFER,
}

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.USER: frozenset(
        {Permission.SIGNED_IN, Permission.USERS_READ, Permission.WORKSPACE_CREATE, Permission.TAG_CREATE}
    ),
    Role.OWNER: _EDIT | {Permission.WORKSPACE_MANAGE},
    Role.COLLABORATOR: _EDIT,
    Role.READER: _READ,
    Role.INFERENCE: frozenset({Permission.SIGNED_IN, Permission.PIPELINE_INFER}),
}

PLATFORM_ROLES = frozenset({Role.ADMIN, Role.USER, Role.INFERENCE})
WORKSPACE_ROLES = frozenset({Role.OWNER, Role.COLLABORATOR, Role.READER})


def roles_with(permission: Permission) -> frozenset[Role]:
    """The roles that include the permission."""
    return frozenset(role for role, permissions in ROLE_PERMISSIONS.items() if permission in permissions)
