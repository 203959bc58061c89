"""The number of a registered model's newest version, so that no number is given twice."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_COUNT = """
UPDATE registered_models SET last_number = (
    SELECT COALESCE(MAX(number), 0) FROM registered_versions WHERE registered_versions.model_id = registered_models.model_id
)
"""


def upgrade() -> None:
    with op.batch_alter_table("registered_models") as batch_op:
        batch_op.add_column(sa.Column("last_number", sa.BigInteger(), nullable=True))
    op.execute(_COUNT)
    with op.batch_alter_table("registered_models") as batch_op:
        batch_op.alter_column("last_number", existing_type=sa.BigInteger(), nullable=False)
