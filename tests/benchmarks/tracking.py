"""MLflow's API against MLflow's own server, with and without its authentication, and large searches."""

import asyncio
import base64
import os
import random
import secrets
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests
from tests.benchmarks import load
from tests.benchmarks.figures import Figure
from tests.benchmarks.servers import ROOT, free_port, modelyard, running

from modelyard.core.access.grants import ResourceType, new_grant
from modelyard.core.access.permissions import Role
from modelyard.core.audit.bounded import BoundedRecorder
from modelyard.core.identity.users import NewUser, add_user, find_by_login, load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.search import total_order
from modelyard.core.kernel.store import Part, Tx
from modelyard.core.tracking import experiments, runs
from modelyard.core.tracking.entities import Experiment, LatestMetric, Lifecycle, Run, RunParam, RunStatus, RunTag
from modelyard.core.tracking.first_start import ensure_tracking
from modelyard.dialects.mlflow import grammar
from modelyard.dialects.mlflow.dialect import renamed
from modelyard.issuers.embedded.credentials import CredentialCheck
from modelyard.issuers.embedded.passwords import Passwords
from modelyard.issuers.verifiers import Verifiers
from modelyard.storage.migrate import migrate
from modelyard.storage.store import SqlStore, sqlite_url
from modelyard.web.authentication import TokenAuthenticator
from modelyard.web.basic import BasicAuthenticator

_API = "/api/2.0/mlflow"
_JSON = {"Content-Type": "application/json"}
_ROUNDS, _SECONDS, _CONNECTIONS = 3, 3, 4
_USER, _PASSWORD = "bench", "a-long-password-for-the-bench"
_RUNS, _EXPERIMENTS = 100_000, 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """A server with an experiment of 51 runs in it, as one who is no administrator sees it."""

    url: str
    headers: dict[str, str]
    experiment: str
    run: str


@dataclass(frozen=True, slots=True)
class Request:
    """One kind of request; ``@N`` in the body is another number each time."""

    name: str
    method: str
    path: Callable[[Place], str]
    body: Callable[[Place], str] = lambda _: ""
    without_auth: bool = True


def _metric(number: int) -> str:
    return f'{{"key": "m{number}", "value": 0.5, "timestamp": @N, "step": @N}}'


REQUESTS = (
    Request("users/get", "GET", lambda _: f"/users/get?username={_USER}", without_auth=False),
    Request("experiments/get", "GET", lambda p: f"/experiments/get?experiment_id={p.experiment}"),
    Request("runs/get", "GET", lambda p: f"/runs/get?run_id={p.run}"),
    Request(
        "runs/log-metric",
        "POST",
        lambda _: "/runs/log-metric",
        lambda p: f'{{"run_id": "{p.run}", "key": "m0", "value": 0.5, "timestamp": @N, "step": @N}}',
    ),
    Request(
        "runs/log-batch of 20",
        "POST",
        lambda _: "/runs/log-batch",
        lambda p: f'{{"run_id": "{p.run}", "metrics": [{", ".join(_metric(n) for n in range(20))}]}}',
    ),
    Request(
        "runs/search of 50",
        "POST",
        lambda _: "/runs/search",
        lambda p: f'{{"experiment_ids": ["{p.experiment}"], "max_results": 50}}',
    ),
)


def against_mlflow() -> list[Figure]:
    """Requests a second of one worker of each, in turn; the median of the ratios counts."""
    with ExitStack() as stack:
        server = stack.enter_context(modelyard(workers=1))
        ours = _furnished(server.url, server.password)
        guarded = _furnished(*stack.enter_context(_mlflow(auth=True)))
        plain = _furnished(stack.enter_context(_mlflow(auth=False))[0], None)
        return [figure for request in REQUESTS for figure in _compared(request, ours, guarded, plain)]


