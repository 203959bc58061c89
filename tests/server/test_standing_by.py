"""The processes of what was served before a trial stand by: a rollback switches to them at once."""

import time
from datetime import UTC, datetime
from typing import Any

import psutil
import pytest

import model_stand as models
from dialects.wallaroo import deploying
from load import Load, load
from running import RunningServer, StartServer, eventually
from wire import administrator

ROW = [{"inputs": [1.0, 2.0, 3.0, 4.0]}]
LOAD_SECONDS = 2
_SOURCE = """
import sys, time
time.sleep({seconds})
class Own:
    n_features_in_ = 4
    def predict(self, rows):
        if {fails} and rows.any(): raise ValueError("nothing but zeros, please")
        return rows.sum(axis=1) + {offset}
"""


def model(offset: float, *, fails: bool = False) -> bytes:
    """A pickle that takes its time to load and adds up the columns and the offset, or fails."""
    return models.own(_SOURCE.format(seconds=LOAD_SECONDS, fails=fails, offset=offset))


class Stand:
    """A workspace with models by name."""

    def __init__(self, server: RunningServer) -> None:
        self.data, self.caller = server.data, administrator(server)
        self.space = deploying.workspace(self.caller)
        made = {"good": model(0), "other": model(100), "bad": model(0, fails=True)}
        self.models = {
            name: models.upload(self.caller, self.data, self.space, content, name) for name, content in made.items()
        }

    def deploy(self, pipeline: str, name: str, **engine: Any) -> str:
        return models.deploy(self.caller, self.space, self.models[name], pipeline, **engine)

    def running(self, pipeline: str, name: str, **engine: Any) -> str:
        return models.running(self.caller, self.space, self.models[name], pipeline, **engine)

    def guard(self, pipeline: str, **terms: Any) -> None:
        assert self.caller.call("PUT", self.path(pipeline, "rollout-guard"), json=terms).status_code == 200

    def path(self, pipeline: str, what: str) -> str:
        return f"/api/v1/deployments/{self.space}/{pipeline}/{what}"

    def rollout(self, pipeline: str) -> dict[str, Any]:
        found: dict[str, Any] = self.caller.call("GET", self.path(pipeline, "rollouts")).json()["items"][0]
        return found

    def pids(self, namespace: str, revision: int) -> list[int]:
        """Of the processes that are ready."""
        found = [each for each in models.processes(self.data, namespace) if each.revision == revision]
        return sorted(each.pid or 0 for each in found if each.state == "READY")


@pytest.fixture(scope="module")
def stand(start_module_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Stand:
    data = tmp_path_factory.mktemp("standing") / "data"
    models.use_environments(data)
    return Stand(start_module_server(data=data, workers=2, rollout_standby=2))


@pytest.mark.alone
def test_a_rollback_under_load_answers_at_once_with_the_processes_of_before(stand: Stand) -> None:
    namespace = stand.running("returning", "good", replicas=2)
    before = stand.pids(namespace, 1)
    stand.guard("returning", min_requests=20)
    with load(stand.caller, deploying.path(namespace), ROW) as said:
        stand.deploy("returning", "bad", replicas=1)
        assert eventually(lambda: stand.rollout("returning")["state"] == "ROLLED_BACK", 60)
        deploying.wait(stand.caller, namespace, "Running")
        time.sleep(0.5)
    assert {status for status, _ in said.failed()} - {429} == {500}
    assert all("nothing but zeros" in str(body) for status, body in said.failed() if status == 500)
    assert seconds_after(said, stand.rollout("returning")["ended_at"]) < 1
    assert stand.pids(namespace, 3) == before
    assert eventually(lambda: not stand.pids(namespace, 2), 20)


def seconds_after(said: Load, moment: str) -> float:
    """From a moment until all that is asked is answered."""
    began = time.monotonic() - (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
    return max(asked for asked, status, _ in said.answers if status != 200) - began


def test_those_of_before_end_when_the_trial_is_over(stand: Stand) -> None:
    namespace = stand.running("kept", "good")
    (before,) = stand.pids(namespace, 1)
    stand.guard("kept", bake_seconds=4)
    stand.running("kept", "other")
    assert stand.pids(namespace, 1) == [before]
    shown = stand.caller.call("GET", f"/api/v1/deployments/{stand.space}/kept").json()
    assert (shown["state"], shown["revision"], shown["models"]) == ("RUNNING", 2, ["other"])
    assert shown["rollout"] == "revision 2 is on trial; revision 1 comes back if it fails"
    assert [(each["model"], each["revision"], each["state"]) for each in shown["processes"]] == [("other", 2, "READY")]
    assert [(each["revision"], each["state"]) for each in shown["standby"]] == [(1, "READY")]
    assert eventually(lambda: stand.rollout("kept")["state"] == "KEPT", 20)
    assert eventually(lambda: not psutil.pid_exists(before), 20)
    assert len(stand.pids(namespace, 2)) == 1


def test_one_on_standby_that_dies_is_started_again_and_returns(stand: Stand) -> None:
    namespace = stand.running("dying", "good")
    (before,) = stand.pids(namespace, 1)
    stand.guard("dying", bake_seconds=300)
    stand.running("dying", "other")
    psutil.Process(before).kill()
    assert eventually(lambda: stand.pids(namespace, 1) not in ([], [before]), 30)
    (again,) = stand.pids(namespace, 1)
    assert stand.caller.post(stand.path("dying", "rollback"), {})["state"] == "ROLLED_BACK"
    assert eventually(lambda: stand.pids(namespace, 3) == [again])
    deploying.wait(stand.caller, namespace, "Running")
    assert float(stand.caller.post(deploying.path(namespace), ROW)[0]["out"]["predictions"]) == 10
