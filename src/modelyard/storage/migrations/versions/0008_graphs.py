"""Workspaces have a name in URLs; pipelines hold documents of several forms; deployments say how their models work
together."""

import json
import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_NUMBERED = {"sqlite_autoincrement": True}
"""A table that is made anew forgets otherwise that no id is given twice."""


def upgrade() -> None:
    with op.batch_alter_table("workspaces", table_kwargs=_NUMBERED) as batch_op:
        batch_op.add_column(sa.Column("slug", sa.String(length=63), nullable=True))
    with op.batch_alter_table("pipelines", table_kwargs=_NUMBERED) as batch_op:
        batch_op.add_column(sa.Column("form", sa.String(length=16), nullable=False, server_default="steps"))
    with op.batch_alter_table("pipeline_versions", table_kwargs=_NUMBERED) as batch_op:
        batch_op.add_column(sa.Column("action", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("message", sa.Text(), nullable=True))
    with op.batch_alter_table("deployments", table_kwargs=_NUMBERED) as batch_op:
        batch_op.add_column(sa.Column("plan", sa.JSON(), nullable=True))
    _name_workspaces()
    _plan_deployments()
    with op.batch_alter_table("workspaces", table_kwargs=_NUMBERED) as batch_op:
        batch_op.alter_column("slug", existing_type=sa.String(length=63), nullable=False)
        batch_op.create_unique_constraint(batch_op.f("uq_workspaces_slug"), ["slug"])
    with op.batch_alter_table("pipelines", table_kwargs=_NUMBERED) as batch_op:
        batch_op.alter_column("form", existing_type=sa.String(length=16), server_default=None)
    with op.batch_alter_table("deployments", table_kwargs=_NUMBERED) as batch_op:
        batch_op.alter_column("plan", existing_type=sa.JSON(), nullable=False)


def _name_workspaces() -> None:
    workspaces = sa.table("workspaces", sa.column("id"), sa.column("name"), sa.column("slug"))
    taken: set[str] = set()
    for key, name in op.get_bind().execute(sa.select(workspaces.c.id, workspaces.c.name).order_by("id")).all():
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
        slug = re.sub(r"[^a-z0-9]+", "-", plain)[:50].strip("-") or "workspace"
        free = slug if slug not in taken else f"{slug}-{key}"
        taken.add(free)
        op.execute(workspaces.update().where(workspaces.c.id == key).values(slug=free))


def _plan_deployments() -> None:
    """Until now models ran one after another."""
    deployments = sa.table("deployments", sa.column("id"), sa.column("models", sa.JSON()), sa.column("plan", sa.JSON()))
    for key, models in op.get_bind().execute(sa.select(deployments.c.id, deployments.c.models)).all():
        loaded = json.loads(models) if isinstance(models, str) else models
        nodes = [{"kind": "model", "name": f"step-{at}", "model": at} for at in range(len(loaded))]
        plan = {"targets": [{"name": "", "weight": 100, "node": {"kind": "chain", "nodes": nodes}}], "shadow": None}
        op.execute(deployments.update().where(deployments.c.id == key).values(plan=plan))