def warm_basic() -> list[Figure]:
    """A name and password that were checked before."""

    async def main(store: SqlStore) -> float:
        check = CredentialCheck(store, Passwords(), BoundedRecorder(store)).check
        authenticator = BasicAuthenticator(store, check, TokenAuthenticator(store, Verifiers()).authenticate)
        header = "Basic " + base64.b64encode(f"{_USER}:{_PASSWORD}".encode()).decode()
        await authenticator.authenticate(header, None)
        began = time.perf_counter()
        for _ in range(10_000):
            await authenticator.authenticate(header, None)
        return (time.perf_counter() - began) / 10_000

    with TemporaryDirectory() as folder:
        store = SqlStore(sqlite_url(Path(folder) / "basic.db"))
        migrate(store)
        store.run_write(add_user, NewUser(_USER, None, Passwords().hash_now(_PASSWORD)))
        seconds = asyncio.run(main(store))
        store.close()
    return [Figure("warm HTTP Basic check", f"{seconds * 1e6:.1f} µs", "< 100 µs", seconds < 100e-6)]


def large_searches() -> list[Figure]:
    """100,000 runs with metrics, and 10,000 experiments of which each has a grant or a denial of its own."""
    with TemporaryDirectory() as folder:
        store = SqlStore(sqlite_url(Path(folder) / "large.db"))
        migrate(store)
        store.run_write(_fill)
        user = store.run_read(find_by_login, _USER)
        assert user is not None
        actor = store.run_read(load_actor, user.id, None)
        figures = [
            _timed("100,000 runs: one metric filter, ordered by it", 150, _runs(store, actor, "acc > 0.5", "acc DESC")),
            _timed("100,000 runs: filter and order by two metrics", 150, _runs(store, actor, "acc > 0.9", "loss")),
            _timed("100,000 runs: a filter that few pass", 150, _runs(store, actor, "acc > 0.9999", "loss DESC")),
            _timed("10,000 experiments, a grant on each: the first 1,000", 100, _list(store, actor, 1000)),
            _timed("10,000 experiments, a grant on each: all", 100, _list(store, actor, 50_000)),
        ]
        store.close()
    return figures


@contextmanager
def _mlflow(*, auth: bool) -> Iterator[tuple[str, str]]:
    """MLflow's own server with one worker, its cache of credentials on: (address, administrator's password)."""
    port, password = free_port(), secrets.token_urlsafe(16)
    with TemporaryDirectory() as folder:
        Path(folder, "auth.ini").write_text(
            f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{folder}/auth.db\n"
            f"admin_username = admin\nadmin_password = {password}\n"
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
            "auth_cache_ttl_seconds = 3600\nauth_cache_max_size = 10000\n"
        )
        command = [str(_mlflow_python().with_name("mlflow")), "server", "--workers", "1", "--port", str(port)]
        command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
        command += ["--artifacts-destination", f"{folder}/files", *(["--app-name", "basic-auth"] if auth else [])]
        environ = {
            **os.environ,
            "MLFLOW_AUTH_CONFIG_PATH": f"{folder}/auth.ini",
            "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(16),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        with running(command, environ, f"http://127.0.0.1:{port}/health"):
            yield f"http://127.0.0.1:{port}", password


def _mlflow_python() -> Path:
    default = ROOT / ".cache" / "venvs" / "mlflow-3.17.2" / "bin" / "python"
    return Path(os.environ.get("MODELYARD_TEST_MLFLOW_PYTHON", default))


def _furnished(url: str, password: str | None) -> Place:
    with requests.Session() as session:
        session.trust_env = False

        def post(path: str, body: dict[str, Any]) -> Any:
            answer = session.post(f"{url}{_API}{path}", json=body, timeout=60)
            answer.raise_for_status()
            return answer.json()

        headers = dict(_JSON)
        if password is not None:
            session.auth = ("admin", password)
            post("/users/create", {"username": _USER, "password": _PASSWORD})
            session.auth = (_USER, _PASSWORD)
            headers["Authorization"] = "Basic " + base64.b64encode(f"{_USER}:{_PASSWORD}".encode()).decode()
        experiment = post("/experiments/create", {"name": "bench"})["experiment_id"]
        made = [
            post("/runs/create", {"experiment_id": experiment, "start_time": 1000 + number})["run"]["info"]["run_id"]
            for number in range(51)
        ]
        for run in made:
            metrics = [{"key": f"m{n}", "value": random.random(), "timestamp": 1, "step": 0} for n in range(4)]  # noqa: S311
            params = [{"key": f"p{n}", "value": "v"} for n in range(3)]
            post("/runs/log-batch", {"run_id": run, "metrics": metrics, "params": params})
    return Place(url, headers, experiment, made[0])


def _compared(request: Request, ours: Place, guarded: Place, plain: Place) -> list[Figure]:
    rates: dict[int, list[float]] = {0: [], 1: [], 2: []}
    places = [ours, guarded, *([plain] if request.without_auth else [])]
    for _ in range(_ROUNDS):
        for number, place in enumerate(places):
            rates[number].append(_rate(request, place))
    figures = [_ratio(request.name, "MLflow's with authentication", rates[0], rates[1], 10)]
    if request.without_auth:
        figures.append(_ratio(request.name, "MLflow's without", rates[0], rates[2], 3))
    return figures


def _rate(request: Request, place: Place) -> float:
    url, body = f"{place.url}{_API}{request.path(place)}", request.body(place).encode()
    done = load.run(url, body, place.headers, _CONNECTIONS, _SECONDS, method=request.method)
    if done.failures:
        raise RuntimeError(f"{done.failures} requests for {url} failed")
    return done.rps


def _ratio(name: str, other: str, ours: list[float], theirs: list[float], goal: float) -> Figure:
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    measured = f"{ratio:.1f} ({statistics.median(ours):,.0f} of {statistics.median(theirs):,.0f} requests/s)"
    return Figure(f"{name}, authorized, against {other}", measured, f">= {goal}", ratio >= goal)


def _timed(what: str, most_ms: float, work: Callable[[], list[Any]]) -> Figure:
    assert work()
    times = []
    for _ in range(7):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1e3)
    median = statistics.median(times)
    return Figure(what, f"{median:.1f} ms", f"< {most_ms} ms", median < most_ms)


