"""A pipeline in a store, whose log is written by hand and archived."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from archived_pipeline import Archived

from modelyard.core.access.permissions import Role
from modelyard.core.catalogue.workspaces import create_workspace
from modelyard.core.identity.users import NewUser, add_user, load_actor
from modelyard.core.serving.entities import Pipeline
from modelyard.core.serving.pipelines import create_pipeline
from modelyard.storage.store import SqlStore


@pytest.fixture
def archived(store: SqlStore, tmp_path: Path) -> Iterator[Archived]:
    user = store.run_write(add_user, NewUser("owner", None, None, (Role.USER,)))
    actor = store.run_read(load_actor, user.id, None)
    workspace = store.run_write(create_workspace, actor, "w")
    store.run_write(create_pipeline, actor, workspace.id, "p", {})
    [pipeline] = store.run_read(lambda tx: tx.find(Pipeline))
    made = Archived(store, actor, pipeline, tmp_path / "logs", tmp_path / "archive")
    yield made
    made.close()
