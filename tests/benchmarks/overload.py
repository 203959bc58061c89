"""Five times what the server can answer: how much of it is answered, how fast the rest is refused, and the memory.

Shares of the peak are taken twice: by the clock, which counts, and by the server's processor time for an answer, which
tells more where other work takes the cores.
"""

import json
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmarks import load, open_load
from tests.benchmarks.figures import Figure
from tests.benchmarks.servers import ROWS, SDK_QUERY, Server, deployed, modelyard
from tests.slow_onnx import slow

_ROUNDS, _SECONDS, _TIMES = 3, 8, 5
_SIZE = 500
"""Of the matrices: some milliseconds of one core."""
_JSON = {"Content-Type": "application/json"}
_ROW = json.dumps([{"x": [3.0]}]).encode()
_LOOP, _BESIDE = "a model of some ms on the event loop", "the same beside it, in its lane"


def figures() -> list[Figure]:
    """On the event loop and in a lane; then more connections than anybody needs with a model that takes no time."""
    found: list[Figure] = []
    with modelyard(workers=1) as server:
        for what, batching in ((_LOOP, None), (_BESIDE, {"batch_size_target": 1, "max_batch_delay_ms": 1})):
            name = "lane" if batching else "loop"
            url = f"{deployed(server, name, slow(_SIZE), batching)}?{SDK_QUERY}"
            found += overloaded(what, server, url, _ROW)
        found.append(_crowd(server, f"{deployed(server)}?{SDK_QUERY}"))
    return found


def overloaded(  # one flood
    what: str, server: Server, url: str, body: bytes, rounds: int = _ROUNDS, seconds: float = _SECONDS
) -> list[Figure]:
    """Send five times the peak, so often for so many seconds."""
    headers, runs = _JSON | server.authorization, list[tuple[float, float, open_load.OpenLoad]]()
    with _memory(server) as sizes:
        for _ in range(rounds):
            before = _cpu(server)
            peak = load.run(url, body, headers, 8, 4).rps
            between = _cpu(server)
            flood = open_load.run(url, body, headers, _TIMES * peak, seconds)
            spent = ((between - before) / (4 * peak), (_cpu(server) - between) / (seconds * max(flood.good, 1)))
            runs.append((flood.good / peak, spent[0] / spent[1], flood))
    share, by_cpu = (statistics.median(each[at] for each in runs) for at in (0, 1))
    late = statistics.median(each[2].refused_p99_ms for each in runs)
    last = runs[-1][2]
    rates = f"{by_cpu:.2f} by processor time; {last.good:,.0f} answered, {last.refused:,.0f} refused/s"
    more = max(sizes) - sizes[0]
    return [
        Figure(f"overload, {what}: share of the peak", f"{share:.2f} ({rates})", ">= 0.80", share >= 0.8),
        Figure(f"overload, {what}: refusals' p99", f"{late:.0f} ms", "<= 100 ms", late <= 100),
        Figure(f"overload, {what}: memory", f"+{more:.0f} MB", "<= 100 MB", more <= 100),
    ]


def _crowd(server: Server, url: str) -> Figure:
    body, headers, shares = json.dumps(ROWS[:1]).encode(), _JSON | server.authorization, []
    for _ in range(_ROUNDS):
        marks = [_cpu(server)]
        rates = []
        for connections in (16, 1000):
            found = load.run(url, body, headers, connections, 4)
            rates.append(max(found.rps - found.failures / 4, 1))
            marks.append(_cpu(server))
        spent = [(marks[at + 1] - marks[at]) / rates[at] for at in (0, 1)]
        shares.append((rates[1] / rates[0], spent[0] / spent[1]))
    share, by_cpu = (statistics.median(each[at] for each in shares) for at in (0, 1))
    what = "a small model, 1,000 connections against 16: share of the peak"
    return Figure(what, f"{share:.2f} ({by_cpu:.2f} by processor time)", ">= 0.80", share >= 0.8)


def _cpu(server: Server) -> float:
    """Seconds of processor time that the server has taken."""
    return sum(sum(process.cpu_times()[:2]) for process in server.tree())


@contextmanager
def _memory(server: Server) -> Iterator[list[float]]:
    """What the tree holds in MB, the first before anything, while something goes on."""
    sizes, ended = list[float](), threading.Event()

    def watch() -> None:
        while not ended.wait(0.5):
            sizes.append(sum(process.memory_info().rss for process in server.tree()) / 2**20)

    time.sleep(1)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield sizes
    finally:
        ended.set()
        watcher.join()
