"""Logs to be searched: pipelines with rows that were really appended, and what asks about them."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from modelyard.archive.archiver import Archiver
from modelyard.core.access.permissions import Role
from modelyard.core.catalogue.workspaces import create_workspace
from modelyard.core.identity.users import NewUser, add_user, load_actor
from modelyard.core.monitoring.inference_log import Stream
from modelyard.core.monitoring.log_search import (
    Condition,
    Layout,
    Question,
    Scope,
    Search,
    Source,
    Statement,
)
from modelyard.core.serving.graph.compiling import compile_plan
from modelyard.core.serving.graph.nodes import Step
from modelyard.core.serving.graph.plan import model, plan
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.pipelines import create_pipeline
from modelyard.core.serving.routes import Route
from modelyard.engines import onnx
from modelyard.log_search.processes import LogSearchProcesses
from modelyard.segments.writer import SegmentWriter
from modelyard.storage.store import SqlStore
from stores import migrated

MODEL = Path(__file__).parents[3] / "examples" / "models" / "ccfraud.onnx"
FRAUD = Source(1, 1, "bank", "fraud")
HOUSES = Source(2, 1, "bank", "houses")
LABEL = '{"model_name": "m", "model_sha": "s"}'


def route(source: Source) -> Route:
    """A deployment of the pipeline."""
    served = plan(model("m", 0))
    graph = compile_plan(served, [Step(onnx.load(MODEL))])
    number = source.pipeline_id
    return Route(
        number, 1, f"{source.pipeline}-1", 1, source.workspace, number, source.pipeline, "v-uuid", graph, served, ()
    )


def result(*values: float, request_id: str = "") -> Result:
    """Rows of three inputs and one output."""
    rows = np.array(values, dtype=np.float32).reshape(-1, 1)
    return Result(len(rows), {"x": np.repeat(rows, 3, axis=1)}, {"y": rows}, [5], LABEL, request_id=request_id)


@dataclass
class Logs:
    """A folder of logs, and how it is asked."""

    folder: Path
    seconds: float = 30.0
    writer: SegmentWriter = field(init=False)
    store: SqlStore = field(init=False)

    def __post_init__(self) -> None:
        self.writer = SegmentWriter(self.folder / "logs", "w1")
        self.store = SqlStore(migrated(self.folder / "store.db"))
        user = self.store.run_write(add_user, NewUser("owner", None, None, (Role.USER,)))
        actor = self.store.run_read(load_actor, user.id, None)
        workspace = self.store.run_write(create_workspace, actor, "bank")
        for source in (FRAUD, HOUSES):
            version = self.store.run_write(create_pipeline, actor, workspace.id, source.pipeline, {})
            assert version.pipeline_id == source.pipeline_id

        folders = (self.folder / "logs", self.folder / "archive", self.folder / "scratch")
        self._processes = LogSearchProcesses(self.store, *folders, self.seconds)
        self._runner = asyncio.Runner()

    def archive(self) -> None:
        """Bring to the archive what was logged so far."""
        self.writer.roll(-1)
        Archiver(self.store, self.folder / "logs", self.folder / "archive").run_once()

    def close(self) -> None:
        """Let go of files, connections and processes."""
        with self._runner:
            self._runner.run(self._processes.close())
        self.writer.close()
        self.store.close()

    def append(self, source: Source, time_ms: int, rows: Result, **extra: Any) -> None:
        """Log rows that a request brought."""
        self.writer.append(route(source), time_ms, rows, extra, Stream.REQUESTS)

    def content(self, asked: Search | Statement, layout: Layout, *sources: Source, **scope: Any) -> bytes:
        """The whole answer."""
        question = Question(sources or (FRAUD,), Scope(**scope), asked, layout)
        return self._runner.run(self._content(question))

    def page(self, asked: Search | Statement, *sources: Source, **scope: Any) -> dict[str, Any]:
        """The answer as a page."""
        found: dict[str, Any] = json.loads(self.content(asked, Layout.PAGE, *sources, **scope))
        return found

    def sql(self, text: str, *sources: Source) -> list[dict[str, Any]]:
        """The rows that a statement gives."""
        rows: list[dict[str, Any]] = self.page(Statement(text), *sources)["rows"]
        return rows

    async def _content(self, question: Question) -> bytes:
        return b"".join([piece async for piece in self._processes.answer(question)])


def where(column: str, operator: Any, value: Any) -> Search:
    """A search with one condition, oldest first."""
    return Search((Condition(column, operator, value),), ("time", "out.y", "metadata.request_id"), newest_first=False)
