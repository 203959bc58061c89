"""Model registries outside, and the workspaces that use them."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "external_registries",
        sa.Column("id", sa.String(length=36), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("created_by", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_external_registries")),
    )
    op.create_index(op.f("ix_external_registries_created_by"), "external_registries", ["created_by"])
    op.create_table(
        "registry_attachments",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("workspace_id", _ID, nullable=False),
        sa.Column("registry_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["registry_id"],
            ["external_registries.id"],
            name=op.f("fk_registry_attachments_registry_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_registry_attachments_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_attachments")),
        sa.UniqueConstraint(
            "workspace_id", "registry_id", name=op.f("uq_registry_attachments_workspace_id_registry_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_registry_attachments_registry_id"), "registry_attachments", ["registry_id"])
    op.create_index(op.f("ix_registry_attachments_workspace_id"), "registry_attachments", ["workspace_id"])
