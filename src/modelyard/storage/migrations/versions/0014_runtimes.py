"""How versions run, how they are made ready, and the processes that serve them."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "environments",
        sa.Column("id", sa.String(length=64), autoincrement=False, nullable=False),
        sa.Column("python", sa.String(length=32), nullable=False),
        sa.Column("requested", sa.JSON(), nullable=False),
        sa.Column("lock", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_environments")),
    )
    op.create_table(
        "model_runtimes",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("workspace_id", _ID, nullable=False),
        sa.Column("model_version_id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("sha", sa.String(length=64), nullable=False),
        sa.Column("loader", sa.String(length=32), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("environment", sa.String(length=64), nullable=False),
        sa.Column("file_class", sa.String(length=32), nullable=False),
        sa.Column("parity", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_version_id"],
            ["model_versions.id"],
            name=op.f("fk_model_runtimes_model_version_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_model_runtimes_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_runtimes")),
        sa.UniqueConstraint("model_version_id", name=op.f("uq_model_runtimes_model_version_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_model_runtimes_sha"), "model_runtimes", ["sha"])
    op.create_index(op.f("ix_model_runtimes_workspace_id"), "model_runtimes", ["workspace_id"])
    op.create_table(
        "preparation_stages",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("workspace_id", _ID, nullable=False),
        sa.Column("model_version_id", _ID, nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("log", sa.Text(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["model_version_id"],
            ["model_versions.id"],
            name=op.f("fk_preparation_stages_model_version_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_preparation_stages_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preparation_stages")),
        sa.UniqueConstraint("model_version_id", "stage", name=op.f("uq_preparation_stages_model_version_id_stage")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_preparation_stages_workspace_id"), "preparation_stages", ["workspace_id"])
    op.create_table(
        "preparations",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("workspace_id", _ID, nullable=False),
        sa.Column("model_version_id", _ID, nullable=False),
        sa.Column("runner", sa.Text(), nullable=True),
        sa.Column("heartbeat_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_version_id"],
            ["model_versions.id"],
            name=op.f("fk_preparations_model_version_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_preparations_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preparations")),
        sa.UniqueConstraint("model_version_id", name=op.f("uq_preparations_model_version_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_preparations_workspace_id"), "preparations", ["workspace_id"])
    op.create_table(
        "model_processes",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("server_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", _ID, nullable=False),
        sa.Column("deployment_id", _ID, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("socket", sa.Text(), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("restarts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("output", sa.Text(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployments.id"], name=op.f("fk_model_processes_deployment_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_model_processes_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_processes")),
        sa.UniqueConstraint(
            "deployment_id",
            "revision",
            "place",
            "number",
            name=op.f("uq_model_processes_deployment_id_revision_place_number"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_model_processes_workspace_id"), "model_processes", ["workspace_id"])
