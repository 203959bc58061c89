"""All benchmarks and their goals; prints a table and exits with 1 when a goal is missed.

Figures are taken in turn with their floor, several times, and the median of the ratios counts: a machine that is busy
with other things slows both.
"""

import asyncio
import io
import json
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import onnxruntime as ort
import psutil
import pyarrow as pa
from rich.console import Console
from rich.table import Table
from tests.benchmarks import archive, engine, graph, load, log_search, open_inference, overload, tracking
from tests.benchmarks.figures import Figure
from tests.benchmarks.servers import MODEL, ROWS, SDK_QUERY, Server, deployed, floor, modelyard

from modelyard.core.kernel.actor import Actor
from modelyard.web.authentication import TokenAuthenticator

_ROUNDS = 7
_SECONDS = 2
_JSON = {"Content-Type": "application/json"}
_ARROW = {"Content-Type": "application/vnd.apache.arrow.file", "Accept": "application/vnd.apache.arrow.file"}


def single_rows(server: Server, url: str, floor_url: str) -> list[Figure]:
    """One row a request, as the SDK asks for it."""
    body, headers = json.dumps(ROWS[:1]).encode(), _JSON | server.authorization
    many, one = [], []
    for _ in range(_ROUNDS):
        pair = [load.run(u, body, h, 16, _SECONDS) for u, h in ((f"{url}?{SDK_QUERY}", headers), (floor_url, _JSON))]
        many.append((pair[0].rps, pair[1].rps))
        pair = [load.run(u, body, h, 1, _SECONDS) for u, h in ((f"{url}?{SDK_QUERY}", headers), (floor_url, _JSON))]
        one.append((pair[0].p50_us, pair[1].p50_us))
        if pair[0].failures:
            raise RuntimeError("requests failed")
    ratio, slower = _median_ratio(many), _median_ratio(one)
    return [
        Figure(
            "single-row JSON, 16 connections, one worker: share of the floor",
            f"{ratio:.2f} ({_median(many, 0):,.0f} of {_median(many, 1):,.0f} requests/s)",
            ">= 0.60",
            ratio >= 0.6,
        ),
        Figure(
            "single-row JSON, one connection: p50 against the floor",
            f"{slower:.2f} ({_median(one, 0):.0f} of {_median(one, 1):.0f} µs)",
            "<= 2.00",
            slower <= 2,
        ),
    ]


def arrow_batches(server: Server, url: str) -> list[Figure]:
    """10,000 rows a request, against pyarrow and onnxruntime in a loop."""
    body, headers = _arrow_body(10_000), _ARROW | server.authorization
    pairs = []
    for _ in range(_ROUNDS):
        ours = load.run(f"{url}?{SDK_QUERY}", body, headers, 1, _SECONDS)
        pairs.append((ours.rps, 1 / _seconds_each(_arrow_loop(body), 20)))
    ratio = _median_ratio(pairs)
    measured = f"{ratio:.2f} ({_median(pairs, 0) * 10_000:,.0f} of {_median(pairs, 1) * 10_000:,.0f} rows/s)"
    return [Figure("Arrow batches of 10,000 rows: share of a plain loop", measured, ">= 0.50", ratio >= 0.5)]


def control_plane(server: Server) -> list[Figure]:
    """Lists that go to the database."""
    rates = [
        load.run(f"{server.url}/v1/api/workspaces/list", b"{}", _JSON | server.authorization, 16, _SECONDS).rps
        for _ in range(3)
    ]
    rate = statistics.median(rates)
    return [Figure("workspaces/list, one worker", f"{rate:,.0f} requests/s", ">= 1,000", rate >= 1000)]


def token_check() -> list[Figure]:
    """A token that was verified before."""

    async def verify(_: str) -> _Verified:
        return _Verified()

    authenticator = TokenAuthenticator(_NoStore(), verify)  # type: ignore[arg-type]
    header = b"Bearer " + b"x" * 1300
    asyncio.run(authenticator.resolve(header))
    seconds = _seconds_each(lambda: authenticator.cached(header), 20_000)
    return [Figure("warm token check", f"{seconds * 1e6:.1f} µs", "< 20 µs", seconds < 20e-6)]


