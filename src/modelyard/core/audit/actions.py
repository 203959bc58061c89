"""The names of what is recorded: the thing, a dot, what was done with it."""

from enum import StrEnum


class Action(StrEnum):
    """``AuditEntry.action``. Names stay: people search for them."""

    LOGIN = "session.login"
    LOGOUT = "session.logout"
    SESSION_REVOKE = "session.revoke"
    ACCESS = "access.request"
    USER_INVITE = "user.invite"
    USER_CHANGE = "user.change"
    USER_DISABLE = "user.disable"
    USER_ENABLE = "user.enable"
    USER_ROLE = "user.role"
    USER_DELETE = "user.delete"
    USER_LINK = "user.link"
    USER_PASSWORD = "user.password"  # noqa: S105  # the name of an action
    TOKEN_CREATE = "token.create"  # noqa: S105
    TOKEN_REVOKE = "token.revoke"  # noqa: S105
    SERVICE_ACCOUNT_CREATE = "service_account.create"
    SERVICE_ACCOUNT_DELETE = "service_account.delete"
    CLIENT_CREATE = "client.create"
    CLIENT_CHANGE = "client.change"
    CLIENT_SECRET = "client.secret"  # noqa: S105
    CLIENT_DELETE = "client.delete"
    CONSENT_GIVE = "consent.give"
    CONSENT_WITHDRAW = "consent.withdraw"
    GRANT_GIVE = "grant.give"
    GRANT_TAKE = "grant.take"
    GROUP_CREATE = "group.create"
    GROUP_CHANGE = "group.change"
    GROUP_DELETE = "group.delete"
    GROUP_JOIN = "group.join"
    GROUP_LEAVE = "group.leave"
    WORKSPACE_CREATE = "workspace.create"
    WORKSPACE_CHANGE = "workspace.change"
    MODEL_UPLOAD = "model.upload"
    MODEL_CONFIGURE = "model.configure"
    MODEL_DELETE = "model.delete"
    MODEL_STAGE = "model.stage"
    MODEL_ALIAS = "model.alias"
    SECRET_CREATE = "secret.create"  # noqa: S105
    SECRET_DELETE = "secret.delete"  # noqa: S105
    METADATA_CREATE = "metadata.create"
    METADATA_CHANGE = "metadata.change"
    METADATA_DELETE = "metadata.delete"
    EXPERIMENT_DELETE = "experiment.delete"
    EXPERIMENT_RESTORE = "experiment.restore"
    RUN_DELETE = "run.delete"
    RUN_RESTORE = "run.restore"
    PIPELINE_CHANGE = "pipeline.change"
    PIPELINE_DELETE = "pipeline.delete"
    DEPLOY = "deployment.deploy"
    UNDEPLOY = "deployment.undeploy"
    LOG_READ = "log.read"
    ARTIFACT_READ = "artifact.read"
    AUDIT_EXPORT = "audit.export"
    AUDIT_ACCEPT = "audit.accept"
    AUDIT_UNLISTED = "audit.unlisted"
    CONFIGURE = "server.configure"
