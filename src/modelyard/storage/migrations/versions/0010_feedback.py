"""Feedback on answers, and what routers learn of it."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "feedback",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("workspace_id", _ID, nullable=False),
        sa.Column("pipeline_id", _ID, nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("reward", sa.Double(), nullable=False),
        sa.Column("routing", sa.JSON(), nullable=False),
        sa.Column("truth", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipelines.id"], name=op.f("fk_feedback_pipeline_id")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_feedback_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_feedback_pipeline_id"), "feedback", ["pipeline_id"])
    op.create_index(op.f("ix_feedback_workspace_id"), "feedback", ["workspace_id"])
    op.create_table(
        "router_rewards",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("pipeline_id", _ID, nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("rights", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["pipeline_id"], ["pipelines.id"], name=op.f("fk_router_rewards_pipeline_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_router_rewards")),
        sa.UniqueConstraint("pipeline_id", "branch", "place", name=op.f("uq_router_rewards_pipeline_id_branch_place")),
        sqlite_autoincrement=True,
    )
    generations = sa.table("generations", sa.column("topic"), sa.column("value"))
    op.bulk_insert(generations, [{"topic": "routers", "value": 0}])