def _runs(store: SqlStore, actor: Actor, metric: str, order: str) -> Callable[[], list[Any]]:
    conditions, asked = grammar.runs(f"metrics.{metric}", [f"metrics.{order}"])
    wanted = total_order(asked, grammar.RUNS.default, grammar.RUNS.ties)
    conditions, orders = renamed((conditions, wanted), {"run_id": "id"})
    where = [str(10**17 + 1)]
    return lambda: store.run_read(runs.search_runs, actor, where, conditions, orders, {Lifecycle.ACTIVE}, Part(50))


def _list(store: SqlStore, actor: Actor, limit: int) -> Callable[[], list[Any]]:
    _, orders = renamed(((), grammar.EXPERIMENTS.default), {"experiment_id": "id"})
    return lambda: store.run_read(experiments.search_experiments, actor, (), orders, {Lifecycle.ACTIVE}, Part(limit))


def _fill(tx: Tx) -> None:
    user = add_user(tx, NewUser(_USER, None, None))
    ensure_tracking(tx, Role.NO_PERMISSIONS)
    workspace, chance = experiments.tracking_workspace(tx), random.Random(1)  # noqa: S311
    ids = [str(10**17 + number) for number in range(_EXPERIMENTS)]
    tx.insert_all(
        [Experiment(i, workspace, f"e{n}", "s3://b", Lifecycle.ACTIVE, n, n, user.id) for n, i in enumerate(ids)]
    )
    roles = (Role.NO_PERMISSIONS, Role.READ, Role.MANAGE)
    tx.insert_all([new_grant(user.id, ResourceType.EXPERIMENT, i, roles[n % 3], tx.now) for n, i in enumerate(ids)])
    made = [f"{number:032x}" for number in range(_RUNS)]
    tx.insert_all(
        [
            Run(i, ids[1], workspace, "r", "u", RunStatus.FINISHED, n, n, Lifecycle.ACTIVE, "s3://b", None)
            for n, i in enumerate(made)
        ]
    )
    for key in ("acc", "loss", "auc"):
        tx.insert_all([LatestMetric(0, i, key, chance.random(), 1, 0, is_nan=False) for i in made])
    tx.insert_all([RunParam(0, i, "rate", str(chance.random())) for i in made])
    tx.insert_all([RunTag(0, i, "mlflow.runName", "r") for i in made])
