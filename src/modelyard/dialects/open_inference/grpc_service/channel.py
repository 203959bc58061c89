"""Asking a server's gRPC port for what was written for its HTTP port; see ``runner.connection.Channel``."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import grpc
import msgspec
import numpy as np
import orjson

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.dialects.open_inference.datatypes import BYTES, DTYPE
from modelyard.dialects.open_inference.dialect import STATUS as HTTP_STATUS
from modelyard.dialects.open_inference.grpc_service.contents import FIELD
from modelyard.dialects.open_inference.grpc_service.inference import plain, put_parameters
from modelyard.dialects.open_inference.grpc_service.messages import SERVICE, InferResponse, message
from modelyard.dialects.open_inference.request import Body, Input
from modelyard.dialects.open_inference.tensors import from_binary, from_json, to_binary
from modelyard.runner.connection import Address, Answer
from modelyard.web.grpc.status import CODE

_SECONDS = 60.0
_KINDS: Final = {int(code): kind for kind, code in CODE.items() if kind is not ErrorKind.TOO_LARGE}
_OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class GrpcChannel:
    """One connection, opened when it is needed, to one deployment."""

    def __init__(self, address: Address, workspace: str, deployment: str, token: str) -> None:
        self.free_at = 0.0
        host = f"[{address.host}]" if ":" in address.host else address.host
        self._target = f"{host}:{address.port}"
        self._metadata = (("authorization", f"Bearer {token}"), ("namespace", workspace), ("seldon", deployment))
        self._channel: Any = None

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The answer as JSON with the status that HTTP would have; ``path`` says nothing: the metadata name all."""
        del path
        try:
            request = _request(body)
        except (DomainError, msgspec.MsgspecError) as error:
            return _refusal(ErrorKind.INVALID, str(error))
        try:
            response = await self._call()(request, metadata=(*self._metadata, *headers.items()), timeout=_SECONDS)
        except grpc.aio.AioRpcError as error:
            return _refusal(_KINDS.get(error.code().value[0], ErrorKind.INTERNAL), error.details() or error.code().name)
        return Answer(200, _written(response))

    def close(self) -> None:
        """Forget the connection: gRPC closes it when nothing uses it any longer."""
        self._channel = None

    def _call(self) -> Any:
        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(self._target, options=_OPTIONS)
        return self._channel.unary_unary(
            f"/{SERVICE}/ModelInfer", lambda each: each.SerializeToString(), InferResponse.FromString
        )


def _request(body: bytes) -> Any:
    asked = msgspec.json.decode(body, type=Body)
    request = message("ModelInferRequest")(id=asked.id)
    put_parameters(request.parameters, asked.parameters or {})
    for given in asked.inputs:
        tensor = request.inputs.add(name=given.name, datatype=given.datatype, shape=given.shape)
        put_parameters(tensor.parameters, given.parameters or {})
        request.raw_input_contents.append(_raw(given))
    for output in asked.outputs or ():
        request.outputs.add(name=output.name)
    return request


def _raw(given: Input) -> bytes:
    """The values of a tensor as they lie in memory."""
    return to_binary(from_json(given.name, given.datatype, given.shape, given.data))


def _written(response: Any) -> bytes:
    raw = response.raw_output_contents
    outputs = [_output(each, raw[at] if raw else None) for at, each in enumerate(response.outputs)]
    answer = {
        "model_name": response.model_name,
        "model_version": response.model_version,
        "id": response.id,
        "parameters": plain(response.parameters),
        "outputs": outputs,
    }
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


def _output(tensor: Any, raw: bytes | None) -> dict[str, Any]:
    shape = list(tensor.shape)
    if raw is not None:
        values: Any = from_binary(tensor.name, tensor.datatype, shape, raw).ravel()
    else:
        values = getattr(tensor.contents, FIELD[tensor.datatype])
    data = _texts(values) if tensor.datatype == BYTES else np.array(values, DTYPE[tensor.datatype])
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": shape, "data": data}


def _texts(values: Sequence[Any]) -> list[str]:
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


def _refusal(kind: ErrorKind, why: str) -> Answer:
    return Answer(HTTP_STATUS[kind], orjson.dumps({"error": why}))
