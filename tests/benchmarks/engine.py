"""An estimator that runs in processes of its own: beside MLServer and a server written by hand, replaced, flooded.

Ratios by the clock count. The processor time that a request takes is shown beside them: where other work takes the
cores, whoever has several processes waits longer for them, which says nothing of a machine that is free.
"""

import json
import statistics
import threading
from collections.abc import Sequence
from typing import Protocol

import psutil
from tests.benchmarks import engine_servers as servers
from tests.benchmarks import load, open_load
from tests.benchmarks.figures import Figure
from tests.benchmarks.overload import overloaded
from tests.benchmarks.servers import Server, modelyard

_ROUNDS, _SECONDS, _AT_ONCE = 5, 3, 16
_RATE, _LONG_SECONDS, _SWITCHES = 200, 60, 10
_JSON = {"Content-Type": "application/json"}
_OURS, _CONVERTED, _MLSERVER, _BY_HAND = range(4)

_Runs = Sequence[tuple[float, float]]
"""For each server (requests a second, microseconds of processor time for one)."""


class _Tree(Protocol):
    def tree(self) -> list[psutil.Process]:
        """All processes of a server."""


def figures() -> list[Figure]:
    """One row a request; a version that changes under load; five times what can be answered."""
    model = servers.estimator()
    with modelyard(workers=1) as ours:
        kept = servers.uploaded(ours, "apart", model, convert=False)
        first, again = servers.deploy(ours, "apart", kept), servers.deploy(ours, "again", kept)
        found = [_start(first), _start(again), *_single_rows(ours, kept["input"], model)]
        url, body = f"{ours.url}/v2/models/apart/infer", servers.v2_body(kept["input"])
        found += _switched(
            ours, url, body, [kept, servers.uploaded(ours, "apart", servers.estimator(1), convert=False)]
        )
        forest = servers.uploaded(ours, "forest", servers.forest(), convert=False)
        servers.deploy(ours, "forest", forest)
        url, body = f"{ours.url}/v2/models/forest/infer", servers.v2_body(forest["input"])
        return found + overloaded("a forest in its process", ours, url, body, rounds=1, seconds=_LONG_SECONDS)


def _start(seconds: float) -> Figure:
    return Figure("start in an environment that is built", f"{seconds:.1f} s", "< 2 s", seconds < 2)


def _single_rows(ours: Server, named: str, model: bytes) -> list[Figure]:
    converted = servers.uploaded(ours, "converted", model, convert=True)
    servers.deploy(ours, "converted", converted)
    by_hand = json.dumps({"features": servers.ROW}).encode()
    row, headers = servers.v2_body(named), _JSON | ours.authorization
    with servers.mlserver(model) as mlserver, servers.by_hand(model) as hand:
        asked: list[tuple[_Tree, str, bytes, dict[str, str]]] = [
            (ours, f"{ours.url}/v2/models/apart/infer", row, headers),
            (ours, f"{ours.url}/v2/models/converted/infer", servers.v2_body(converted["input"]), headers),
            (mlserver, mlserver.url, row, _JSON),
            (hand, hand.url, by_hand, _JSON),
        ]
        runs = [[_run(*each) for each in asked] for _ in range(_ROUNDS)]
    return [
        _ratio("in its process, against MLServer", runs, (_OURS, _MLSERVER), 3),
        _ratio("in its process: share of FastAPI by hand", runs, (_OURS, _BY_HAND), 0.7),
        _ratio("converted to ONNX, against MLServer", runs, (_CONVERTED, _MLSERVER), 3),
        _ratio("converted to ONNX: share of FastAPI by hand", runs, (_CONVERTED, _BY_HAND), 0.7),
    ]


def _run(server: _Tree, url: str, body: bytes, headers: dict[str, str]) -> tuple[float, float]:
    before = _cpu(server)
    found = load.run(url, body, headers, _AT_ONCE, _SECONDS)
    if found.failures:
        raise RuntimeError(f"{found.failures} requests failed")
    return found.rps, (_cpu(server) - before) / (_SECONDS * found.rps) * 1e6


def _cpu(server: _Tree) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in server.tree())


def _ratio(what: str, runs: Sequence[_Runs], of: tuple[int, int], goal: float) -> Figure:
    rates, times = ([[run[server][at] for run in runs] for server in of] for at in (0, 1))
    ratio = statistics.median(a / b for a, b in zip(*rates, strict=True))
    by_cpu = statistics.median(b / a for a, b in zip(*times, strict=True))
    (ours, peer), (cost, peers) = (map(statistics.median, each) for each in (rates, times))
    processor = f"{by_cpu:.2f} by processor time, {cost:.0f} of {peers:.0f} µs"
    shown = f"{ratio:.2f} ({ours:,.0f} of {peer:,.0f} requests/s; {processor})"
    return Figure(f"single row, scikit-learn {what}", shown, f">= {goal:.2f}", ratio >= goal)


def _switched(server: Server, url: str, body: bytes, versions: Sequence[dict[str, str]]) -> list[Figure]:
    """The deployment's version changed again and again, under requests that do not wait for one another."""
    headers = _JSON | server.authorization
    usual = open_load.run(url, body, headers, _RATE, _LONG_SECONDS / 3)
    under: list[open_load.OpenLoad] = []
    asking = threading.Thread(
        target=lambda: under.append(open_load.run(url, body, headers, _RATE, _LONG_SECONDS)), daemon=True
    )
    asking.start()
    switches = 0
    while asking.is_alive():
        switches += asking.is_alive()
        servers.deploy(server, "apart", versions[switches % 2])
        asking.join(_LONG_SECONDS / (_SWITCHES + 2))
    (found,) = under
    failed = found.others + round(found.refused * _LONG_SECONDS)
    slower = found.good_p99_ms / usual.good_p99_ms
    what = f"version changed {switches} times under {_RATE} requests/s for {_LONG_SECONDS} s"
    lost = f"{failed} of {found.good * _LONG_SECONDS + failed:,.0f} {found.first_other}"
    shown = f"{slower:.2f} ({found.good_p99_ms:.0f} of {usual.good_p99_ms:.0f} ms)"
    return [
        Figure(f"{what}: failed", lost, "0", failed == 0),
        Figure(f"{what}: p99 against no change", shown, "<= 3.00", slower <= 3),
    ]
