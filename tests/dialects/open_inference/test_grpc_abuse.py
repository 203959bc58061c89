"""What no client of ours would send over gRPC: bytes that are no message, and names that fill headers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from served import FRAUD, Served

from dialects.seldon import planned, small_models
from dialects.wallaroo import deploying
from modelyard.core.serving.entities import DeploymentEvent
from modelyard.core.serving.graph.plan import branch, by_model, model, plan
from modelyard.dialects.open_inference.grpc_service.messages import SERVICE, message, methods
from running import eventually

GARBAGE = (b"\xff" * 50, b"\x0a\x05ab", b"\x0a\x02\xff\xfe")
UNARY = sorted(methods())
CODE = grpc.StatusCode


class Bytes:
    """Calls with bytes as they are, as the administrator."""

    def __init__(self, served: Served, channel: grpc.Channel) -> None:
        self.served, self._channel = served, channel
        self._metadata = [("authorization", f"Bearer {served.caller.token}")]

    def ask(self, method: str, data: bytes) -> tuple[grpc.StatusCode, str]:
        """(status, its message)"""
        call = self._channel.unary_unary(f"/{SERVICE}/{method}")
        try:
            call(data, metadata=self._metadata, timeout=20)
        except grpc.RpcError as error:
            return error.code(), str(error.details())
        return CODE.OK, ""


@pytest.fixture
def raw(served: Served) -> Iterator[Bytes]:
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        yield Bytes(served, channel)


def usual(name: str = "ccfraud") -> bytes:
    request = message("ModelInferRequest")(model_name=name)
    tensor = request.inputs.add(name="tensor", datatype="FP32", shape=[1, 29])
    tensor.contents.fp32_contents.extend(FRAUD)
    return bytes(request.SerializeToString())


@pytest.mark.parametrize("method", UNARY)
def test_bytes_that_are_no_message_are_the_callers_fault(raw: Bytes, method: str) -> None:
    before = raw.served.server.err.count("Traceback")
    for data in GARBAGE[: 1 if method == "ServerLive" else 3]:
        code, text = raw.ask(method, data)
        assert code in (CODE.INVALID_ARGUMENT, CODE.OK), text  # a field that the method does not know is passed over
        assert "<class" not in text
    assert raw.ask(method, GARBAGE[0])[0] is CODE.INVALID_ARGUMENT
    assert raw.served.server.err.count("Traceback") == before


@pytest.mark.parametrize("letter", ["x", "é", "中"])
def test_a_long_name_is_refused_by_its_own_error(raw: Bytes, letter: str) -> None:
    """Errors travel in headers, which clients take up to a limit."""
    request = message("RepositoryModelLoadRequest")(model_name=letter * 30_000)
    code, text = raw.ask("RepositoryModelLoad", request.SerializeToString())
    assert code is CODE.NOT_FOUND
    assert letter * 100 in text


def test_cancelled_calls_leave_a_server_that_answers_many_at_once(raw: Bytes, served: Served) -> None:
    metadata = [("authorization", f"Bearer {served.caller.token}")]
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        call = channel.unary_unary(f"/{SERVICE}/ModelInfer")
        for _ in range(100):
            call.future(usual(), metadata=metadata, timeout=20).cancel()
    with ThreadPoolExecutor(100) as threads:
        assert set(threads.map(lambda _: raw.ask("ModelInfer", usual()), range(200))) == {(CODE.OK, "")}


def test_a_node_that_fails_is_noted_as_over_http(raw: Bytes, served: Served, tmp_path: Path) -> None:
    router = tmp_path / "far.onnx"
    router.write_bytes(small_models.constant_router(7))
    routed = plan(branch("lost", [model("one", 0), model("two", 0)], by_model(1)))
    workspace = deploying.workspace(served.caller)
    planned.deployed(served.server, served.caller, workspace, routed, "ccfraud.onnx", str(router), name="far")
    code, text = raw.ask("ModelInfer", usual("far"))
    assert code is CODE.INVALID_ARGUMENT
    assert text.endswith("chose branch 7, but has 2 of them")
    with planned.store_of(served.server) as store:

        def noted() -> list[tuple[str, str]]:
            events = store.run_read(lambda tx: tx.find(DeploymentEvent, workspace_id=workspace))
            return [(event.node, event.message) for event in events if event.node]

        assert eventually(lambda: noted() == [("lost", "node 'lost' chose branch 7, but has 2 of them")])