def memory() -> list[Figure]:
    """What an idle tree with two workers holds."""
    with modelyard(workers=2) as server:
        time.sleep(3)
        rss = sum(process.memory_info().rss for process in server.tree()) / 2**20
        pss = sum(process.memory_full_info().pss for process in server.tree()) / 2**20
    return [
        Figure("idle memory, two workers", f"{rss:.0f} MB resident ({pss:.0f} MB proportional)", "< 350", rss < 350)
    ]


def two_workers() -> list[Figure]:
    """Two workers against one. The load client needs a core, too: on two cores this is a lower bound."""
    body, rates = json.dumps(ROWS[:1]).encode(), {}
    for workers in (1, 2):
        with modelyard(workers) as server:
            url = f"{deployed(server)}?{SDK_QUERY}"
            runs = [load.run(url, body, _JSON | server.authorization, 16, _SECONDS).rps for _ in range(5)]
            rates[workers] = statistics.median(runs)
    ratio = rates[2] / rates[1]
    enough = (psutil.cpu_count() or 1) > 2
    measured = f"{ratio:.2f} ({rates[2]:,.0f} of {rates[1]:,.0f} requests/s, {psutil.cpu_count()} cores)"
    return [Figure("two workers against one", measured, ">= 1.60 with two cores free", ratio >= 1.6 or not enough)]


class _NoStore:
    async def read(self, *_: object) -> Actor:
        return Actor("u", "u")


class _Verified:
    user_id, client_id, expires_at, token_id, session_id, jti = "u", "c", int(time.time()) + 3600, "t", None, None


def _arrow_body(rows: int) -> bytes:
    tensor = np.random.default_rng(0).normal(size=(rows, 29)).astype(np.float32)
    offsets = np.arange(0, rows * 29 + 1, 29, dtype=np.int32)
    table = pa.table({"tensor": pa.ListArray.from_arrays(offsets, tensor.ravel())})
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as file:
        file.write_table(table)
    return sink.getvalue()


def _arrow_loop(body: bytes) -> Callable[[], object]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(MODEL), options, providers=["CPUExecutionProvider"])

    def once() -> bytes:
        table = pa.ipc.open_file(pa.py_buffer(body)).read_all()
        column = table.column("tensor").combine_chunks()
        tensor = column.flatten().to_numpy().reshape(len(column), -1)
        (output,) = session.run(None, {"tensor": tensor})
        sink = pa.BufferOutputStream()
        answer = table.append_column("dense_1", pa.array(output[:, 0]))
        with pa.ipc.new_file(sink, answer.schema) as file:
            file.write_table(answer)
        return bytes(sink.getvalue())

    return once


def _seconds_each(work: Callable[[], object], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - began) / times


def _median(pairs: list[tuple[float, float]], at: int) -> float:
    return statistics.median(pair[at] for pair in pairs)


def _median_ratio(pairs: list[tuple[float, float]]) -> float:
    return statistics.median(a / b for a, b in pairs)


def main(names: list[str]) -> int:
    """Run the benchmarks named, or all."""
    figures: list[Figure] = []
    everything = [
        *(
            "inference",
            "v2",
            "token",
            "memory",
            "workers",
            "tracking",
            "search",
            "graph",
            "overload",
            "archive",
            "logs",
            "engine",
        )
    ]
    chosen = names or everything
    if "inference" in chosen:
        with modelyard(workers=1) as server, floor() as floor_url:
            url = deployed(server)
            figures += [*single_rows(server, url, floor_url), *arrow_batches(server, url), *control_plane(server)]
    figures += open_inference.figures() if "v2" in chosen else []
    figures += token_check() if "token" in chosen else []
    figures += memory() if "memory" in chosen else []
    figures += two_workers() if "workers" in chosen else []
    figures += [*tracking.against_mlflow(), *tracking.warm_basic()] if "tracking" in chosen else []
    figures += tracking.large_searches() if "search" in chosen else []
    figures += log_search.archived_rows() if "logs" in chosen else []
    figures += graph.three_nodes() if "graph" in chosen else []
    figures += overload.figures() if "overload" in chosen else []
    figures += archive.archived_log() if "archive" in chosen else []
    figures += engine.figures() if "engine" in chosen else []
    table = Table("", "measured", "goal", "")
    for figure in figures:
        table.add_row(figure.what, figure.measured, figure.goal, "ok" if figure.good else "MISSED")
    Console(width=150).print(table)
    return 0 if all(figure.good for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
