"""Models of a few nodes, for the parts of a graph that are no classifier."""

import onnx
from onnx import TensorProto, helper

FEATURES = 29


def _model(name: str, nodes: list[onnx.NodeProto], output: str, kind: int, width: int, takes: int) -> bytes:
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", takes])
    made = helper.make_tensor_value_info(output, kind, ["N", width])
    graph = helper.make_graph(nodes, name, [given], [made])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _number(name: str, value: float | list[int]) -> onnx.NodeProto:
    if isinstance(value, list):
        return helper.make_node("Constant", [], [name], value_ints=value)
    return helper.make_node("Constant", [], [name], value_float=value)


def scaled(factor: float, width: int = FEATURES) -> bytes:
    """[N, width] times a number: a transformer."""
    return _model(
        "scaled",
        [_number("f", factor), helper.make_node("Mul", ["x", "f"], ["y"])],
        "y",
        TensorProto.FLOAT,
        width,
        width,
    )


def sign_router() -> bytes:
    """Whether the sum of a row is above 0, as 0 or 1: a router."""
    nodes = [
        _number("axes", [1]),
        helper.make_node("ReduceSum", ["x", "axes"], ["sum"], keepdims=1),
        _number("zero", 0.0),
        helper.make_node("Greater", ["sum", "zero"], ["above"]),
        helper.make_node("Cast", ["above"], ["branch"], to=TensorProto.INT64),
    ]
    return _model("sign", nodes, "branch", TensorProto.INT64, 1, FEATURES)


def constant_router(branch: int) -> bytes:
    """Always the same number, whatever comes."""
    nodes = [
        _number("axes", [1]),
        helper.make_node("ReduceSum", ["x", "axes"], ["sum"], keepdims=1),
        _number("zero", 0.0),
        helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
        _number("branch", float(branch)),
        helper.make_node("Add", ["nothing", "branch"], ["chosen"]),
    ]
    return _model("constant", nodes, "chosen", TensorProto.FLOAT, 1, FEATURES)


def difference() -> bytes:
    """The second column from the first: a combiner of two answers."""
    nodes = [
        _number("zero", [0]),
        _number("one", [1]),
        helper.make_node("Gather", ["x", "zero"], ["a"], axis=1),
        helper.make_node("Gather", ["x", "one"], ["b"], axis=1),
        helper.make_node("Sub", ["a", "b"], ["difference"]),
    ]
    return _model("difference", nodes, "difference", TensorProto.FLOAT, 1, 2)


def _tensor(name: str, width: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width])


def _several(name: str, nodes: list[onnx.NodeProto], takes: list[str], gives: list[str], width: int) -> bytes:
    """A model of several tensors, all [N, width]."""
    ends = [_tensor(each, width) for each in takes], [_tensor(each, width) for each in gives]
    graph = helper.make_graph(nodes, name, *ends)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def affine(factor: float, added: float, width: int) -> bytes:
    """``x`` [N, width] times ``factor`` plus ``added``, as ``y``."""
    nodes = [
        _number("f", factor),
        _number("a", added),
        helper.make_node("Mul", ["x", "f"], ["times"]),
        helper.make_node("Add", ["times", "a"], ["y"]),
    ]
    return _several("affine", nodes, ["x"], ["y"], width)


def side_by_side(width: int) -> bytes:
    """``a`` minus ``b``, as ``difference``."""
    return _several("pair", [helper.make_node("Sub", ["a", "b"], ["difference"])], ["a", "b"], ["difference"], width)


def rows_above(limit: float, width: int) -> bytes:
    """Rows whose sum is above the limit as ``above``, the others as ``below``: a fork."""
    nodes = [
        _number("limit", limit),
        _number("axes", [1]),
        helper.make_node("ReduceSum", ["x", "axes"], ["sum"], keepdims=0),
        helper.make_node("Greater", ["sum", "limit"], ["is_above"]),
        helper.make_node("Not", ["is_above"], ["is_below"]),
        helper.make_node("Compress", ["x", "is_above"], ["above"], axis=0),
        helper.make_node("Compress", ["x", "is_below"], ["below"], axis=0),
    ]
    return _several("fork", nodes, ["x"], ["above", "below"], width)
