"""A pipeline that tests log for and watch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelyard.core.kernel.actor import Actor
from modelyard.core.monitoring.detection import Detection
from modelyard.core.monitoring.detectors import DetectorView, NewDetector, create_detector, get_detector
from modelyard.core.monitoring.entities import DetectorKind, DetectorResult
from modelyard.core.serving.entities import Pipeline
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.routes import Route
from modelyard.segments.reader import SegmentReader
from modelyard.segments.writer import SegmentWriter
from modelyard.storage.store import SqlStore


@dataclass
class Watched:
    """The pipeline ``p`` in the namespace ``w``, with a log that ``log`` writes to."""

    store: SqlStore
    actor: Actor
    pipeline: Pipeline
    route: Route
    logs: Path
    writer: SegmentWriter
    reader: SegmentReader
    time_ms: int = 1_000

    def log(self, values: Any, **noted: Any) -> None:
        """Log one request of these rows [rows, features]."""
        rows = np.asarray(values, dtype=np.float64)
        rows = rows.reshape(len(rows), -1)
        self.time_ms += 1_000
        result = Result(len(rows), {"x": rows}, {"y": rows[:, :1] * 2}, [5], "m", **noted)
        self.writer.append(self.route, self.time_ms, result, {})

    def detector(self, kind: DetectorKind, name: str = "d", window: int = 50, **more: Any) -> DetectorView:
        """Make a detector that begins where the log ends."""
        cursor = {each: part.end for each, part in self.reader.partitions(self.pipeline.id).items()}
        new = NewDetector(kind, name, {}, window, cursor=cursor, **more)
        return self.store.run_write(create_detector, self.actor, "w", "p", new)

    def view(self, kind: DetectorKind, name: str = "d") -> DetectorView:
        return self.store.run_read(get_detector, self.actor, "w", "p", kind, name)

    def results(self) -> list[DetectorResult]:
        return self.store.run_read(lambda tx: tx.find(DetectorResult))

    def run(self, rounds: int = 1, *, notified: bool = False) -> None:
        """Let detectors run, as another process does after a restart."""
        for _ in range(rounds):
            Detection(self.store, SegmentReader(self.logs), notified=notified).run_once()
