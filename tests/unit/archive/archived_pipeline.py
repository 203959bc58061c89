"""A pipeline whose log tests write, archive and read."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from modelyard.archive.archiver import Archiver
from modelyard.archive.reader import LogArchiveReader
from modelyard.core.kernel.actor import Actor
from modelyard.core.monitoring.entities import LogFile
from modelyard.core.monitoring.inference_log import (
    Cursor,
    LoggedRequest,
    LogReader,
    Page,
    PageRequest,
    RequestQuery,
    Stream,
)
from modelyard.core.serving.entities import Pipeline
from modelyard.core.serving.graph.compiling import compile_plan
from modelyard.core.serving.graph.nodes import Step
from modelyard.core.serving.graph.plan import model, plan
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.routes import Route
from modelyard.engines import onnx
from modelyard.segments.writer import SegmentWriter
from modelyard.storage.store import SqlStore

MODEL = Path(__file__).parents[3] / "examples" / "models" / "ccfraud.onnx"
DAY_MS = 24 * 3600 * 1000


@dataclass
class Archived:
    """The pipeline ``p`` in the workspace ``w``; ``log`` writes as one of several processes does."""

    store: SqlStore
    actor: Actor
    pipeline: Pipeline
    logs: Path
    folder: Path
    writers: dict[str, SegmentWriter] = field(default_factory=dict)

    def __post_init__(self) -> None:
        served = plan(model("m", 0))
        graph = compile_plan(served, [Step(onnx.load(MODEL))])
        where = (self.pipeline.workspace_id, "w", self.pipeline.id, "p", "v-uuid")
        self.route = Route(1, 1, "p-1", *where, graph, served, ())

    @property
    def reader(self) -> LogArchiveReader:
        """A reader that knows nothing yet."""
        return LogArchiveReader(self.store, self.logs, self.folder)

    def log(self, values: Any, time_ms: int, worker: str = "w1", stream: Stream = Stream.REQUESTS, **more: Any) -> None:
        """Log one request of these rows [rows]; ``more`` are of the result."""
        rows = np.asarray(values, dtype=np.float32).reshape(-1, 1)
        extra = more.pop("extra", {})
        outputs = more.pop("outputs", {"y": rows * 2})
        result = Result(len(rows), {"x": np.repeat(rows, 3, axis=1)}, outputs, [5, 6], "m", **more)
        writer = self.writers.setdefault(worker, SegmentWriter(self.logs, worker))
        writer.append(self.route, time_ms, result, extra, stream)

    def roll(self) -> None:
        """End the segments of all processes, which live on."""
        for writer in self.writers.values():
            writer.roll(-1)

    def close(self) -> None:
        for writer in self.writers.values():
            writer.close()

    def archive(self) -> None:
        """Do what another process of the server does now and then."""
        Archiver(self.store, self.logs, self.folder).run_once()

    def files(self) -> list[LogFile]:
        return self.store.run_read(lambda tx: tx.find(LogFile))

    def parquet(self) -> list[Path]:
        return sorted(self.folder.rglob("*.parquet"))

    def segments(self) -> list[Path]:
        return sorted(self.logs.rglob("*.seg"))

    def values(self, stream: Stream = Stream.REQUESTS) -> list[float]:
        """What was logged, oldest first."""
        found = pages(self.reader, self.pipeline.id, size=10**6, stream=stream)
        return [row[0] for page in found for row in np.asarray(page.rows.columns.get("in.x", [])).tolist()]

    def now_ms(self) -> int:
        """The time that the store has."""
        return int(self.store.run_read(lambda tx: tx.now).timestamp() * 1000)


def pages(reader: LogReader, pipeline_id: int, stream: Stream = Stream.REQUESTS, **asked: Any) -> list[Page]:
    """All pages of a log, one after another."""
    found, cursor = list[Page](), Cursor()
    while True:
        page = reader.page(pipeline_id, PageRequest(cursor=cursor or None, **asked), stream)
        found.append(page)
        if not page.next:
            return found
        cursor = page.next


def requests(reader: LogReader, pipeline_id: int, **asked: Any) -> list[LoggedRequest]:
    """All requests of a log, asked for one after another."""
    found, cursor, more = list[LoggedRequest](), Cursor(), True
    while more:
        page = reader.requests(pipeline_id, RequestQuery(cursor=cursor or None, **asked))
        found += page.requests
        cursor, more = page.next, page.more
    return found


def plain(value: Any) -> Any:
    """The value as what can be compared: arrays with their types."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tolist()
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return value
