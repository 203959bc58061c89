"""Searching ten million archived rows: ten days of one deployment, as its archive keeps them."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
import pyarrow as pa
from tests.benchmarks.figures import Figure

from modelyard.archive.files import GROUP_ROWS, FileWriter
from modelyard.archive.formats import FileSchema
from modelyard.core.access.permissions import Role
from modelyard.core.catalogue.workspaces import create_workspace
from modelyard.core.identity.users import NewUser, add_user, load_actor
from modelyard.core.kernel.store import Tx
from modelyard.core.monitoring.entities import LogFile
from modelyard.core.monitoring.log_search import (
    Condition,
    Layout,
    Operator,
    Question,
    Scope,
    Search,
    Source,
    Statement,
)
from modelyard.core.serving.pipelines import create_pipeline
from modelyard.log_search.processes import LogSearchProcesses
from modelyard.segments.frames import ColumnFormat
from modelyard.storage.migrate import migrate
from modelyard.storage.store import SqlStore, sqlite_url

_DAYS, _DAY_ROWS = 10, 1_000_000
_FIRST = datetime(2026, 3, 1, tzinfo=UTC)
_SOURCE = Source(1, 1, "bank", "fraud")
_INPUTS = 8
_SCHEMA = FileSchema((ColumnFormat("in.x", "<f4", (_INPUTS,)), ColumnFormat("out.y", "<f4", (1,))), 1)
_ROUNDS = 5


def archived_rows() -> list[Figure]:
    """A day's filter, a look-up, a count by SQL and the memory that they take."""
    with TemporaryDirectory() as folder:
        store = _store(Path(folder))
        try:
            return asyncio.run(_asked(store, Path(folder)))
        finally:
            store.close()


async def _asked(store: SqlStore, folder: Path) -> list[Figure]:
    processes = LogSearchProcesses(store, folder / "logs", folder / "archive", folder / "scratch")
    day = {"start": _FIRST + timedelta(days=4), "end": _FIRST + timedelta(days=5, milliseconds=-1)}
    high = Search((Condition("out.y", Operator.GREATER, 0.999),), limit=100)
    statement = Statement('select count(*) as n, avg("out.y"[1]) as mean from logs')
    questions = {
        "a one-day filter": Question((_SOURCE,), Scope(**day), high),
        "the newest rows": Question((_SOURCE,), Scope(), Search(limit=100)),
        "a request by its id": Question((_SOURCE,), Scope(request_id="r-5500000"), Search()),
        "SQL over one day": Question((_SOURCE,), Scope(**day), statement),
        "SQL over all days": Question((_SOURCE,), Scope(), statement),
    }
    goals = {"a one-day filter": 1.0, "a request by its id": 1.0}
    memory = _Memory()
    try:
        figures = [await _timed(name, processes, each, goals.get(name), memory) for name, each in questions.items()]
        export = Question((_SOURCE,), Scope(**day), Search(limit=None, newest_first=False), Layout.PARQUET)
        figures.append(await _timed("an export of one day as Parquet", processes, export, None, memory))
    finally:
        await processes.close()
    most = memory.most / 2**20
    return [*figures, Figure("log search: memory of its process", f"{most:.0f} MiB", "< 500 MiB", most < 500)]


async def _timed(
    name: str, processes: LogSearchProcesses, question: Question, goal: float | None, memory: "_Memory"
) -> Figure:
    seconds = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        watching = asyncio.create_task(memory.watch())
        size = 0
        async for piece in processes.answer(question):
            size += len(piece)
        watching.cancel()
        seconds.append(time.perf_counter() - began)
    median, first = sorted(seconds)[_ROUNDS // 2], seconds[0]
    wanted = f"< {goal:g} s" if goal is not None else "-"
    return Figure(
        f"log search of {_DAYS * _DAY_ROWS / 1e6:g} million rows: {name}",
        f"{median:.3f} s (first {first:.3f} s, {size:,} bytes)",
        wanted,
        goal is None or median < goal,
    )


class _Memory:
    """The most that processes below this one had resident at any moment that was looked at."""

    def __init__(self) -> None:
        self.most = 0

    async def watch(self) -> None:
        """Look until cancelled."""
        this = psutil.Process()
        while True:
            for child in this.children():
                try:
                    self.most = max(self.most, child.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue
            await asyncio.sleep(0.02)


def _store(folder: Path) -> SqlStore:
    store = SqlStore(sqlite_url(folder / "store.db"))
    migrate(store)
    user = store.run_write(add_user, NewUser("owner", None, None, (Role.USER,)))
    actor = store.run_read(load_actor, user.id, None)
    workspace = store.run_write(create_workspace, actor, "bank")
    store.run_write(create_pipeline, actor, workspace.id, "fraud", {})
    for day in range(_DAYS):
        store.run_write(_add, _written(folder / "archive", day))
    return store


def _add(tx: Tx, file: LogFile) -> None:
    tx.insert(file)


def _written(archive: Path, day: int) -> LogFile:
    date = _FIRST + timedelta(days=day)
    place = "pipeline=1/stream=requests"
    writer = FileWriter(archive, place, date.strftime("%Y-%m-%d"), _SCHEMA)
    for low in range(0, _DAY_ROWS, GROUP_ROWS):
        writer.write(_rows(date, day * _DAY_ROWS + low, min(GROUP_ROWS, _DAY_ROWS - low), low))
    done = writer.finish()
    times = [datetime.fromtimestamp(ms / 1000, UTC) for ms in (done.first_ms, done.last_ms)]
    what = (done.path, done.sha, done.schema, done.day, done.size, done.rows)
    return LogFile(0, 1, 1, "requests", *what, *times, done.parts, done.tallies, times[0])


def _rows(date: datetime, first: int, count: int, low: int) -> pa.Table:
    """Rows of one request each, evenly over the day."""
    random = np.random.default_rng(first)
    numbers = np.arange(first, first + count)
    begins = int(date.timestamp() * 1000)
    times = begins + ((np.arange(low, low + count) / _DAY_ROWS) * 86_400_000).astype(np.int64)
    values: Callable[[int], pa.Array] = lambda size: pa.FixedSizeListArray.from_arrays(  # noqa: E731
        pa.array(random.random(count * size, dtype=np.float32)), size
    )
    arrays = {
        "time": pa.array(times).cast(pa.timestamp("ms", tz="UTC")),
        "in.x": values(_INPUTS),
        "out.y": values(1),
        "anomaly.count": pa.array(np.zeros(count, np.uint32)),
        "metadata.row": pa.array(numbers),
        "metadata.first": pa.array(numbers),
        "metadata.request_id": pa.array([f"r-{number}" for number in numbers]),
        "metadata.elapsed": pa.array([[1000]] * count, pa.list_(pa.int64())),
    }
    texts = {"metadata.partition": "w1-000000", "metadata.target": "", "metadata.pipeline_version": "v"}
    arrays |= {name: pa.array([text] * count) for name, text in texts.items()}
    arrays["metadata.last_model"] = pa.array(['{"model_name": "m", "model_sha": "s"}'] * count)
    schema = _SCHEMA.arrow
    empty = pa.nulls(count, pa.string())
    return pa.table([arrays.get(field.name, empty).cast(field.type) for field in schema], schema)
