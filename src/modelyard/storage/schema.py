"""The tables. One an entity, its columns named and ordered like the entity's fields.

SQLite tables use AUTOINCREMENT so that an id is never given twice, as PostgreSQL's sequences do.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from modelyard.core.access.grants import Grant
from modelyard.core.audit.entities import AuditEntry, AuditHead
from modelyard.core.catalogue.entities import (
    DefaultWorkspace,
    Model,
    ModelConfig,
    ModelTag,
    ModelVersion,
    PipelineTag,
    Tag,
    Workspace,
)
from modelyard.core.identity.entities import Credential, OAuthClient, Session, User
from modelyard.core.serving.entities import Deployment, Pipeline, PipelineVersion, Replica, Worker

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Timestamp(TypeDecorator[datetime]):
    """An instant in UTC, kept as microseconds since 1970: the same order and precision on every engine."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        del dialect
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        del dialect
        return None if value is None else _EPOCH + value * _MICROSECOND


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_BIGINT = BigInteger().with_variant(Integer, "sqlite")  # SQLite gives row ids only to INTEGER columns


def _id() -> Column[int]:
    return Column("id", _BIGINT, primary_key=True, autoincrement=True)


def _uuid(name: str, *args: Any, nullable: bool = False, **kwargs: Any) -> Column[str]:
    return Column(name, String(36), *args, nullable=nullable, **kwargs)


def _text(name: str, *args: Any, nullable: bool = False, **kwargs: Any) -> Column[str]:
    return Column(name, Text, *args, nullable=nullable, **kwargs)


def _time(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, Timestamp, nullable=nullable)


def _json(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, JSON(none_as_null=True), nullable=nullable)


def _ref(name: str, target: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, ForeignKey(target), nullable=nullable, index=True)


def _table(name: str, *items: Any) -> Table:
    return Table(name, metadata, *items, sqlite_autoincrement=items[0].autoincrement is True)


