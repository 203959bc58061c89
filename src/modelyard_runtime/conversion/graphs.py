"""A converter's ONNX graph between the tensors that the model is said to have."""

from dataclasses import dataclass

import onnx
from onnx import TensorProto, compose, helper

from modelyard_runtime.conversion.outcomes import NotConvertible
from modelyard_runtime.model import Tensor

OPSETS = {"": 17, "ai.onnx.ml": 3}
_IR_VERSION = 10
_PREFIX = "core/"
_TYPES = {
    "bool": TensorProto.BOOL,
    "float16": TensorProto.FLOAT16,
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "int8": TensorProto.INT8,
    "int16": TensorProto.INT16,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "uint8": TensorProto.UINT8,
    "uint16": TensorProto.UINT16,
    "uint32": TensorProto.UINT32,
    "uint64": TensorProto.UINT64,
    "string": TensorProto.STRING,
}


@dataclass(frozen=True)
class Piece:
    """An output of the core: by place, and of it one column or all (None)."""

    output: int
    column: int | None = None


def framed(
    core: onnx.ModelProto, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...], pieces: tuple[Piece, ...]
) -> bytes:
    """The core with the model's own inputs and outputs, checked.

    The core takes as many inputs, or one that has them side by side. Each output is the piece at its place.
    """
    if len(pieces) != len(outputs):
        raise NotConvertible(f"it gives {len(pieces)} outputs, where {len(outputs)} are declared")
    core = compose.add_prefix(core, _PREFIX)
    nodes = [*_entering(core, inputs), *core.graph.node]
    constants = list(core.graph.initializer)
    for tensor, piece in zip(outputs, pieces, strict=True):
        _leave(core.graph.output[piece.output].name, piece, tensor, nodes, constants)
    graph = helper.make_graph(
        nodes, "model", [_info(one) for one in inputs], [_info(one) for one in outputs], constants
    )
    model = helper.make_model(graph, opset_imports=_opsets(core), functions=list(core.functions))
    model.ir_version = min(core.ir_version, _IR_VERSION)
    onnx.checker.check_model(model)
    written: bytes = model.SerializeToString(deterministic=True)
    return written


def element(dtype: str) -> int:
    """ONNX's type of a tensor's values."""
    if dtype not in _TYPES:
        raise NotConvertible(f"ONNX has no tensors of {dtype}")
    return _TYPES[dtype]


def _opsets(core: onnx.ModelProto) -> list[onnx.OperatorSetIdProto]:
    imported = list(core.opset_import)
    if any(one.domain in ("", "ai.onnx") for one in imported):
        return imported
    return [*imported, helper.make_opsetid("", OPSETS[""])]


def _info(tensor: Tensor) -> onnx.ValueInfoProto:
    sizes = [f"{tensor.name}_{place}" if size is None else size for place, size in enumerate(tensor.shape)]
    return helper.make_tensor_value_info(tensor.name, element(tensor.dtype), ["N", *sizes[1:]])


def _entering(core: onnx.ModelProto, inputs: tuple[Tensor, ...]) -> list[onnx.NodeProto]:
    wanted = list(core.graph.input)
    if len(wanted) == len(inputs):
        return [node for one, to in zip(inputs, wanted, strict=True) for node in _enter(one, to, to.name)]
    if len(wanted) != 1:
        raise NotConvertible(f"it takes {len(wanted)} inputs, where {len(inputs)} are declared")
    names = [f"enter/{tensor.name}" for tensor in inputs]
    nodes = [node for one, name in zip(inputs, names, strict=True) for node in _enter(one, wanted[0], name)]
    return [*nodes, helper.make_node("Concat", names, [wanted[0].name], axis=1)]


def _enter(tensor: Tensor, to: onnx.ValueInfoProto, name: str) -> list[onnx.NodeProto]:
    """An input in the type that the core takes, standing as a column where it takes a matrix."""
    cast = f"cast/{tensor.name}"
    kind = to.type.tensor_type.elem_type
    change = helper.make_node("Cast", [tensor.name], [cast], to=kind)
    if element(tensor.dtype) == kind:
        change = helper.make_node("Identity", [tensor.name], [cast])
    if len(tensor.shape) > 1 or len(to.type.tensor_type.shape.dim) != 2:
        return [change, helper.make_node("Identity", [cast], [name])]
    shape = helper.make_tensor(f"column/{tensor.name}", TensorProto.INT64, [2], [-1, 1])
    constant = helper.make_node("Constant", [], [f"column/{tensor.name}"], value=shape)
    return [change, constant, helper.make_node("Reshape", [cast, f"column/{tensor.name}"], [name])]


def _leave(
    core: str, piece: Piece, tensor: Tensor, nodes: list[onnx.NodeProto], constants: list[onnx.TensorProto]
) -> None:
    """Append what brings an output of the core into the tensor's type and shape."""
    current = core
    if piece.column is not None:
        constants.append(helper.make_tensor(f"pick/{tensor.name}", TensorProto.INT64, [1], [piece.column]))
        nodes.append(helper.make_node("Gather", [core, f"pick/{tensor.name}"], [f"picked/{tensor.name}"], axis=1))
        current = f"picked/{tensor.name}"
    sizes = [-1, *(size for size in tensor.shape[1:] if size is not None)]
    if len(sizes) == len(tensor.shape):
        constants.append(helper.make_tensor(f"shape/{tensor.name}", TensorProto.INT64, [len(sizes)], sizes))
        nodes.append(helper.make_node("Reshape", [current, f"shape/{tensor.name}"], [f"shaped/{tensor.name}"]))
        current = f"shaped/{tensor.name}"
    if tensor.dtype == "string":
        nodes.append(helper.make_node("Identity", [current], [tensor.name]))
    else:
        nodes.append(helper.make_node("Cast", [current], [tensor.name], to=element(tensor.dtype)))
