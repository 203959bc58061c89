"""Alembic's entry: runs the migrations on the connection that ``migrate`` hands over."""

from alembic import context

from modelyard.storage.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
