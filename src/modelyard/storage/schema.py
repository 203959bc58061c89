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
    Double,
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
    text,
)

from modelyard.core.access.grants import Grant
from modelyard.core.audit.entities import AuditEntry, AuditHead
from modelyard.core.automation.entities import Job
from modelyard.core.catalogue.entities import (
    ArtifactFile,
    DefaultWorkspace,
    Model,
    ModelConfig,
    ModelMetadata,
    ModelTag,
    ModelVersion,
    PartialUpload,
    PipelineTag,
    Secret,
    Tag,
    UploadPart,
    Workspace,
)
from modelyard.core.identity.entities import (
    AccessToken,
    AuthorizationCode,
    BrowserSession,
    Consent,
    Credential,
    DeviceGrant,
    DeviceGuess,
    ExternalIdentity,
    Group,
    Membership,
    OAuthClient,
    RevokedToken,
    ServiceAccount,
    Session,
    SignInRecord,
    User,
)
from modelyard.core.monitoring.entities import AlertNotice, Detector, DetectorProgress, DetectorResult
from modelyard.core.serving.entities import (
    Deployment,
    DeploymentEvent,
    Feedback,
    Pipeline,
    PipelineVersion,
    Replica,
    RouterReward,
    Worker,
)
from modelyard.core.tracking import entities as tracking

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

_BYTEWISE = Text().with_variant(Text(collation="C"), "postgresql")  # sorted by code point, as SQLite does


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


def _owned(name: str, target: str, *, nullable: bool = False) -> Column[Any]:
    """A reference of a row that means nothing without its target and goes with it."""
    return Column(name, ForeignKey(target, ondelete="CASCADE"), nullable=nullable, index=True)


def _key(name: str, *args: Any, nullable: bool = False, **kwargs: Any) -> Column[str]:
    """An id that is a text of its own making."""
    return Column(name, String(64), *args, nullable=nullable, **kwargs)


def _owner(name: str, target: str, **kwargs: Any) -> Column[str]:
    """What a thing hangs on; an index that begins with it stands among the table's constraints."""
    return _key(name, ForeignKey(target), **kwargs)


def _part(name: str, target: str, **kwargs: Any) -> Column[Any]:
    """What a thing is a part of: it goes when that goes."""
    return Column(name, ForeignKey(target, ondelete="CASCADE"), nullable=False, **kwargs)