generations = Table(
    "generations",
    metadata,
    Column("topic", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

grants = _table(
    "grants",
    _id(),
    _uuid("subject_id"),
    Column("resource_type", String(32), nullable=False),
    Column("resource_id", String(64), nullable=False),
    Column("role", String(32), nullable=False),
    _time("created_at"),
    UniqueConstraint("subject_id", "resource_type", "resource_id"),
    Index(None, "resource_type", "resource_id"),
)

TABLES: dict[type[Any], Table] = {
    Grant: grants,
    AuditEntry: _table(
        "audit_entries",
        Column("id", _BIGINT, primary_key=True, autoincrement=False),  # numbered by the chain itself
        _time("at"),
        _text("actor_id"),
        _text("actor_name"),
        _text("client_id", nullable=True),
        _text("address", nullable=True),
        Column("action", String(64), nullable=False),
        Column("object_type", String(32), nullable=False),
        _text("object_id"),
        Column("outcome", String(16), nullable=False),
        _json("details"),
        Column("previous_hash", String(64), nullable=False),
        Column("hash", String(64), nullable=False),
        Index(None, "at"),
        Index(None, "actor_name", "id"),
        Index(None, "action", "id"),
        Index(None, "object_type", "object_id", "id"),
    ),
    AuditHead: _table(
        "audit_heads",
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("entry_id", BigInteger, nullable=False),
        Column("hash", String(64), nullable=False),
    ),
    User: _table(
        "users",
        _uuid("id", primary_key=True, autoincrement=False),
        _text("username", unique=True),
        _text("email", nullable=True, unique=True),
        _text("first_name"),
        _text("last_name"),
        Column("enabled", Boolean, nullable=False),
        Column("service", Boolean, nullable=False),
        _time("created_at"),
        _time("last_login_at", nullable=True),
    ),
    Credential: _table(
        "credentials",
        _uuid("user_id", ForeignKey("users.id"), primary_key=True, autoincrement=False),
        _text("password_hash"),
        _time("changed_at"),
        Column("temporary", Boolean, nullable=False),
    ),
    OAuthClient: _table(
        "oauth_clients",
        _text("id", primary_key=True, autoincrement=False),
        _text("secret_hash", nullable=True),
        _json("grants"),
        _ref("service_user_id", "users.id", nullable=True),
        _time("created_at"),
    ),
    Session: _table(
        "sessions",
        _uuid("id", primary_key=True, autoincrement=False),
        _ref("user_id", "users.id"),
        _ref("client_id", "oauth_clients.id"),
        _text("realm"),
        _text("scope"),
        Column("offline", Boolean, nullable=False),
        Column("generation", Integer, nullable=False),
        _time("rotated_at"),
        _time("created_at"),
        _time("expires_at"),
        _time("revoked_at", nullable=True),
        Index(None, "expires_at"),
    ),
    Workspace: _table(
        "workspaces",
        _id(),
        _text("name", unique=True),
        Column("archived", Boolean, nullable=False),
        _time("created_at"),
        _uuid("created_by"),
    ),
    DefaultWorkspace: _table(
        "default_workspaces",
        _uuid("user_id", ForeignKey("users.id"), primary_key=True, autoincrement=False),
        _ref("workspace_id", "workspaces.id"),
    ),
    Model: _table(
        "models",
        _id(),
        _ref("workspace_id", "workspaces.id"),
        _text("name"),
        _uuid("owner_id"),
        _time("created_at"),
        _time("updated_at"),
        UniqueConstraint("workspace_id", "name"),
    ),
    ModelVersion: _table(
        "model_versions",
        _id(),
        _ref("workspace_id", "workspaces.id"),
        _ref("model_id", "models.id"),
        _text("name", index=True),
        _uuid("version", unique=True),
        Column("sha", String(64), nullable=False, index=True),
        Column("size", BigInteger, nullable=False),
        _text("file_name"),
        Column("visibility", String(16), nullable=False),
        _json("conversion"),
        _json("signature", nullable=True),
        Column("status", String(32), nullable=False),
        _text("error_summary", nullable=True),
        _text("image_path", nullable=True),
        Column("created_on_version", String(32), nullable=False),
        _uuid("created_by"),
        _time("created_at"),
        _time("updated_at"),
    ),
    ModelConfig: _table(
        "model_configs",
        _id(),
        _ref("workspace_id", "workspaces.id"),
        _ref("model_version_id", "model_versions.id"),
        Column("runtime", String(32), nullable=False),
        _json("tensor_fields", nullable=True),
        Column("filter_threshold", Float, nullable=True),
        _text("input_schema", nullable=True),
        _text("output_schema", nullable=True),
        _text("batch_config", nullable=True),
        _json("dynamic_batching", nullable=True),
        _json("continuous_batching", nullable=True),
        _json("openai", nullable=True),
        _time("created_at"),
    ),
    Tag: _table("tags", _id(), _text("tag"), _uuid("created_by", index=True), _time("created_at")),
    ModelTag: _table(
        "model_tags",
        _id(),
        _ref("workspace_id", "workspaces.id"),
        _ref("tag_id", "tags.id"),
        _ref("model_version_id", "model_versions.id"),
        UniqueConstraint("tag_id", "model_version_id"),
    ),
    PipelineTag: _table(
        "pipeline_tags",
        _id(),
        _ref("workspace_id", "workspaces.id"),
        _ref("tag_id", "tags.id"),
        _ref("pipeline_id", "pipelines.id"),
        UniqueConstraint("tag_id", "pipeline_id"),
    ),
    Pipeline: _table(
        "pipelines",
        _id(),
        _ref("workspace_id", "workspaces.id"),
        _text("name"),
        _uuid("owner_id"),
        _time("created_at"),
        _time("updated_at"),
        UniqueConstraint("workspace_id", "name"),
    ),
    PipelineVersion: _table(
        "pipeline_versions",
        _id(),
        _ref("workspace_id", "workspaces.id"),
        _ref("pipeline_id", "pipelines.id"),
        _uuid("version", unique=True),
        _json("definition"),
        Column("created_on_version", String(32), nullable=False),
        _uuid("created_by"),
        _time("created_at"),
    ),
    Deployment: _table(
        "deployments",
        _id(),
        _ref("workspace_id", "workspaces.id"),
        Column("pipeline_id", ForeignKey("pipelines.id"), nullable=False, unique=True),
        _ref("pipeline_version_id", "pipeline_versions.id"),
        _text("name"),
        Column("state", String(16), nullable=False, index=True),
        _text("error", nullable=True),
        Column("revision", Integer, nullable=False),
        _json("models"),
        _json("engine_config"),
        _time("created_at"),
        _time("updated_at"),
    ),
    Worker: _table(
        "workers",
        _uuid("id", primary_key=True, autoincrement=False),
        _uuid("server_id", index=True),
        Column("pid", Integer, nullable=False),
        _time("started_at"),
        _time("heartbeat_at"),
    ),
    Replica: _table(
        "replicas",
        _id(),
        _uuid("worker_id", ForeignKey("workers.id", ondelete="CASCADE"), index=True),
        Column("deployment_id", ForeignKey("deployments.id"), nullable=False, index=True),
        Column("revision", Integer, nullable=False),
        _text("error", nullable=True),
        UniqueConstraint("worker_id", "deployment_id"),
    ),
}
