"""Clients whose ID tokens open the APIs that take ID tokens; the Seldon SDK's is one."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "oauth_clients", sa.Column("id_tokens_as_bearer", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    clients = sa.table("oauth_clients", sa.column("id"), sa.column("id_tokens_as_bearer"))
    op.execute(clients.update().where(clients.c.id == "sd-api").values(id_tokens_as_bearer=sa.true()))
