"""Calls over gRPC with messages as they are on the wire."""

from typing import Any

import grpc
from served import FRAUD, Served

from modelyard.dialects.open_inference.grpc_service.messages import SERVICE, message


def call(served: Served, method: str, request: Any, response: str, **metadata: str) -> Any:
    """The response, as whoever the metadata say; by default the administrator."""
    headers = {"authorization": f"Bearer {served.caller.token}", **metadata}
    with grpc.insecure_channel(f"127.0.0.1:{served.grpc_port}") as channel:
        made = channel.unary_unary(
            f"/{SERVICE}/{method}", type(request).SerializeToString, message(response).FromString
        )
        return made(request, metadata=tuple(headers.items()), timeout=20)


def infer(served: Served, request: Any, **metadata: str) -> Any:
    """The response to an inference request."""
    return call(served, "ModelInfer", request, "ModelInferResponse", **metadata)


def fraud(**more: Any) -> Any:
    """A request of one row, in contents."""
    request = message("ModelInferRequest")(**{"model_name": "ccfraud", **more})
    given = request.inputs.add(name="tensor", datatype="FP32", shape=[1, 29])
    given.contents.fp32_contents.extend(FRAUD)
    return request


def refused(served: Served, request: Any, **metadata: str) -> tuple[grpc.StatusCode, str]:
    """Code and message of a call that is refused."""
    try:
        infer(served, request, **metadata)
    except grpc.RpcError as error:
        return error.code(), error.details()
    raise AssertionError("it was not refused")
