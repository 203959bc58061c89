"""Feedback by plain HTTP: routers learn in every process within a second, and forget nothing when all are killed."""

import threading
from collections import Counter
from typing import Any

import planned
import pytest
import requests

from dialects.wallaroo import deploying
from modelyard.core.serving.graph.plan import branch, by_reward, model, plan
from running import RunningServer, StartServer
from wire import Caller, administrator

ROW = [0.1] * 29
GREEDY = plan(branch("bandit", [model("one", 0), model("two", 1)], by_reward("epsilon_greedy", 0.0)))
FILES = ("ccfraud.onnx", "ccfraud_v2.onnx")


class Bandit:
    """A deployment with a router that learns, and who asks it."""

    def __init__(self, server: RunningServer, path: str | None = None) -> None:
        self.server = server
        self.caller: Caller = administrator(server)
        if path is None:
            workspace = deploying.workspace(self.caller)
            path = planned.deployed(server, self.caller, workspace, GREEDY, *FILES, name="bandit")
        self.path = path

    def predict(self) -> Any:
        answer = self.caller.call("POST", f"{self.path}/api/v1.0/predictions", json={"data": {"ndarray": [ROW]}})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def say(self, status: int = 200, path: str | None = None, **feedback: Any) -> Any:
        answer = self.caller.call("POST", f"{path or self.path}/api/v1.0/feedback", json=feedback)
        assert answer.status_code == status, answer.text
        return answer.json()

    def ways(self, count: int = 30) -> Counter[int]:
        return Counter(self.predict()["meta"]["routing"]["bandit"] for _ in range(count))


@pytest.fixture(scope="module")
def bandit(live_server: RunningServer) -> Bandit:
    return Bandit(live_server)


def test_an_answer_is_given_back_as_it_came_with_what_it_was_worth(bandit: Bandit) -> None:
    answered = bandit.predict()
    way = answered["meta"]["routing"]["bandit"]
    before = planned.rewards(bandit.server).get(way, (0, 0))
    said = bandit.say(request={"data": {"ndarray": [ROW, ROW]}}, response=answered, reward=0.5, truth={"data": {}})
    assert said["meta"]["puid"] == answered["meta"]["puid"]
    assert said["meta"]["routing"] == {"bandit": way}
    assert planned.rewards(bandit.server)[way] == (before[0] + 2, before[1] + 1)


def test_the_number_of_rows_comes_from_the_answer_where_there_is_no_request(bandit: Bandit) -> None:
    before = planned.rewards(bandit.server).get(0, (0, 0))
    data = {"tensor": {"shape": [3, 1], "values": [1, 2, 3]}}
    bandit.say(response={"data": data, "meta": {"routing": {"bandit": 0}}}, reward=1.0)
    bandit.say(response={"meta": {"routing": {"bandit": 0}}}, reward=0.0)
    assert planned.rewards(bandit.server)[0] == (before[0] + 4, before[1] + 3)


@pytest.mark.parametrize(
    ("feedback", "words"),
    [
        ({"reward": 2}, "from 0 to 1"),
        ({"reward": "high"}, "`reward`"),
        ({"response": {"meta": {"routing": {"nobody": 0}}}}, "no branch of the deployment; there are 'bandit'"),
        ({"response": {"meta": {"routing": {"bandit": 7}}}}, "there is no node 7; it has 2"),
        ({"response": {"meta": {"routing": {"bandit": "one"}}}}, "routing"),
        ({"response": {"meta": {"puid": "a b"}}}, "puid must be"),
        ({"request": {"data": {"ndarray": []}}}, "without a row"),
        ({"request": {"data": {"tensor": {"shape": [10**9], "values": []}}}}, "does not hold 0 values"),
        ({"response": 5}, "`response`"),
    ],
)
def test_feedback_that_cannot_be_is_refused(bandit: Bandit, feedback: Any, words: str) -> None:
    before = planned.rewards(bandit.server)
    found = bandit.say(400, **({"reward": 1.0} | feedback))
    assert words in found["status"]["info"]
    assert found["status"]["status"] == "FAILURE"
    assert planned.rewards(bandit.server) == before


def test_a_large_truth_an_unknown_deployment_and_no_token_are_refused(bandit: Bandit) -> None:
    assert "truth is larger" in bandit.say(413, reward=1.0, truth="x" * 300_000)["status"]["info"]
    deep: Any = 1
    for _ in range(101):
        deep = [deep]
    assert "truth nests deeper" in bandit.say(400, reward=1.0, truth=deep)["status"]["info"]
    bandit.say(reward=0.0, truth=deep[0], response={"meta": {"routing": {"bandit": -2}}})
    assert bandit.say(404, f"{bandit.path}-no", reward=1.0)["status"]["info"].startswith("deployment ")
    nobody = Caller(bandit.caller.url).call("POST", f"{bandit.path}/api/v1.0/feedback", json={"reward": 1.0})
    assert nobody.status_code == 401


def test_routers_learn_in_every_process_within_a_second_and_remember(start_server: StartServer) -> None:
    server = start_server(workers=2)
    bandit = Bandit(server)
    assert set(bandit.ways()) == {0, 1}  # nothing is known: any of them
    bandit.say(reward=1.0, response={"meta": {"routing": {"bandit": 1}}})
    assert planned.within_a_second(lambda: bandit.ways(40) == {1: 40})
    server.kill()
    again = Bandit(start_server(workers=2, data=server.data), bandit.path)
    assert again.ways(40) == {1: 40}
    again.say(reward=0.0, request={"data": {"ndarray": [ROW] * 9}}, response={"meta": {"routing": {"bandit": 1}}})
    again.say(reward=1.0, response={"meta": {"routing": {"bandit": 0}}})
    assert planned.within_a_second(lambda: again.ways(8) == {0: 8})


def test_what_was_acknowledged_before_a_crash_is_counted(start_server: StartServer) -> None:
    server = start_server(workers=2)
    bandit = Bandit(server)
    acknowledged = [0, 0, 0]
    stop = threading.Event()

    def tell(thread: int) -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.headers["Authorization"] = f"Bearer {bandit.caller.token}"
            body = {"reward": 1.0, "response": {"meta": {"routing": {"bandit": 0}}}}
            while not stop.is_set():
                try:
                    answer = session.post(f"{server.url}{bandit.path}/api/v1.0/feedback", json=body, timeout=5)
                except requests.RequestException:
                    return
                acknowledged[thread] += answer.status_code == 200

    threads = [threading.Thread(target=tell, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    assert planned.within_a_second(lambda: sum(acknowledged) > 20)
    server.kill()
    stop.set()
    for thread in threads:
        thread.join()
    tries, rights = planned.rewards(server)[0]
    assert sum(acknowledged) <= tries == rights <= sum(acknowledged) + 3
