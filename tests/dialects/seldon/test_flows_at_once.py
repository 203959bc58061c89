"""Models and the pipelines that use them are changed at once: in the end they agree, whoever came first."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from flow_stand import add_model, add_pipeline, answers, model, pipeline, ready, space_url, step
from seldon_stand import namespace, upload
from small_models import affine

from running import RunningServer, StartServer
from wire import Caller, administrator

_ROUNDS = 6


def _status(caller: Caller, method: str, path: str, body: Any) -> int:
    return int(caller.call(method, path, json=body).status_code)


def test_changes_at_once_leave_a_pipeline_of_its_newest_models(live_server: RunningServer) -> None:
    _changed_at_once(administrator(live_server))


def test_changes_at_once_on_postgresql(start_server: StartServer, fresh_postgres_url: str) -> None:
    _changed_at_once(administrator(start_server(database=fresh_postgres_url, workers=2)))


def _changed_at_once(caller: Caller) -> None:
    space, workspace = namespace(caller)
    for name, factor in (("one", 2.0), ("two", 3.0)):
        upload(caller, workspace, name, affine(factor, 0.0, 2))
    add_model(caller, space, "m", "one")
    document = pipeline("together", [step("m")], "m")
    add_pipeline(caller, space, document)
    calls = [("PUT", f"{space_url(space)}/models/m", model("m", uri)) for uri in ("two", "one") * _ROUNDS]
    calls += [("PUT", f"{space_url(space)}/pipelines/together", document)] * _ROUNDS
    calls += [("DELETE", f"{space_url(space)}/models/m", {})] * 2
    with ThreadPoolExecutor(6) as threads:
        statuses = list(threads.map(lambda call: _status(caller, *call), calls))
    assert set(statuses[:-2]) == {200}
    assert statuses[-2:] == [409, 409]
    factor = {"one": 2.0, "two": 3.0}[ready(caller, f"{space_url(space)}/models/m")["spec"]["storageUri"]]
    ready(caller, f"{space_url(space)}/pipelines/together")
    assert np.allclose(answers(caller, space, "together", [[1.0, 2.0]])["y"], [[factor, 2 * factor]])


def test_of_two_who_read_the_same_one_is_told(live_server: RunningServer) -> None:
    caller = administrator(live_server)
    space, workspace = namespace(caller)
    upload(caller, workspace, "one", affine(2.0, 0.0, 2))
    add_model(caller, space, "m", "one")
    read = add_pipeline(caller, space, pipeline("read", [step("m")], "m"))
    path = f"{space_url(space)}/pipelines/read"
    with ThreadPoolExecutor(4) as threads:
        statuses = list(threads.map(lambda _: _status(caller, "PUT", path, read), range(4)))
    assert sorted(statuses) == [200, 409, 409, 409]
    body = {"name": "only", "spec": {"candidates": [{"name": "read", "weight": 1}]}}
    with ThreadPoolExecutor(4) as threads:
        statuses = list(threads.map(lambda _: _status(caller, "POST", f"{path}/experiment", body), range(4)))
    assert sorted(statuses) == [200, 409, 409, 409]
