"""The archive of the inference log: how fast it is made, how large, and how fast a day of it is found.

``python -m tests.benchmarks.archive read FOLDER`` is the process that reads.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from tests.benchmarks.figures import Figure
from tests.benchmarks.servers import MODEL

from modelyard.archive.reader import LogArchiveReader
from modelyard.core.access.permissions import Role
from modelyard.core.catalogue.workspaces import create_workspace
from modelyard.core.identity.users import NewUser, add_user, load_actor
from modelyard.core.monitoring.inference_log import PageRequest, RequestQuery
from modelyard.core.serving.graph.compiling import compile_plan
from modelyard.core.serving.graph.nodes import Step
from modelyard.core.serving.graph.plan import model, plan
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.pipelines import create_pipeline
from modelyard.core.serving.routes import Route
from modelyard.engines import onnx
from modelyard.segments.writer import SegmentWriter
from modelyard.storage.migrate import migrate
from modelyard.storage.store import SqlStore, sqlite_url

_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_DAYS = 30
_DAY_MS = 24 * 3600 * 1000
_PIPELINE = 1
_VARIETY = 100_000
"""Rows that differ: more than a row group has."""


def archived_log(rows: int = 10_000_000, singles: int = 300_000) -> list[Figure]:
    """A month of rows of 29 numbers: ``singles`` of them came one by one, the others by the hundred."""
    with tempfile.TemporaryDirectory(prefix="modelyard-bench-") as place:
        folder = Path(place)
        route = _prepared(folder)
        append_us = _write(folder, route, singles, 1, 0) / singles * 1e6
        alone = _archived(folder, singles)
        batches = (rows - singles) // 100
        _write(folder, route, batches, 100, 1)
        size = sum(path.stat().st_size for path in (folder / "logs").rglob("*.seg"))
        many = _archived(folder, batches * 100)
        files = list((folder / "archive").rglob("*.parquet"))
        share = sum(path.stat().st_size for path in files) / (size * rows / (batches * 100))
        read = _read(folder)
    return [
        Figure("appending a single row to the log", f"{append_us:.1f} µs", "<= 9 µs", append_us <= 9),
        _made("archiving rows that came one by one", alone),
        _made("archiving rows that came by the hundred", many),
        Figure(
            f"archive of {rows:,} rows", f"{len(files)} files, {share:.2f} of the segments", "< 100", len(files) < 100
        ),
        _timed("a page of 1,000 rows of one day", read["page"], 1),
        _timed("1,000 requests of one day", read["requests"], 1),
        _timed("all of one day counted by target", read["tallies"], 1),
        Figure("memory of the process that reads", f"{read['memory']} MB", "< 500 MB", read["memory"] < 500),
    ]


def _made(what: str, made: tuple[float, int]) -> Figure:
    rate, memory = made
    return Figure(what, f"{rate:,.0f} rows/s on one core, {memory} MB", "< 300 MB", memory < 300)


def _timed(what: str, seconds: float, most: float) -> Figure:
    return Figure(what, f"{seconds * 1000:.0f} ms", f"< {most * 1000:.0f} ms", seconds < most)


def _prepared(folder: Path) -> Route:
    """A database with one pipeline."""
    store = SqlStore(sqlite_url(folder / "modelyard.db"))
    migrate(store)
    user = store.run_write(add_user, NewUser("owner", None, None, (Role.USER,)))
    actor = store.run_read(load_actor, user.id, None)
    workspace = store.run_write(create_workspace, actor, "w")
    store.run_write(create_pipeline, actor, workspace.id, "p", {})
    store.close()
    served = plan(model("m", 0))
    graph = compile_plan(served, [Step(onnx.load(MODEL))])
    return Route(1, 1, "p-1", workspace.id, "w", _PIPELINE, "p", "v", graph, served, ())


def _write(folder: Path, route: Route, requests: int, rows: int, seed: int) -> float:
    """Log requests over the month; the seconds of a core that it took."""
    writer, random = SegmentWriter(folder / "logs", f"w{seed}"), np.random.default_rng(seed)
    inputs = random.normal(size=(_VARIETY + rows, 29)).astype(np.float32)
    step, first = _DAYS * _DAY_MS / requests, int(_FIRST.timestamp() * 1000)
    began = time.process_time()
    for n in range(requests):
        x = inputs[n * rows % _VARIETY : n * rows % _VARIETY + rows]
        writer.append(
            route, first + int(n * step), Result(rows, {"tensor": x}, {"dense_1": x[:, :1]}, [40_000], "m"), {}
        )
    took = time.process_time() - began
    writer.close()
    return took


def _archived(folder: Path, rows: int) -> tuple[float, int]:
    """(rows a second of a core, megabytes) of the process that archives."""
    order = {"database": sqlite_url(folder / "modelyard.db"), "data": str(folder)}
    command = [sys.executable, "-m", "modelyard.bootstrap.archiving"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
    assert process.stdin is not None
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdin.close()
    assert process.returncode == 0
    return rows / (used.ru_utime + used.ru_stime), used.ru_maxrss // 1024


def _read(folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.archive", "read", str(folder)]
    told: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return told


def _reading(folder: Path) -> dict[str, Any]:
    """How long it takes to find things of one day, the first of them with nothing in memory."""
    store = SqlStore(sqlite_url(folder / "modelyard.db"))
    reader = LogArchiveReader(store, folder / "logs", folder / "archive")
    day = {"start": _FIRST + timedelta(days=17), "end": _FIRST + timedelta(days=18)}
    took: dict[str, Any] = {}
    for name, ask in {
        "page": lambda: reader.page(_PIPELINE, PageRequest(**day)),
        "requests": lambda: reader.requests(_PIPELINE, RequestQuery(limit=1000, **day)),
        "tallies": lambda: reader.tallies(_PIPELINE, RequestQuery(**day)),
    }.items():
        began = time.perf_counter()
        ask()
        took[name] = time.perf_counter() - began
    store.close()
    return took | {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_reading(Path(sys.argv[2]))))
