"""Permissions, and the roles that bundle them."""

from enum import StrEnum


class Permission(StrEnum):
    """What a use-case may ask for. Routes declare one of these, or that they are public."""

    # on the platform as a whole
    SIGNED_IN = "platform.signed_in"
    USERS_READ = "users.read"
    USERS_MANAGE = "users.manage"
    WORKSPACE_CREATE = "workspace.create"
    GROUPS_MANAGE = "groups.manage"
    ACCESS_EXPLAIN = "access.explain"
    TAG_CREATE = "tag.create"
    EXPERIMENT_CREATE = "experiment.create"
    MODEL_REGISTER = "model.register"
    TOKENS_MANAGE = "tokens.manage"
    AUDIT_READ = "audit.read"
    ALERTS_TEST = "alerts.test"
    # on one workspace and what it holds
    WORKSPACE_READ = "workspace.read"
    WORKSPACE_MANAGE = "workspace.manage"
    MODEL_READ = "model.read"
    MODEL_USE = "model.use"
    MODEL_EDIT = "model.edit"
    MODEL_DELETE = "model.delete"
    MODEL_MANAGE = "model.manage"
    EXPERIMENT_READ = "experiment.read"
    EXPERIMENT_EDIT = "experiment.edit"
    EXPERIMENT_MANAGE = "experiment.manage"
    PIPELINE_READ = "pipeline.read"
    PIPELINE_EDIT = "pipeline.edit"
    PIPELINE_DEPLOY = "pipeline.deploy"
    PIPELINE_INFER = "pipeline.infer"
    LOGS_READ = "logs.read"
    SECRET_READ = "secret.read"  # noqa: S105  # the name of a permission
    SECRET_USE = "secret.use"  # noqa: S105
    SECRET_EDIT = "secret.edit"  # noqa: S105


class Role(StrEnum):
    """A named bundle of permissions; a grant gives a role on one resource or on the platform.

    READ, USE, EDIT and MANAGE are levels: each holds what the one before it holds, on whatever it is granted on. DENY
    takes away what others give on the same thing; NO_PERMISSIONS is its older name.
    """

    ADMIN = "ADMIN"
    USER = "USER"
    OWNER = "OWNER"
    COLLABORATOR = "COLLABORATOR"
    READER = "READER"
    INFERENCE = "INFERENCE"
    READ = "READ"
    USE = "USE"
    EDIT = "EDIT"
    MANAGE = "MANAGE"
    DENY = "DENY"
    NO_PERMISSIONS = "NO_PERMISSIONS"


_READ = frozenset(
    {
        Permission.WORKSPACE_READ,
        Permission.MODEL_READ,
        Permission.EXPERIMENT_READ,
        Permission.PIPELINE_READ,
        Permission.LOGS_READ,
        Permission.SECRET_READ,
    }
)
_USE = _READ | {Permission.MODEL_USE, Permission.PIPELINE_INFER}
_EDIT = _USE | {
    Permission.MODEL_EDIT,
    Permission.EXPERIMENT_EDIT,
    Permission.PIPELINE_EDIT,
    Permission.PIPELINE_DEPLOY,
    Permission.SECRET_USE,
    Permission.SECRET_EDIT,
}
_MANAGE = _EDIT | {
    Permission.WORKSPACE_MANAGE,
    Permission.MODEL_DELETE,
    Permission.MODEL_MANAGE,
    Permission.EXPERIMENT_MANAGE,
}

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.USER: frozenset(
        {
            Permission.SIGNED_IN,
            Permission.USERS_READ,
            Permission.WORKSPACE_CREATE,
            Permission.TAG_CREATE,
            Permission.EXPERIMENT_CREATE,
            Permission.MODEL_REGISTER,
            Permission.TOKENS_MANAGE,
        }
    ),
    Role.OWNER: _MANAGE,
    Role.COLLABORATOR: _EDIT | {Permission.MODEL_DELETE},
    Role.READER: _READ,
    Role.INFERENCE: frozenset({Permission.SIGNED_IN, Permission.PIPELINE_INFER}),
    Role.READ: _READ,
    Role.USE: _USE,
    Role.EDIT: _EDIT,
    Role.MANAGE: _MANAGE,
    Role.DENY: frozenset(),
    Role.NO_PERMISSIONS: frozenset(),
}

PLATFORM_ROLES = frozenset({Role.ADMIN, Role.USER, Role.INFERENCE})
WORKSPACE_ROLES = frozenset({Role.OWNER, Role.COLLABORATOR, Role.READER})
LEVELS = (Role.READ, Role.USE, Role.EDIT, Role.MANAGE)
DENIALS = frozenset({Role.DENY, Role.NO_PERMISSIONS})
MANAGERS = frozenset({Role.OWNER, Role.MANAGE})
"""Roles on a workspace that no denial on a thing inside it touches."""

ON_PLATFORM = frozenset(Permission) - _MANAGE
"""Permissions on the platform as a whole: no grant on a thing gives them."""


def roles_with(permission: Permission) -> frozenset[Role]:
    """The roles that include the permission."""
    return frozenset(role for role, permissions in ROLE_PERMISSIONS.items() if permission in permissions)


def reading(permission: Permission) -> Permission:
    """The permission to see the kind of thing that ``permission`` is about."""
    return _READING.get(permission.partition(".")[0], Permission.WORKSPACE_READ)


_READING = {
    permission.partition(".")[0]: permission
    for permission in (Permission.MODEL_READ, Permission.EXPERIMENT_READ, Permission.PIPELINE_READ)
}
