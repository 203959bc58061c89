"""A replay: logged requests one after another, answered by the graph of another version."""

import json
from asyncio import to_thread
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from modelyard.core.automation.comparing import Answered, Comparison
from modelyard.core.automation.replay import ReplayModel, ReplayWork
from modelyard.core.catalogue.artifacts import ArtifactStore
from modelyard.core.kernel.errors import DomainError
from modelyard.core.monitoring.inference_log import Cursor, LogReader, LogRows, PageRequest, PageStatus
from modelyard.core.serving.graph.compiling import compile_plan
from modelyard.core.serving.graph.graph import Graph
from modelyard.core.serving.graph.nodes import LoadedModel, Step
from modelyard.core.serving.starting import Startable
from modelyard.runner.progress import Progress

_PAGE_ROWS = 5000
_PAGE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Loading:
    """Where logs and models are, and what loads a model: from its file, or in a process that ends with the replay."""

    logs: LogReader
    artifacts: ArtifactStore
    load: Callable[[Path], LoadedModel]
    lend: Callable[[Startable], AbstractContextManager[LoadedModel]]


class ReplayRun:
    """One replay."""

    def __init__(self, loading: Loading, work: ReplayWork, progress: Progress) -> None:
        self._loading = loading
        self._work = work
        self._progress = progress
        self._comparison = Comparison(work.definition.tolerance)

    async def run(self) -> dict[str, Any]:
        """The report."""
        with ExitStack() as lent:
            graph = await to_thread(self._graph, lent)
            cursor: Cursor | None = None
            left = self._work.definition.limit
            while left > 0:
                rows, cursor = await to_thread(self._page, cursor, left)
                await to_thread(self._answer, graph, rows)
                left -= rows.rows
                if cursor is None:
                    break
        return {"version": self._work.definition.version, **self._comparison.report()}

    def _graph(self, lent: ExitStack) -> Graph:
        return compile_plan(self._work.plan, [self._step(model, lent) for model in self._work.models])

    def _step(self, model: ReplayModel, lent: ExitStack) -> Step:
        label = json.dumps({"model_name": model.name, "model_sha": model.sha})
        if model.start is not None:
            loaded = lent.enter_context(self._loading.lend(model.start))
        else:
            self._loading.artifacts.verify(model.sha)
            loaded = self._loading.load(self._loading.artifacts.path(model.sha))
        return Step(loaded, model.tensor_fields, label)

    def _page(self, cursor: Cursor | None, left: int) -> tuple[LogRows, Cursor | None]:
        """(rows, where to go on; None after the last)."""
        wanted = self._work.definition
        request = PageRequest(
            size=min(_PAGE_ROWS, left),
            max_bytes=_PAGE_BYTES,
            cursor=cursor,
            start=wanted.start,
            end=wanted.end,
            noted=True,
        )
        page = self._loading.logs.page(self._work.pipeline_id, request)
        return page.rows, None if page.status is PageStatus.ALL else page.next

    def _answer(self, graph: Graph, rows: LogRows) -> None:
        for low, high in _requests(rows):
            self._compare(graph, rows, low, high)
            self._progress.done += high - low

    def _compare(self, graph: Graph, rows: LogRows, low: int, high: int) -> None:
        columns: Any = rows.columns
        try:
            result = graph.run(_part(columns, "in.", low, high))
        except DomainError as error:
            self._comparison.fail(high - low, error.message)
            self._progress.failed += high - low
            return
        answered = Answered(
            request_id=columns["metadata.request_id"][low],
            time_ms=int(columns["time"][low]),
            logged=_part(columns, "out.", low, high),
            replayed=result.outputs,
            logged_elapsed=sum(columns["metadata.elapsed"][low]),
            replayed_elapsed=sum(result.elapsed),
        )
        self._comparison.add(answered, high - low)


def _requests(rows: LogRows) -> Iterator[tuple[int, int]]:
    """The rows of each request, as [low, high): they stand together and share its id."""
    if not rows.rows:
        return
    columns: Any = rows.columns
    ids = np.array(columns["metadata.request_id"], dtype=object)
    times = np.asarray(columns["time"])
    ends = np.flatnonzero((ids[1:] != ids[:-1]) | (times[1:] != times[:-1])) + 1
    yield from pairwise([0, *ends.tolist(), rows.rows])


def _part(columns: Any, prefix: str, low: int, high: int) -> dict[str, Any]:
    """Some rows of the columns whose names begin so, by the rest of their names."""
    return {
        name.removeprefix(prefix): values[low:high]
        for name, values in columns.items()
        if name.startswith(prefix) and not name.startswith("out._")
    }
