"""Running a deployment on a request, the same for all protocols."""

import time
from collections.abc import Mapping

from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.routes import Route
from modelyard.core.serving.tensors import Column, Columns


def run(route: Route, columns: Columns, began: int) -> tuple[Result, Mapping[str, Column]]:
    """(the result, those of the columns that no model took); ``began`` is when the request came, in nanoseconds."""
    parsed = time.perf_counter_ns() - began
    result = route.graph.run(columns)
    result.elapsed.insert(0, parsed)
    taken = result.inputs
    extra = {} if len(columns) == len(taken) else {n: v for n, v in columns.items() if n not in taken}
    return result, extra


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
