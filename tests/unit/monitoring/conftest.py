"""A pipeline in a store, and a log that tests write by hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from watched_pipeline import Watched

from modelyard.core.access.permissions import Role
from modelyard.core.catalogue.workspaces import create_workspace
from modelyard.core.identity.users import NewUser, add_user, load_actor
from modelyard.core.serving.entities import Pipeline
from modelyard.core.serving.graph.compiling import compile_plan
from modelyard.core.serving.graph.nodes import Step
from modelyard.core.serving.graph.plan import model, plan
from modelyard.core.serving.pipelines import create_pipeline
from modelyard.core.serving.routes import Route
from modelyard.engines import onnx
from modelyard.segments.reader import SegmentReader
from modelyard.segments.writer import SegmentWriter
from modelyard.storage.store import SqlStore

MODEL = Path(__file__).parents[3] / "examples" / "models" / "ccfraud.onnx"


@pytest.fixture
def watched(store: SqlStore, tmp_path: Path) -> Iterator[Watched]:
    user = store.run_write(add_user, NewUser("owner", None, None, (Role.USER,)))
    actor = store.run_read(load_actor, user.id, None)
    workspace = store.run_write(create_workspace, actor, "w")
    store.run_write(create_pipeline, actor, workspace.id, "p", {})
    [pipeline] = store.run_read(lambda tx: tx.find(Pipeline))
    served = plan(model("m", 0))
    graph = compile_plan(served, [Step(onnx.load(MODEL))])
    route = Route(1, 1, "p-1", workspace.id, "w", pipeline.id, "p", "v-uuid", graph, served, ())
    logs = tmp_path / "logs"
    writer = SegmentWriter(logs, "w1")
    yield Watched(store, actor, pipeline, route, logs, writer, SegmentReader(logs))
    writer.close()
