"""Workers say which models they have dropped until somebody asks."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_NUMBERED = {"sqlite_autoincrement": True}
"""A table that is made anew forgets otherwise that no id is given twice."""


def upgrade() -> None:
    op.execute("DELETE FROM replicas")  # workers say anew what they hold when they start
    with op.batch_alter_table("replicas", table_kwargs=_NUMBERED) as batch_op:
        batch_op.add_column(sa.Column("asleep", sa.JSON(), nullable=True))
    with op.batch_alter_table("replicas", table_kwargs=_NUMBERED) as batch_op:
        batch_op.alter_column("asleep", existing_type=sa.JSON(), nullable=False)
