"""Inference over gRPC beside what HTTP answers to the same, and what is refused."""

import socket
import struct
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import served as things
from calling import call, fraud, infer, refused
from served import FRAUD, Served, free_port

from modelyard.dialects.open_inference.grpc_service import messages
from modelyard.dialects.open_inference.grpc_service.messages import message
from running import StartServer
from wire import invite, sign_in

CODE = grpc.StatusCode


def test_contents_and_raw_bytes_are_answered_as_they_came_and_as_over_http(served: Served) -> None:
    wanted = served.infer("ccfraud", things.fraud()).json()["outputs"][0]["data"]
    plain = infer(served, fraud(id="7"))
    assert (plain.model_name, plain.id) == ("ccfraud", "7")
    assert list(plain.outputs[0].contents.fp32_contents) == pytest.approx(wanted)
    assert not plain.raw_output_contents
    request = fraud()
    request.inputs[0].ClearField("contents")
    request.raw_input_contents.append(np.array(FRAUD, dtype="<f4").tobytes())
    raw = infer(served, request)
    assert struct.unpack("<f", raw.raw_output_contents[0])[0] == pytest.approx(wanted[0])
    assert not raw.outputs[0].HasField("contents")
    assert list(raw.outputs[0].shape) == [1, 1]


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_compressed_messages_are_understood(served: Served, compression: grpc.Compression) -> None:
    request = fraud(id="7" * 2000)
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        asked = channel.unary_unary(f"/{messages.SERVICE}/ModelInfer")
        metadata = (("authorization", f"Bearer {served.caller.token}"),)
        answer = asked(request.SerializeToString(), metadata=metadata, timeout=20, compression=compression)
    found = message("ModelInferResponse").FromString(answer)
    assert found.id == request.id
    assert found.outputs[0].contents == infer(served, fraud()).outputs[0].contents


def test_trailers_name_the_request_whatever_came_of_it(served: Served) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        asked = channel.unary_unary(f"/{messages.SERVICE}/ModelInfer")
        metadata = (("authorization", f"Bearer {served.caller.token}"), ("x-request-id", "mine"))
        _, call_ = asked.with_call(fraud().SerializeToString(), metadata=metadata, timeout=20)
        assert dict(call_.trailing_metadata())["x-request-id"] == "mine"
        with pytest.raises(grpc.RpcError) as caught:
            asked(fraud(model_name="nothing").SerializeToString(), metadata=metadata, timeout=20)
        assert dict(caught.value.trailing_metadata())["x-request-id"] == "mine"


def test_a_method_that_is_not_there_is_told_so(served: Served) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(f"/{messages.SERVICE}/ModelTrain")(b"", timeout=20)
        assert caught.value.code() is CODE.UNIMPLEMENTED
        assert "ModelTrain" in caught.value.details()


def test_headers_choose_the_deployment(served: Served) -> None:
    anywhere = fraud(model_name="")
    assert infer(served, anywhere, seldon="ccfraud", namespace=served.namespace).outputs
    assert infer(served, anywhere, **{"seldon-model": f"{served.namespace}.ccfraud"}).outputs
    code, _ = refused(served, anywhere, seldon="ccfraud", namespace="nowhere")
    assert code is CODE.NOT_FOUND


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"model_name": "nothing"}, CODE.NOT_FOUND, ["nothing"]),
        ({"model_version": "1"}, CODE.NOT_FOUND, ["ccfraud"]),
        ({"shape": [1, 28]}, CODE.INVALID_ARGUMENT, ["[-1, 29]", "[1, 28]"]),
        ({"shape": [2, 29]}, CODE.INVALID_ARGUMENT, ["58 values", "29"]),
        ({"shape": [-1, 29]}, CODE.INVALID_ARGUMENT, ["0 or more"]),
        ({"shape": [2**62, 29]}, CODE.INVALID_ARGUMENT, ["expected", "got 29"]),
        ({"datatype": "FP64"}, CODE.INVALID_ARGUMENT, ["FP32", "FP64"]),
        ({"name": "tensro"}, CODE.INVALID_ARGUMENT, ["'tensro'", "tensor: FP32"]),
        ({"raw": [b"1"]}, CODE.INVALID_ARGUMENT, ["contents and raw_input_contents"]),
        ({"raw": [b"1", b"2"]}, CODE.INVALID_ARGUMENT, ["1 inputs", "2 raw_input_contents"]),
        ({"output": "dense_2"}, CODE.INVALID_ARGUMENT, ["'dense_2'", "'dense_1'"]),
    ],
)
def test_what_does_not_fit_is_refused(served: Served, change: dict[str, Any], code: CODE, words: list[str]) -> None:
    request = fraud(**{key: change[key] for key in change.keys() & {"model_name", "model_version"}})
    given = request.inputs[0]
    if "shape" in change:
        given.ClearField("shape")
        given.shape.extend(change["shape"])
    given.datatype = change.get("datatype", given.datatype)
    given.name = change.get("name", given.name)
    request.raw_input_contents.extend(change.get("raw", []))
    if "output" in change:
        request.outputs.add(name=change["output"])
    found, text = refused(served, request)
    assert found is code
    assert all(word in text for word in words), text


