"""More than the server can answer: refused at once in every protocol, late ones told so, and all well afterwards."""

import json
import socket
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import pytest
import requests
from slow_model import deployed

from dialects.wallaroo import deploying
from modelyard.dialects.open_inference.grpc_service.messages import SERVICE, message
from running import StartServer, eventually
from wire import Caller, administrator

BATCHING = {"batch_size_target": 2, "max_batch_delay_ms": 1}
ROW = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [3.0]}]}
BODIES: dict[str, Any] = {
    "wallaroo": [{"x": [3.0]}],
    "v2": ROW,
    "seldon": {"data": {"names": ["x"], "ndarray": [[3.0]]}},
    "mlflow": {"inputs": {"x": [[3.0]]}},
}


@dataclass(frozen=True)
class Stand:
    """``beside`` runs beside the event loop, four requests at a time while eight wait; ``inline`` on it."""

    caller: Caller
    space: str
    space_id: int
    beside: str
    inline: str
    grpc_port: int
    data: Path

    def path(self, protocol: str, deployment: str) -> str:
        name = deployment.rpartition("-")[0]
        return {
            "wallaroo": f"/v1/api/pipelines/infer/{deployment}/{name}",
            "v2": f"/v2/models/{name}/infer",
            "seldon": f"/seldon/{self.space}/{name}/api/v1.0/predictions",
            "mlflow": f"/deployments/{self.space}/{name}/invocations",
        }[protocol]

    def ask(self, protocol: str, **headers: str) -> requests.Response:
        return self.caller.call("POST", self.path(protocol, self.beside), json=BODIES[protocol], headers=headers)

    def ask_grpc(self, seconds: float) -> Any:
        request = message("ModelInferRequest")(model_name=self.beside.rpartition("-")[0])
        request.inputs.add(name="x", datatype="FP32", shape=[1, 1]).contents.fp32_contents.append(3.0)
        with grpc.insecure_channel(f"127.0.0.1:{self.grpc_port}") as channel:
            method = channel.unary_unary(
                f"/{SERVICE}/ModelInfer",
                type(request).SerializeToString,
                message("ModelInferResponse").FromString,
            )
            return method(request, metadata=[("authorization", f"Bearer {self.caller.token}")], timeout=seconds)

    @contextmanager
    def crowded(self) -> Iterator[None]:
        """More requests than the lane takes are under way, and others take the place of those that are answered."""
        ended, statuses = threading.Event(), list[int]()

        def ask_on() -> None:
            while not ended.is_set():
                statuses.append(self.ask("v2").status_code)
                ended.wait(0.05)

        with ThreadPoolExecutor(24) as threads:
            crowd = [threads.submit(ask_on) for _ in range(24)]
            try:
                assert eventually(lambda: statuses.count(429) >= 12)
                yield
            finally:
                ended.set()
            for each in crowd:
                each.result()
        assert set(statuses) == {200, 429}

    def events(self) -> str:
        """What happened to deployments, a line each."""
        with closing(sqlite3.connect(f"file:{self.data / 'modelyard.db'}?mode=ro", uri=True)) as database:
            return "\n".join(text for (text,) in database.execute("SELECT message FROM deployment_events"))


@pytest.fixture(scope="module")
def stand(start_module_server: StartServer) -> Stand:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    server = start_module_server(inference_queue=0, grpc_port=port)
    caller = administrator(server)
    space = deploying.workspace(caller)
    beside, inline = deployed(caller, space, "beside", 2000, BATCHING), deployed(caller, space, "inline", 1000)
    spaces = caller.call("GET", "/seldon-deploy/api/v1alpha1/cluster").json()["Namespaces"]
    slug = next(str(each["name"]) for each in spaces if each["uid"] == str(space))
    return Stand(caller, slug, space, beside, inline, port, server.data)


def text_of(protocol: str, answer: requests.Response) -> str:
    """What the body says, where the protocol's clients look for it."""
    body = answer.json()
    found = {
        "wallaroo": lambda: body["msg"],
        "v2": lambda: body["error"],
        "seldon": lambda: body["status"]["info"],
        "mlflow": lambda: body["message"],
    }
    return str(found[protocol]())


def test_all_protocols_answer_what_runs_beside_the_event_loop(stand: Stand) -> None:
    for protocol in BODIES:
        answer = stand.ask(protocol)
        assert answer.status_code == 200, answer.text
        assert "3.0" in answer.text
    assert stand.ask_grpc(30).outputs[0].name == "y"


