"""Many at once against MLflow's API: one winner, no gap, nothing lost by a crash, nobody kept waiting by sign-ins."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest
import requests

from running import RunningServer, StartServer
from wire import Caller, administrator

API, ARTIFACTS = "/api/2.0/mlflow", "/api/2.0/mlflow-artifacts"
_AT_ONCE = 16


@pytest.fixture(scope="module")
def server(start_module_server: StartServer) -> Iterator[RunningServer]:
    """Two workers, whose log shows at the end that nothing failed inside."""
    running = start_module_server(workers=2)
    yield running
    assert "Traceback" not in running.err, running.err


@pytest.fixture(scope="module")
def admin(server: RunningServer) -> Caller:
    return administrator(server)


@pytest.fixture
def run(admin: Caller) -> tuple[str, str]:
    """A new experiment and a run in it: their ids."""
    made = admin.post(f"{API}/experiments/create", {"name": uuid.uuid4().hex})["experiment_id"]
    return made, admin.post(f"{API}/runs/create", {"experiment_id": made})["run"]["info"]["run_id"]


def _statuses(ask: Callable[[int], requests.Response], count: int = _AT_ONCE) -> Counter[int]:
    start = threading.Barrier(count)

    def one(number: int) -> int:
        start.wait()
        return ask(number).status_code

    with ThreadPoolExecutor(count) as threads:
        return Counter(threads.map(one, range(count)))


def _post(admin: Caller, path: str, **body: Any) -> requests.Response:
    return admin.call("POST", f"{API}/{path}", json=body)


@pytest.mark.parametrize("path", ["experiments/create", "registered-models/create", "roles/create"])
def test_of_many_who_want_a_name_one_gets_it(admin: Caller, path: str) -> None:
    name = uuid.uuid4().hex
    assert _statuses(lambda _: _post(admin, path, name=name)) == {200: 1, 400: _AT_ONCE - 1}


def test_versions_registered_at_once_are_numbered_without_gaps(admin: Caller, run: tuple[str, str]) -> None:
    admin.post(f"{API}/registered-models/create", {"name": run[1]})
    source = f"runs:/{run[1]}/model"
    assert _statuses(lambda _: _post(admin, "model-versions/create", name=run[1], source=source)) == {200: _AT_ONCE}
    found = admin.call("GET", f"{API}/model-versions/search", params={"filter": f"name = '{run[1]}'"}).json()
    assert sorted(int(each["version"]) for each in found["model_versions"]) == list(range(1, _AT_ONCE + 1))
    alias = {"name": run[1], "alias": "best"}
    moved = _statuses(lambda n: _post(admin, "registered-models/alias", version=str(n + 1), **alias))
    assert moved == {200: _AT_ONCE}
    shown = admin.call("GET", f"{API}/registered-models/get", params={"name": run[1]}).json()["registered_model"]
    assert len(shown["aliases"]) == 1


def test_a_param_logged_at_once_with_many_values_has_one(admin: Caller, run: tuple[str, str]) -> None:
    log = {"run_id": run[1], "key": "p"}
    assert _statuses(lambda n: _post(admin, "runs/log-parameter", value=str(n), **log)) == {200: 1, 400: _AT_ONCE - 1}
    same = _statuses(lambda _: _post(admin, "runs/log-parameter", run_id=run[1], key="q", value="1"))
    assert same == {200: _AT_ONCE}


def test_a_model_that_is_removed_while_versions_come_is_gone_whole(admin: Caller, run: tuple[str, str]) -> None:
    admin.post(f"{API}/registered-models/create", {"name": run[1]})

    def ask(number: int) -> requests.Response:
        if number == _AT_ONCE // 2:
            return admin.call("DELETE", f"{API}/registered-models/delete", json={"name": run[1]})
        return _post(admin, "model-versions/create", name=run[1], source=f"runs:/{run[1]}/model")

    assert set(_statuses(ask)) <= {200, 404}
    assert admin.call("GET", f"{API}/model-versions/search", params={"filter": f"name = '{run[1]}'"}).json() == {}


def test_an_upload_in_parts_that_many_complete_is_completed_once(admin: Caller, run: tuple[str, str]) -> None:
    folder = f"{run[0]}/{run[1]}/artifacts"
    begun = admin.post(f"{ARTIFACTS}/mpu/create/{folder}", {"path": "big", "num_parts": 2})
    parts = [
        {"part_number": each["part_number"], "etag": requests.put(each["url"], b"x" * 1000, timeout=30).headers["etag"]}
        for each in begun["credentials"]
    ]
    asked = {"path": "big", "upload_id": begun["upload_id"], "parts": parts}
    done = _statuses(lambda _: admin.call("POST", f"{ARTIFACTS}/mpu/complete/{folder}", json=asked))
    assert done[200] >= 1
    assert set(done) <= {200, 404}
    assert admin.call("GET", f"{ARTIFACTS}/artifacts/{folder}/big").content == b"x" * 2000


def test_what_was_acknowledged_survives_the_death_of_a_worker_and_of_all(start_server: StartServer) -> None:
    server = start_server(workers=2)
    caller = administrator(server)
    experiment = caller.post(f"{API}/experiments/create", {"name": "x"})["experiment_id"]
    run_id = caller.post(f"{API}/runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"]
    folder = f"{ARTIFACTS}/artifacts/{experiment}/{run_id}/artifacts"
    logged, kept = [], []

    def metrics(step: int) -> None:
        batch = [{"key": key, "value": step, "timestamp": 1, "step": step} for key in ("a", "b")]
        if _post(caller, "runs/log-batch", run_id=run_id, metrics=batch).ok:
            logged.append(step)

    def files(number: int) -> None:
        if caller.call("PUT", f"{folder}/f{number}", data=b"%d" % number * 50_000).ok:
            kept.append(number)

    with _Repeated(metrics), _Repeated(files):
        time.sleep(1)
        server.processes()[-1].kill()
        time.sleep(1.5)
        processes = server.processes()
        server.kill()
        psutil.wait_procs(processes, timeout=5)
    caller = administrator(start_server(workers=2, data=server.data))
    found = [_steps(caller, run_id, key) for key in ("a", "b")]
    assert len(logged) > 20
    assert set(logged) <= set(found[0])
    assert found[0] == found[1]
    assert kept
    for number in kept:
        assert caller.call("GET", f"{folder}/f{number}").content == b"%d" % number * 50_000


def _steps(caller: Caller, run_id: str, key: str) -> list[int]:
    asked = {"run_id": run_id, "metric_key": key}
    found = caller.call("GET", f"{API}/metrics/get-history", params=asked).json()
    return sorted(each["step"] for each in found["metrics"])


class _Repeated:
    """Does something again and again, with a number of its own each time, on a thread."""

    def __init__(self, work: Callable[[int], None]) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(work,))

    def _run(self, work: Callable[[int], None]) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            try:
                work(number)
            except requests.RequestException:
                time.sleep(0.02)  # killed before it answered

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


@pytest.mark.alone
def test_many_sign_ins_at_once_keep_nobody_else_waiting(start_server: StartServer) -> None:
    server = start_server()
    admin = administrator(server)
    waited: list[float] = []

    def look(_: int) -> None:
        for path in ("/livez", f"{API}/experiments/get?experiment_id=0"):
            begun = time.monotonic()
            assert admin.call("GET", path).ok
            waited.append(time.monotonic() - begun)
        time.sleep(0.05)

    def sign_in(number: int) -> requests.Response:
        return requests.get(f"{server.url}{API}/experiments/get", auth=(f"nobody-{number}", "wrong"), timeout=60)

    answers: list[requests.Response] = []
    with _Repeated(look):
        _statuses(lambda number: answers.append(sign_in(number)) or answers[-1], 64)  # type: ignore[func-returns-value]
    assert {answer.status_code for answer in answers} == {401, 429}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers if answer.status_code == 429)
    assert sorted(waited)[int(len(waited) * 0.99) - 1] < 0.25
