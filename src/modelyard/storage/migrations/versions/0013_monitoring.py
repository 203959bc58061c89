"""What happens to deployments, detectors and what they found, alerts to deliver."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "deployment_events",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("workspace_id", _ID, nullable=False),
        sa.Column("pipeline_id", _ID, nullable=False),
        sa.Column("worker_id", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pipeline_id"], ["pipelines.id"], name=op.f("fk_deployment_events_pipeline_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_deployment_events_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_deployment_events_pipeline_id"), "deployment_events", ["pipeline_id"])
    op.create_index(op.f("ix_deployment_events_workspace_id"), "deployment_events", ["workspace_id"])
    op.create_table(
        "detectors",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("workspace_id", _ID, nullable=False),
        sa.Column("pipeline_id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("window", sa.Integer(), nullable=False),
        sa.Column("by_feature", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pipeline_id"], ["pipelines.id"], name=op.f("fk_detectors_pipeline_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_detectors_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_detectors")),
        sa.UniqueConstraint("pipeline_id", "kind", "name", name=op.f("uq_detectors_pipeline_id_kind_name")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_detectors_workspace_id"), "detectors", ["workspace_id"])
    op.create_table(
        "detector_progress",
        sa.Column("detector_id", _ID, autoincrement=False, nullable=False),
        sa.Column("cursor", sa.JSON(), nullable=False),
        sa.Column("reference", sa.JSON(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("firing", sa.Boolean(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["detector_id"], ["detectors.id"], name=op.f("fk_detector_progress_detector_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("detector_id", name=op.f("pk_detector_progress")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "detector_results",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("detector_id", _ID, nullable=False),
        sa.Column("firing", sa.Boolean(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["detector_id"], ["detectors.id"], name=op.f("fk_detector_results_detector_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_detector_results")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_detector_results_detector_id"), "detector_results", ["detector_id"])
    op.create_table(
        "alert_notices",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_notices")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_alert_notices_next_at"), "alert_notices", ["next_at"])
