"""How long a workspace's log is kept, by plain HTTP."""

import uuid

import pytest

from running import RunningServer
from wire import Caller, administrator


@pytest.fixture
def caller(live_server: RunningServer) -> Caller:
    return administrator(live_server)


@pytest.fixture
def workspace(caller: Caller) -> str:
    name = f"kept-{uuid.uuid4().hex[:8]}"
    caller.post("/v1/api/workspaces/create", {"workspace_name": name})
    return name


def path(workspace: object) -> str:
    return f"/api/v1/workspaces/{workspace}/log-retention"


def test_everything_is_kept_until_somebody_says_otherwise(caller: Caller, workspace: str) -> None:
    kept = caller.call("GET", path(workspace)).json()
    assert (kept["days"], kept["max_bytes"], kept["updated_at"]) == (None, None, None)


def test_what_is_said_by_name_is_told_by_number(caller: Caller, workspace: str) -> None:
    said = caller.call("PUT", path(workspace), json={"days": 30, "max_bytes": 10**10})
    assert said.status_code == 200
    told = caller.call("GET", path(said.json()["workspace_id"])).json()
    assert (told["days"], told["max_bytes"]) == (30, 10**10)
    assert told["updated_at"] is not None


def test_the_change_is_in_the_audit_log(caller: Caller, workspace: str) -> None:
    number = caller.call("PUT", path(workspace), json={"days": 30}).json()["workspace_id"]
    about = {"action": "workspace.change", "object_id": str(number)}
    [entry] = caller.call("GET", "/api/v1/audit", params=about).json()["items"]
    assert entry["details"]["log_days"] == 30


@pytest.mark.parametrize("body", [{"days": 0}, {"days": "many"}, {"weeks": 1}, {"max_bytes": -5}])
def test_what_means_nothing_is_refused(caller: Caller, workspace: str, body: dict[str, object]) -> None:
    answer = caller.call("PUT", path(workspace), json=body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid"


def test_a_workspace_that_is_not_there_is_not_found(caller: Caller) -> None:
    assert caller.call("GET", path("nowhere")).status_code == 404
    assert caller.call("PUT", path(10**9), json={}).status_code == 404
