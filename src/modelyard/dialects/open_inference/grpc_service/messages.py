"""The protocol's messages, from the descriptor of ``open_inference.proto``.

They are made from the descriptor rather than from generated code, which works with one major version of protobuf only,
and live in a pool of their own, so that a client's messages of the same names may be imported beside them.
"""

from importlib.resources import files
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SERVICE: Final = "inference.GRPCInferenceService"

_POOL = descriptor_pool.DescriptorPool()
for _file in descriptor_pb2.FileDescriptorSet.FromString(
    files(__package__).joinpath("open_inference.binpb").read_bytes()
).file:
    _POOL.AddSerializedFile(_file.SerializeToString())


def message(name: str) -> Any:
    """The class of a message."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"inference.{name}"))


def methods() -> dict[str, Any]:
    """The request's class of each method."""
    service = _POOL.FindServiceByName(SERVICE)
    return {method.name: message_factory.GetMessageClass(method.input_type) for method in service.methods}


InferResponse: Final = message("ModelInferResponse")