def test_requests_in_one_piece_are_answered_in_order_over_their_connection(stand: Stand) -> None:
    address = urlsplit(stand.caller.url)
    head = (
        f"POST {stand.path('wallaroo', stand.beside)} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {stand.caller.token}"
    )
    bodies = [json.dumps([{"x": [number]}]) for number in (5.5, 6.5, 7.5)]
    piece = "".join(f"{head}\r\ncontent-length: {len(body)}\r\n\r\n{body}" for body in bodies)
    with socket.create_connection((address.hostname, address.port), timeout=30) as raw, raw.makefile("rb") as answers:
        for _ in range(2):  # by a task at first, and then without
            raw.sendall(piece.encode())
            assert [_asked(answers) for _ in bodies] == [5.5, 6.5, 7.5]


def _asked(answers: Any) -> Any:
    """What the next answer says was asked."""
    assert answers.readline().startswith(b"HTTP/1.1 200 ")
    fields = dict(line.strip().split(b": ", 1) for line in iter(answers.readline, b"\r\n"))
    return json.loads(answers.read(int(fields[b"content-length"])))[0]["in"]["x"][0]


@pytest.mark.alone
def test_a_full_queue_refuses_at_once_and_says_when_to_come_again_in_every_protocol(stand: Stand) -> None:
    with stand.crowded():
        for protocol in BODIES:
            answer = next(answer for _ in range(20) if (answer := stand.ask(protocol)).status_code != 200)
            assert answer.status_code == 429, answer.text
            assert 1 <= int(answer.headers["retry-after"]) <= 60
            assert "the queue of deployment beside-" in text_of(protocol, answer)
        with pytest.raises(grpc.RpcError) as caught:
            any(stand.ask_grpc(20) is None for _ in range(20))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED  # type: ignore[attr-defined]
    assert stand.ask("v2").status_code == 200


def test_a_request_with_little_time_is_told_that_it_is_over_in_every_protocol(stand: Stand) -> None:
    for protocol in BODIES:
        answer = stand.ask(protocol, **{"X-Request-Timeout": "20ms"})
        assert answer.status_code == 504, answer.text
        assert "within 0.02 s" in text_of(protocol, answer)
    with pytest.raises(grpc.RpcError) as caught:
        stand.ask_grpc(0.05)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED  # type: ignore[attr-defined]
    refused = stand.ask("v2", **{"X-Request-Timeout": "soon"})
    assert refused.status_code == 400
    assert "x-request-timeout" in refused.text


def test_what_was_refused_or_late_stands_in_the_events_of_the_deployment(stand: Stand) -> None:
    assert stand.ask("v2", **{"X-Request-Timeout": "10ms"}).status_code == 504
    with stand.crowded():
        pass
    assert eventually(lambda: "not answered in time" in stand.events())
    assert eventually(lambda: "refused: more was asked than can be answered (" in stand.events())


def test_callers_in_a_hurry_roll_no_deployment_back(stand: Stand) -> None:
    deployed(stand.caller, stand.space_id, "hurried", 1000, BATCHING)
    guard = f"/api/v1/deployments/{stand.space_id}/hurried/rollout-guard"
    assert stand.caller.call("PUT", guard, json={"bake_seconds": 4, "min_requests": 10}).status_code == 200
    hurried = replace(stand, beside=deployed(stand.caller, stand.space_id, "hurried", 1100, BATCHING))
    statuses = Counter[int]()
    while statuses[504] < 20:
        for protocol in BODIES:
            statuses[hurried.ask(protocol, **{"X-Request-Timeout": "3ms"}).status_code] += 1
        with pytest.raises(grpc.RpcError):
            hurried.ask_grpc(0.003)
    path = guard.replace("rollout-guard", "rollouts")

    def rollout() -> Any:
        return stand.caller.call("GET", path).json()["items"][0]

    assert eventually(lambda: rollout()["state"] != "BAKING", 20)
    assert rollout()["state"] == "KEPT", rollout()["reason"]


@pytest.mark.alone
def test_a_crowd_on_the_event_loop_is_partly_refused_and_nobody_waits_long(stand: Stand) -> None:
    address = urlsplit(stand.caller.url)
    body = json.dumps(BODIES["v2"]).encode()
    head = (
        f"POST {stand.path('v2', stand.inline)} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {stand.caller.token}\r\n"
    )
    request = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
    clients = [socket.create_connection((address.hostname, address.port), timeout=20) for _ in range(16)]
    for client in clients:  # one by one: each is answered
        client.sendall(request)
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
    answers = [answer for _ in range(5) for answer in crowd(clients, request)]  # it lasts: one alone would be answered
    assert {answer[9:12] for answer in answers} == {b"200", b"429"}
    for answer in answers:
        assert (b"retry-after: 1\r\n" in answer) == (answer[9:12] == b"429")
    assert crowd(clients[:1], request)[0].startswith(b"HTTP/1.1 200 ")
    for client in clients:
        client.close()


def crowd(clients: list[socket.socket], request: bytes) -> list[bytes]:
    """What all are answered that ask at once over connections that they have."""
    for client in clients:
        client.sendall(request)
    return [client.recv(65536) for client in clients]