def test_who_may_not_is_refused_and_learns_nothing(served: Served) -> None:
    assert refused(served, fraud(), authorization="")[0] is CODE.UNAUTHENTICATED
    assert refused(served, fraud(), authorization="Bearer nonsense")[0] is CODE.UNAUTHENTICATED
    person = invite(served.server, "stranger")
    stranger = f"Bearer {sign_in(served.server, person.email, person.password).token}"
    hidden, missing = refused(served, fraud(), authorization=stranger), refused(served, fraud(model_name="nothing"))
    assert hidden[0] is missing[0] is CODE.NOT_FOUND
    assert hidden[1].replace("ccfraud", "nothing") == missing[1]
    asked = message("RepositoryIndexRequest")()
    assert not call(served, "RepositoryIndex", asked, "RepositoryIndexResponse", authorization=stranger).models
    unload = message("RepositoryModelUnloadRequest")(model_name="ccfraud")
    with pytest.raises(grpc.RpcError) as caught:
        call(served, "RepositoryModelUnload", unload, "RepositoryModelUnloadResponse", authorization=stranger)
    assert caught.value.code() is CODE.NOT_FOUND
    assert infer(served, fraud()).outputs


def test_messages_beyond_the_limit_are_refused(start_server: StartServer) -> None:
    port = free_port()
    server = start_server(grpc_port=port, max_body_bytes="64KiB")
    assert server.url
    small = Served(server, things.administrator(server), 0, "", port)
    request = fraud()
    request.raw_input_contents.append(bytes(2**17))
    code, _ = refused(small, request)
    assert code is CODE.RESOURCE_EXHAUSTED


def test_a_server_ends_in_order_with_grpc_connections_open(start_server: StartServer) -> None:
    port = free_port()
    server = start_server(grpc_port=port, workers=2)
    assert server.url
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        live = channel.unary_unary(f"/{messages.SERVICE}/ServerLive")
        assert message("ServerLiveResponse").FromString(live(b"", timeout=10)).live
        assert server.stop() == 0
    with socket.socket() as attempt:
        assert attempt.connect_ex(("127.0.0.1", port)) != 0


def test_a_port_that_is_in_use_stops_the_start(start_server: StartServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = start_server(grpc_port=taken.getsockname()[1])
        assert server.wait() == 2
    assert "in use by another program; stop it or give --grpc-port another number" in server.err


def test_the_descriptor_is_that_of_the_proto_file() -> None:
    folder = Path(messages.__file__).parent
    lines = [line.strip() for line in (folder / "open_inference.proto").read_text().splitlines()]
    names = [line.split()[1] for line in lines if line.startswith("message ")]
    fields = [line for line in lines if line.endswith(";") and " = " in line and not line.startswith("syntax")]
    raw = (folder / "open_inference.binpb").read_bytes()
    for name in [*names, *(line.rpartition(" = ")[0].split()[-1] for line in fields)]:
        assert name.encode() in raw
    said = {line.split()[1].partition("(")[0] for line in lines if line.startswith("rpc ")}
    assert said == set(messages.methods())
