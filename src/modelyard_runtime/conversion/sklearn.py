"""Estimators of scikit-learn, by skl2onnx."""

from typing import Any

import onnx
from skl2onnx import to_onnx
from skl2onnx.common import data_types
from sklearn.base import is_classifier

from modelyard_runtime.conversion.graphs import OPSETS, Piece
from modelyard_runtime.conversion.outcomes import NotConvertible
from modelyard_runtime.conversion.samples import thresholds_of
from modelyard_runtime.loaders.tabular import TableModel
from modelyard_runtime.model import Tensor

_TYPES = {
    "bool": data_types.BooleanTensorType,
    "float32": data_types.FloatTensorType,
    "float64": data_types.DoubleTensorType,
    "string": data_types.StringTensorType,
}
_EXACT_IN_FLOAT32 = {"bool", "float16", "float32", "int8", "int16", "uint8", "uint16"}


def core(model: TableModel) -> tuple[onnx.ModelProto, tuple[Piece, ...]]:
    """The estimator as a graph, and which of its outputs the method gives."""
    if model.method not in ("predict", "predict_proba", "transform"):
        raise NotConvertible(f"the method {model.method} has no counterpart in ONNX")
    estimator = model.original
    options = {id(estimator): {"zipmap": False}} if is_classifier(estimator) else None
    graph = to_onnx(estimator, initial_types=_initial_types(model), options=options, target_opset=OPSETS)
    return graph, pieces(1 if model.method == "predict_proba" else 0, len(model.outputs))


def pieces(output: int, count: int) -> tuple[Piece, ...]:
    """One output, dealt out by columns where several are declared."""
    return (Piece(output),) if count == 1 else tuple(Piece(output, column) for column in range(count))


def _initial_types(model: TableModel) -> list[tuple[str, Any]]:
    columns = {tensor.name: tensor for tensor in model.inputs if len(tensor.shape) == 1}
    if model.names and set(columns) == set(model.names):
        # In the order of the model's inputs: that is how the frame around the graph counts them.
        return [(name, _column_type(tensor)) for name, tensor in columns.items()]
    return [("inputs", _matrix_type(model))]


def _matrix_type(model: TableModel) -> Any:
    """The type of all inputs side by side: double where single floats do not hold every value.

    Trees are asked in single floats, as scikit-learn itself does whatever it is given.
    """
    exact = all(tensor.dtype in _EXACT_IN_FLOAT32 for tensor in model.inputs) or thresholds_of(model.original)
    kind = data_types.FloatTensorType if exact else data_types.DoubleTensorType
    return kind([None, int(model.original.n_features_in_)])


def _column_type(tensor: Tensor) -> Any:
    return _TYPES.get(tensor.dtype, data_types.Int64TensorType)([None, 1])
