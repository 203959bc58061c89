"""New revisions that fail, on a server as a user starts it: what was served before comes back by itself."""

import json
import time
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from dialects.wallaroo import deploying
from load import Load, load
from running import RunningServer, StartServer, eventually
from slow_onnx import slow
from wire import Caller, administrator

ROW = [{"x": [7.0]}]
GUARD = {"bake_seconds": 60, "min_requests": 20}


def looking_up(size: int, factor: float = 1.0) -> bytes:
    """[N, 1] in, and out what a table of this size holds there: a larger index is out of range."""
    table = helper.make_tensor("table", TensorProto.FLOAT, [size], [factor * place for place in range(size)])
    nodes = [
        helper.make_node("Cast", ["x"], ["index"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "index"], ["y"]),
    ]
    given, made = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 1]) for name in ("x", "y"))
    graph = helper.make_graph(nodes, "looking", [given], [made], [table])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


class Stand:
    """A workspace with models by name, and one pipeline for each test."""

    def __init__(self, caller: Caller, folder: Path) -> None:
        self.caller = caller
        self.space = deploying.workspace(caller)
        self.models = {
            name: self._upload(folder / f"{name}.onnx", model)
            for name, model in (
                ("good", looking_up(100)),
                ("other", looking_up(100, 2.0)),
                ("bad", looking_up(3)),
                ("quick", slow(2)),
                ("slow", slow(700)),
            )
        }

    def _upload(self, file: Path, model: bytes) -> dict[str, str]:
        file.write_bytes(model)
        return deploying.upload(self.caller, self.space, str(file), file.stem)

    def deploy(self, pipeline: str, model: str, *more: dict[str, Any]) -> str:
        steps = [{"ModelInference": {"models": [self.models[model]]}}, *more]
        body = {"pipeline_id": pipeline, "workspace_id": self.space, "definition": {"id": pipeline, "steps": steps}}
        made = self.caller.post("/v1/api/pipelines/create", body)
        return deploying.deploy(self.caller, made, pipeline)

    def running(self, pipeline: str, model: str, *more: dict[str, Any]) -> str:
        namespace = self.deploy(pipeline, model, *more)
        deploying.wait(self.caller, namespace, "Running")
        return namespace

    def guard(self, pipeline: str, **terms: Any) -> None:
        answer = self.caller.call("PUT", self.path(pipeline, "rollout-guard"), json=GUARD | terms)
        assert answer.status_code == 200, answer.text

    def path(self, pipeline: str, what: str) -> str:
        return f"/api/v1/deployments/{self.space}/{pipeline}/{what}"

    def rollouts(self, pipeline: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.caller.call("GET", self.path(pipeline, "rollouts")).json()["items"]
        return found

    def ended(self, pipeline: str, state: str, seconds: float = 20) -> dict[str, Any]:
        assert eventually(lambda: self.rollouts(pipeline)[0]["state"] == state, seconds), self.rollouts(pipeline)
        return self.rollouts(pipeline)[0]

    def answer(self, namespace: str) -> float:
        return float(self.caller.post(deploying.path(namespace), ROW)[0]["out"]["y"][0])


@pytest.fixture(scope="module")
def server(start_module_server: StartServer) -> RunningServer:
    started = start_module_server(workers=2)
    assert started.url
    return started


@pytest.fixture(scope="module")
def stand(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Stand:
    return Stand(administrator(server), tmp_path_factory.mktemp("models"))


def good_at_the_end(said: Load, seconds: float = 1.0) -> bool:
    last = max(asked for asked, *_ in said.answers)
    return all(status in (200, 429) for asked, status, _ in said.answers if asked > last - seconds)


def unexpected(said: Load, *expected: int) -> list[tuple[int, Any]]:
    """What failed otherwise; that a machine with other work to do sends some away (429) is not about versions."""
    return [(status, body) for status, body in said.failed() if status not in (*expected, 429)]


def test_a_version_that_fails_is_rolled_back_under_load(stand: Stand) -> None:
    namespace = stand.running("failing", "good")
    stand.guard("failing")
    with load(stand.caller, deploying.path(namespace), ROW) as said:
        time.sleep(0.5)
        stand.deploy("failing", "bad")
        ended = stand.ended("failing", "ROLLED_BACK")
        deploying.wait(stand.caller, namespace, "Running")
        time.sleep(1.5)
    assert (ended["from_revision"], ended["to_revision"], ended["back_revision"]) == (1, 2, 3)
    assert ended["reason"].startswith("error rate ")
    assert ended["reason"].endswith(" requests, at most 5 % allowed")
    assert good_at_the_end(said)
    assert any(status == 400 for status, _ in said.failed())  # the model's own failures, and no others
    assert not unexpected(said, 400)
    assert stand.answer(namespace) == 7
    status = stand.caller.post("/v1/api/status/get_deployment", {"name": namespace})
    assert status["details"] == [f"revision 2 was rolled back to 1: {ended['reason']}"]


def test_a_version_that_is_much_slower_is_rolled_back(stand: Stand) -> None:
    namespace = stand.running("slowing", "quick")
    stand.guard("slowing", max_error_rate=None, max_latency_ratio=5)
    with load(stand.caller, deploying.path(namespace), ROW) as said:
        time.sleep(1)
        stand.deploy("slowing", "slow")
        ended = stand.ended("slowing", "ROLLED_BACK", 40)
        deploying.wait(stand.caller, namespace, "Running")
    assert "times what it was, at most 5 times allowed" in ended["reason"]
    assert not unexpected(said)


def test_a_percentile_that_is_too_long_is_rolled_back(stand: Stand) -> None:
    namespace = stand.running("late", "quick")
    stand.guard("late", max_p99_ms=2.0)
    with load(stand.caller, deploying.path(namespace), ROW):
        stand.deploy("late", "slow")
        ended = stand.ended("late", "ROLLED_BACK", 40)
    assert ended["reason"].startswith("99 % of ")


@pytest.mark.alone
def test_a_good_version_is_kept_and_no_request_fails(stand: Stand) -> None:
    namespace = stand.running("kept", "good")
    stand.guard("kept", bake_seconds=3, max_p99_ms=1000)
    with load(stand.caller, deploying.path(namespace), ROW) as said:
        stand.deploy("kept", "other")
        ended = stand.ended("kept", "KEPT")
    assert ended["reason"].startswith("it held for 3 s: ")
    assert ended["back_revision"] is None
    assert not said.failed()
    assert stand.answer(namespace) == 14


def test_several_redeploys_in_a_row_return_to_what_was_good(stand: Stand) -> None:
    namespace = stand.running("several", "good")
    stand.guard("several")
    with load(stand.caller, deploying.path(namespace), ROW) as said:
        for model in ("other", "good", "other", "bad"):
            stand.deploy("several", model)
            time.sleep(0.3)
        ended = stand.ended("several", "ROLLED_BACK")
        deploying.wait(stand.caller, namespace, "Running")
        time.sleep(1)
    states = [(r["from_revision"], r["to_revision"], r["state"]) for r in reversed(stand.rollouts("several"))]
    assert states == [(1, 2, "SUPERSEDED"), (3, 4, "SUPERSEDED"), (3, 5, "ROLLED_BACK")]
    assert ended["back_revision"] == 6
    assert stand.answer(namespace) == 7
    assert not unexpected(said, 400)
    assert good_at_the_end(said, 0.5)


def test_rows_that_fail_validations_roll_back(stand: Stand) -> None:
    get = {"Function": {"input": [{"Column": "out.y"}, {"Literal": {"Int32": 0}}], "function": {"ListExpr": "Get"}}}
    tree = {"BinaryExpr": {"left": get, "op": "Gt", "right": {"Literal": {"Float64": 10.0}}}}
    check = {"Check": {"tree": [json.dumps({"Alias": [tree, "large"]})]}}
    namespace = stand.running("checked", "good", check)
    stand.guard("checked", max_failed_checks=0.1)
    with load(stand.caller, deploying.path(namespace), ROW) as said:
        stand.deploy("checked", "other", check)
        ended = stand.ended("checked", "ROLLED_BACK")
        deploying.wait(stand.caller, namespace, "Running")
    assert ended["reason"].startswith("100.0 % of ")
    assert ended["reason"].endswith(" rows failed a validation, at most 10 % allowed")
    assert not unexpected(said)
    assert stand.answer(namespace) == 7


def test_a_guard_that_is_removed_in_between_rolls_nothing_back(stand: Stand) -> None:
    namespace = stand.running("unguarded", "good")
    stand.guard("unguarded", min_requests=200)
    stand.running("unguarded", "bad")
    assert stand.rollouts("unguarded")[0]["state"] == "BAKING"
    assert stand.caller.call("DELETE", stand.path("unguarded", "rollout-guard")).status_code == 204
    ended = stand.rollouts("unguarded")[0]
    assert (ended["state"], ended["reason"]) == ("KEPT", "the guard was removed")
    with load(stand.caller, deploying.path(namespace), ROW, pause=0.005) as said:
        assert eventually(lambda: len(said.answers) > 200, 30)
        time.sleep(2.5)
    assert len(said.failed()) == len(said.answers)
    assert stand.rollouts("unguarded")[0]["state"] == "KEPT"
    back = stand.caller.post(stand.path("unguarded", "rollback"), {})
    assert (back["state"], back["reason"]) == ("ROLLED_BACK", "by hand, by admin")
    deploying.wait(stand.caller, namespace, "Running")
    assert stand.answer(namespace) == 7


def test_nothing_is_lost_or_done_twice_when_the_server_is_killed(start_server: StartServer, tmp_path: Path) -> None:
    first = start_server()
    stand = Stand(administrator(first), tmp_path)
    namespace = stand.running("killed", "good")
    stand.guard("killed")
    stand.running("killed", "bad")
    for _ in range(30):
        stand.caller.call("POST", deploying.path(namespace), json=ROW)
    first.kill()
    second = start_server(data=first.data)
    stand.caller = administrator(second)
    with load(stand.caller, deploying.path(namespace), ROW):
        stand.ended("killed", "ROLLED_BACK")
        deploying.wait(stand.caller, namespace, "Running")
    assert [(r["state"], r["back_revision"]) for r in stand.rollouts("killed")] == [("ROLLED_BACK", 3)]
    assert stand.answer(namespace) == 7
