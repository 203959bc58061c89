"""A model that takes its time."""

import onnx
from onnx import TensorProto, helper


def slow(size: int) -> bytes:
    """[N, 1] in and out as it came, after the product of two square matrices of this size."""
    nodes = [
        helper.make_node("Constant", [], ["sizes"], value_ints=[size, size]),
        helper.make_node("Constant", [], ["zero"], value_float=0.0),
        helper.make_node("Constant", [], ["axes"], value_ints=[0, 1]),
        helper.make_node("ReduceMin", ["x"], ["least"], keepdims=1),
        helper.make_node("Expand", ["least", "sizes"], ["square"]),
        helper.make_node("MatMul", ["square", "square"], ["product"]),
        helper.make_node("ReduceSum", ["product", "axes"], ["sum"], keepdims=1),
        helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
        helper.make_node("Add", ["x", "nothing"], ["y"]),
    ]
    given, made = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 1]) for name in ("x", "y"))
    graph = helper.make_graph(nodes, "slow", [given], [made])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
