"""Boosters of XGBoost and LightGBM, by onnxmltools."""

from typing import Any

import numpy as np
import onnx
import onnxmltools
from onnxmltools.convert.common.data_types import FloatTensorType

from modelyard_runtime.conversion.graphs import OPSETS, Piece
from modelyard_runtime.conversion.samples import thresholds_of
from modelyard_runtime.conversion.sklearn import pieces
from modelyard_runtime.loaders.tabular import TableModel

_OPSET = min(OPSETS[""], 15)


def core(model: TableModel) -> tuple[onnx.ModelProto, tuple[Piece, ...]]:
    """The trees as a graph, and which of its outputs the model gives."""
    original = model.original
    types = [("inputs", FloatTensorType([None, _width(original)]))]
    graph = _convert(original, types)
    return graph, _pieces(original, graph, model)


def _width(original: Any) -> int:
    if hasattr(original, "n_features_in_"):
        return int(original.n_features_in_)
    return int(original.num_features() if hasattr(original, "num_features") else original.num_feature())


def _convert(original: Any, types: list[tuple[str, Any]]) -> onnx.ModelProto:
    graph: onnx.ModelProto
    if type(original).__module__.startswith("xgboost"):
        graph = onnxmltools.convert_xgboost(_unnamed(original), initial_types=types, target_opset=_OPSET)
    else:
        graph = onnxmltools.convert_lightgbm(original, initial_types=types, target_opset=_OPSET, zipmap=False)
        _round_down(graph, [value for _, value in thresholds_of(original)])
    return graph


def _round_down(graph: onnx.ModelProto, thresholds: list[float]) -> None:
    """Make ``value <= threshold`` the same for single floats as it is for LightGBM's double thresholds.

    A threshold rounded to the nearest single float may have grown past values that were above it.
    """
    grown = {np.float32(value) for value in thresholds if float(np.float32(value)) > value}
    for node in graph.graph.node:
        for attribute in node.attribute:
            if attribute.name == "nodes_values":
                lowered = [_below(value) if np.float32(value) in grown else value for value in attribute.floats]
                attribute.floats[:] = lowered


def _below(value: float) -> float:
    return float(np.nextafter(np.float32(value), np.float32(-np.inf)))


def _unnamed(original: Any) -> Any:
    """The same trees without names of features, which the converter would read as numbers."""
    if not hasattr(original, "feature_names") or original.feature_names is None:
        return original
    copy = original.copy()
    copy.feature_names = None
    return copy


def _pieces(original: Any, graph: onnx.ModelProto, model: TableModel) -> tuple[Piece, ...]:
    outputs = len(graph.graph.output)
    if hasattr(original, "classes_") or outputs == 1:
        return pieces(1 if model.method == "predict_proba" else 0, len(model.outputs))
    # A booster of classes gives their probabilities, of two classes the second one's.
    width = model.outputs[0].shape[1:]
    return (Piece(1, 1),) if not width or width == (1,) else pieces(1, len(model.outputs))