def _integer(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _pairs(name: str, owner: Column[Any]) -> Table:
    """Keys and values that hang on something."""
    return _table(
        name,
        _id(),
        owner,
        _text("key"),
        _text("value"),
        UniqueConstraint(owner.name, "key"),
        Index(None, "key", owner.name),
    )


def _measurement(owner: str, target: str) -> list[Column[Any]]:
    return [
        _id(),
        _owner(owner, target),
        _text("key"),
        Column("value", Double, nullable=False),
        _integer("timestamp"),
        _integer("step"),
        Column("is_nan", Boolean, nullable=False),
    ]


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
    Column("resource_id", String(512), nullable=False),
    Column("prefix", String(512), nullable=True),
    Column("role", String(32), nullable=False),
    _time("created_at"),
    UniqueConstraint("subject_id", "resource_type", "resource_id"),
    Index(None, "resource_type", "resource_id"),
    Index(
        "ix_grants_patterns",
        "resource_type",
        "subject_id",
        "prefix",
        sqlite_where=text("prefix IS NOT NULL"),
        postgresql_where=text("prefix IS NOT NULL"),
    ),
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
    ExternalIdentity: _table(
        "external_identities",
        _id(),
        _text("issuer"),
        _text("subject"),
        _ref("user_id", "users.id"),
        _time("created_at"),
        _time("last_seen_at"),
        UniqueConstraint("issuer", "subject"),
    ),
    OAuthClient: _table(
        "oauth_clients",
        _text("id", primary_key=True, autoincrement=False),
        _text("secret_hash", nullable=True),
        _json("grants"),
        _json("redirect_uris"),
        _json("post_logout_uris"),
        Column("consent", Boolean, nullable=False),
        _ref("service_user_id", "users.id", nullable=True),
        _time("created_at"),
        Column("id_tokens_as_bearer", Boolean, nullable=False),
    ),
    ServiceAccount: _table(
        "service_accounts",
        _uuid("user_id", ForeignKey("users.id"), primary_key=True, autoincrement=False),
        _uuid("owner_id", nullable=True, index=True),
        _text("description"),
        _uuid("created_by"),
        _time("created_at"),
    ),
    AccessToken: _table(
        "access_tokens",
        _uuid("id", primary_key=True, autoincrement=False),
        _ref("user_id", "users.id"),
        _text("name"),
        Column("secret_hash", String(64), nullable=False, unique=True),
        _json("scopes"),
        _uuid("created_by"),
        _time("created_at"),
        _time("expires_at", nullable=True),
        _time("last_used_at", nullable=True),
        _time("revoked_at", nullable=True),
    ),
    SignInRecord: _table(
        "sign_in_records",
        _id(),
        Column("name", String(64), nullable=False),
        Column("place", String(64), nullable=False),
        _time("failed_at", nullable=True),
        _time("fades_at", nullable=True),
        Column("failed_from", String(64), nullable=False),
        _time("signed_in_at", nullable=True),
        UniqueConstraint("name", "place"),
        Index(None, "fades_at"),
        Index(None, "signed_in_at"),
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
        _time("authenticated_at"),
        _uuid("browser_session_id", nullable=True, index=True),
        Index(None, "expires_at"),
    ),
    RevokedToken: _table("revoked_tokens", _uuid("id", primary_key=True, autoincrement=False), _time("expires_at")),
    BrowserSession: _table(
        "browser_sessions",
        _uuid("id", primary_key=True, autoincrement=False),
        Column("token_hash", String(64), nullable=False, unique=True),
        _owned("user_id", "users.id"),
        _time("created_at"),
        _time("seen_at"),
        _time("expires_at"),
        _time("ended_at", nullable=True),
    ),
    AuthorizationCode: _table(
        "authorization_codes",
        Column("id", String(64), primary_key=True, autoincrement=False),
        _owned("client_id", "oauth_clients.id"),
        _text("realm"),
        _text("redirect_uri"),
        _text("scope"),
        _text("code_challenge", nullable=True),
        _text("nonce", nullable=True),
        _owned("user_id", "users.id"),
        _owned("browser_session_id", "browser_sessions.id"),
        _time("expires_at"),
        _time("used_at", nullable=True),
        _owned("session_id", "sessions.id", nullable=True),
    ),
    DeviceGrant: _table(
        "device_grants",
        Column("id", String(64), primary_key=True, autoincrement=False),
        Column("user_code", String(16), nullable=False, unique=True),
        _owned("client_id", "oauth_clients.id"),
        _text("realm"),
        _text("scope"),
        Column("state", String(16), nullable=False),
        Column("interval", Integer, nullable=False),
        _time("polled_at", nullable=True),
        _time("expires_at"),
        _owned("user_id", "users.id", nullable=True),
        _time("authenticated_at", nullable=True),
    ),
    DeviceGuess: _table(
        "device_guesses", _id(), _text("address"), _time("guessed_at"), Index(None, "address", "guessed_at")
    ),
    Consent: _table(
        "consents",
        _id(),
        _owned("user_id", "users.id"),
        _owned("client_id", "oauth_clients.id"),
        _text("scope"),
        _time("given_at"),
        UniqueConstraint("user_id", "client_id"),
    ),
    Workspace: _table(
        "workspaces",
        _id(),
        _text("name", unique=True),
        Column("slug", String(63), nullable=False, unique=True),
        Column("archived", Boolean, nullable=False),
        _time("created_at"),
        _uuid("created_by"),
    ),
    DefaultWorkspace: _table(
        "default_workspaces",
        _uuid("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
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
    ModelMetadata: _table(
        "model_metadata",
        _id(),
        Column("project", String(200), nullable=False),
        Column("uri", String(200), nullable=False, index=True),
        _text("name"),
        _text("version"),
        Column("artifact_type", String(32), nullable=False),
        _text("task_type"),
        _json("tags"),
        _json("metrics"),
        _json("prediction_schema", nullable=True),
        Column("default_protocol", String(32), nullable=True),
        _uuid("created_by"),
        _time("created_at"),
        _time("updated_at"),
        UniqueConstraint("project", "uri"),
    ),
    Secret: _table(
        "secrets",
        _id(),
        _ref("workspace_id", "workspaces.id"),
        Column("kind", String(16), nullable=False),
        Column("name", String(63), nullable=False),
        Column("remote", String(63), nullable=False),
        Column("format", String(16), nullable=False),
        Column("store", String(16), nullable=False),
        Column("key_id", String(64), nullable=False),
        _text("sealed"),
        _uuid("created_by"),
        _time("created_at"),
        UniqueConstraint("workspace_id", "kind", "name"),
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
        Column("form", String(16), nullable=False),
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
        _text("action", nullable=True),
        _text("message", nullable=True),
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
        _json("plan"),
        _json("engine_config"),
        _time("created_at"),
        _time("updated_at"),
    ),
    Feedback: _table(
        "feedback",
        _id(),
        _ref("workspace_id", "workspaces.id"),
        _ref("pipeline_id", "pipelines.id"),
        _text("request_id", nullable=True),
        Column("reward", Double, nullable=False),
        _json("routing"),
        _json("truth", nullable=True),
        _time("created_at"),
    ),
    RouterReward: _table(
        "router_rewards",
        _id(),
        Column("pipeline_id", ForeignKey("pipelines.id"), nullable=False),
        _text("branch"),
        Column("place", Integer, nullable=False),
        Column("tries", BigInteger, nullable=False),
        Column("rights", BigInteger, nullable=False),
        UniqueConstraint("pipeline_id", "branch", "place"),
    ),
    DeploymentEvent: _table(
        "deployment_events",
        _id(),
        _ref("workspace_id", "workspaces.id"),
        _owned("pipeline_id", "pipelines.id"),
        _text("worker_id"),
        _text("node"),
        _text("message"),
        _time("created_at"),
    ),
    Detector: _table(
        "detectors",
        _id(),
        _ref("workspace_id", "workspaces.id"),
        Column("pipeline_id", ForeignKey("pipelines.id", ondelete="CASCADE"), nullable=False),
        Column("kind", String(16), nullable=False),
        _text("name"),
        _json("config"),
        Column("window", Integer, nullable=False),
        Column("by_feature", Boolean, nullable=False),
        _uuid("created_by"),
        _time("created_at"),
        UniqueConstraint("pipeline_id", "kind", "name"),
    ),
    DetectorProgress: _table(
        "detector_progress",
        Column("detector_id", ForeignKey("detectors.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
        _json("cursor"),
        _json("reference", nullable=True),
        Column("state", String(16), nullable=False),
        _text("reason"),
        Column("firing", Boolean, nullable=False),
        _time("since", nullable=True),
        _time("updated_at"),
    ),
    DetectorResult: _table(
        "detector_results",
        _id(),
        _owned("detector_id", "detectors.id"),
        Column("firing", Boolean, nullable=False),
        Column("rows", Integer, nullable=False),
        _json("details"),
        _time("first_at"),
        _time("last_at"),
        _time("created_at"),
    ),
    AlertNotice: _table(
        "alert_notices",
        _id(),
        _json("body"),
        Column("attempts", Integer, nullable=False),
        _text("error", nullable=True),
        _time("next_at"),
        _time("created_at"),
        Index(None, "next_at"),
    ),
    Worker: _table(
        "workers",
        _uuid("id", primary_key=True, autoincrement=False),
        _uuid("server_id", index=True),
        Column("pid", Integer, nullable=False),
        _time("started_at"),
        _time("heartbeat_at"),
    ),
    Job: _table(
        "jobs",
        _id(),
        _uuid("uid", unique=True),
        _ref("workspace_id", "workspaces.id"),
        _part("pipeline_id", "pipelines.id"),
        Column("kind", String(16), nullable=False),
        Column("name", String(63), nullable=False),
        _json("definition"),
        Column("state", String(16), nullable=False, index=True),
        _text("error", nullable=True),
        _integer("done"),
        _integer("failed"),
        _json("result", nullable=True),
        Column("attempts", Integer, nullable=False),
        _text("runner", nullable=True),
        _time("heartbeat_at", nullable=True),
        _uuid("token_id", nullable=True),
        _uuid("created_by"),
        _time("created_at"),
        _time("started_at", nullable=True),
        _time("finished_at", nullable=True),
        UniqueConstraint("pipeline_id", "name"),
        Index(None, "finished_at"),
    ),
    Group: _table(
        "groups",
        _id(),
        _uuid("subject_id", unique=True),
        Column("kind", String(16), nullable=False),
        _text("workspace"),
        _ref("parent_id", "groups.id", nullable=True),
        _text("name"),
        _text("description"),
        _time("created_at"),
        Index(None, "kind", "name"),
    ),
    Membership: _table(
        "memberships",
        _id(),
        _uuid("user_id", ForeignKey("users.id")),
        _ref("group_id", "groups.id"),
        _text("issuer", nullable=True),
        _time("created_at"),
        UniqueConstraint("user_id", "group_id"),
    ),
    tracking.Experiment: _table(
        "experiments",
        _key("id", primary_key=True, autoincrement=False),
        _ref("workspace_id", "workspaces.id"),
        _text("name"),
        _text("artifact_location"),
        Column("lifecycle", String(16), nullable=False),
        _integer("creation_time"),
        _integer("last_update_time"),
        _uuid("owner_id"),
        UniqueConstraint("workspace_id", "name"),
    ),
    tracking.ExperimentTag: _pairs("experiment_tags", _owner("experiment_id", "experiments.id")),
    tracking.Run: _table(
        "runs",
        _key("id", primary_key=True, autoincrement=False),
        _owner("experiment_id", "experiments.id"),
        Column("workspace_id", ForeignKey("workspaces.id"), nullable=False),
        _text("name"),
        _text("user_name"),
        Column("status", String(16), nullable=False),
        _integer("start_time", nullable=True),
        _integer("end_time", nullable=True),
        Column("lifecycle", String(16), nullable=False),
        _text("artifact_uri"),
        _integer("deleted_time", nullable=True),
        Index(None, "experiment_id", "lifecycle", "start_time"),
    ),
    tracking.RunParam: _pairs("run_params", _owner("run_id", "runs.id")),
    tracking.RunTag: _pairs("run_tags", _owner("run_id", "runs.id")),
    tracking.Metric: _table(
        "metrics",
        *_measurement("run_id", "runs.id"),
        UniqueConstraint("run_id", "key", "step", "timestamp", "value", "is_nan"),
    ),
    tracking.LatestMetric: _table(
        "latest_metrics",
        *_measurement("run_id", "runs.id"),
        UniqueConstraint("run_id", "key"),
        Index(None, "key", "is_nan", "value", "run_id"),
    ),
    tracking.Dataset: _table(
        "datasets",
        _key("id", primary_key=True, autoincrement=False),
        _owner("experiment_id", "experiments.id"),
        _text("name"),
        _text("digest"),
        _text("source_type"),
        _text("source"),
        _text("schema", nullable=True),
        _text("profile", nullable=True),
        UniqueConstraint("experiment_id", "name", "digest"),
    ),
    tracking.RunDataset: _table(
        "run_datasets",
        _id(),
        _owner("run_id", "runs.id"),
        Column("dataset_id", ForeignKey("datasets.id"), nullable=False, index=True),
        _text("context", nullable=True),
        _json("tags"),
        UniqueConstraint("run_id", "dataset_id"),
    ),
    tracking.RunModel: _table(
        "run_models",
        _id(),
        _owner("run_id", "runs.id"),
        _key("model_id", index=True),
        Column("direction", String(8), nullable=False),
        _integer("step"),
        UniqueConstraint("run_id", "model_id", "direction"),
    ),
    tracking.LoggedModel: _table(
        "logged_models",
        _key("id", primary_key=True, autoincrement=False),
        _owner("experiment_id", "experiments.id"),
        Column("workspace_id", ForeignKey("workspaces.id"), nullable=False),
        _text("name"),
        _text("artifact_uri"),
        Column("status", String(48), nullable=False),
        _text("status_message", nullable=True),
        _text("model_type", nullable=True),
        _key("source_run_id", nullable=True, index=True),
        Column("lifecycle", String(16), nullable=False),
        _integer("creation_timestamp"),
        _integer("last_updated_timestamp"),
        Index(None, "experiment_id", "lifecycle", "creation_timestamp"),
    ),
    tracking.LoggedModelParam: _pairs("logged_model_params", _owner("logged_model_id", "logged_models.id")),
    tracking.LoggedModelTag: _pairs("logged_model_tags", _owner("logged_model_id", "logged_models.id")),
    tracking.LoggedModelMetric: _table(
        "logged_model_metrics",
        _id(),
        _owner("logged_model_id", "logged_models.id"),
        _key("run_id"),
        _text("key"),
        Column("value", Double, nullable=False),
        _integer("timestamp"),
        _integer("step"),
        Column("is_nan", Boolean, nullable=False),
        _key("dataset_id", nullable=True),
        _text("dataset_name", nullable=True),
        _text("dataset_digest", nullable=True),
        UniqueConstraint("logged_model_id", "run_id", "key", "step", "timestamp"),
    ),
    tracking.RegisteredModel: _table(
        "registered_models",
        _part("model_id", "models.id", primary_key=True, autoincrement=False),
        _ref("workspace_id", "workspaces.id"),
        _text("name"),
        _text("description", nullable=True),
        _integer("creation_timestamp"),
        _integer("last_updated_timestamp"),
        _integer("last_number"),
        UniqueConstraint("workspace_id", "name"),
    ),
    tracking.RegisteredModelTag: _pairs(
        "registered_model_tags",
        _part("model_id", "registered_models.model_id"),
    ),
    tracking.RegisteredVersion: _table(
        "registered_versions",
        Column(
            "model_version_id",
            ForeignKey("model_versions.id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
        _part("model_id", "registered_models.model_id"),
        _ref("workspace_id", "workspaces.id"),
        _text("name", index=True),
        _integer("number"),
        _text("user_name"),
        Column("stage", String(16), nullable=False),
        _text("description", nullable=True),
        _text("source"),
        _text("storage_location"),
        _key("run_id", nullable=True, index=True),
        _text("run_link", nullable=True),
        _key("logged_model_id", nullable=True),
        Column("status", String(32), nullable=False),
        _text("status_message", nullable=True),
        _integer("creation_timestamp"),
        _integer("last_updated_timestamp"),
        UniqueConstraint("model_id", "number"),
    ),
    tracking.RegisteredVersionTag: _pairs(
        "registered_version_tags",
        Column(
            "model_version_id", ForeignKey("registered_versions.model_version_id", ondelete="CASCADE"), nullable=False
        ),
    ),
    tracking.RegisteredAlias: _table(
        "registered_aliases",
        _id(),
        _part("model_id", "registered_models.model_id"),
        _text("alias"),
        _integer("number"),
        UniqueConstraint("model_id", "alias"),
    ),
    ArtifactFile: _table(
        "artifact_files",
        _id(),
        _owner("experiment_id", "experiments.id", index=True),
        Column("path", _BYTEWISE, nullable=False, unique=True),
        Column("sha", String(64), nullable=False, index=True),
        Column("size", BigInteger, nullable=False),
    ),
    PartialUpload: _table(
        "partial_uploads",
        _uuid("id", primary_key=True, autoincrement=False),
        _text("path"),
        _uuid("user_id"),
        Column("part_count", Integer, nullable=False),
        _time("created_at"),
        Index(None, "created_at"),
    ),
    UploadPart: _table(
        "upload_parts",
        _id(),
        _uuid("upload_id", ForeignKey("partial_uploads.id")),
        Column("number", Integer, nullable=False),
        Column("sha", String(64), nullable=False, index=True),
        Column("size", BigInteger, nullable=False),
        UniqueConstraint("upload_id", "number"),
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
