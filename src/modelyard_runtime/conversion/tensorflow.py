"""SavedModels and models of Keras, by tf2onnx."""

from typing import Any

import onnx
import tensorflow as tf
import tf2onnx

from modelyard_runtime.conversion.graphs import OPSETS, Piece


def core(model: Any) -> tuple[onnx.ModelProto, tuple[Piece, ...]]:
    """The model's call as a graph."""
    specs = [_spec(one, f"input_{place}") for place, one in enumerate(model.inputs)]
    count = len(model.outputs)

    @tf.function(input_signature=specs)  # type: ignore[untyped-decorator]
    def call(*arguments: Any) -> Any:
        answers = model.traced(arguments)
        return {f"output_{place:03}": answers[place] for place in range(count)}

    graph, _ = tf2onnx.convert.from_function(call, input_signature=specs, opset=OPSETS[""])
    names = [output.name for output in graph.graph.output]
    places = [next(at for at, name in enumerate(names) if f"output_{place:03}" in name) for place in range(count)]
    return graph, tuple(Piece(place) for place in places)


def _spec(tensor: Any, name: str) -> tf.TensorSpec:
    return tf.TensorSpec(tensor.shape, tf.as_dtype(tensor.dtype), name=name)
