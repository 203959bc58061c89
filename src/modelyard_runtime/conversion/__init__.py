"""ONNX models made of models in memory, and the proof that they answer the same.

Runs in the model's environment, with the framework's converter, onnx and onnxruntime beside what serving needs.
"""

import importlib
from typing import Any

from modelyard_runtime.conversion.outcomes import NotConvertible
from modelyard_runtime.model import Model

_CONVERTERS = {
    "keras": "tensorflow",
    "lightgbm": "trees",
    "pytorch": "pytorch",
    "sklearn": "sklearn",
    "tensorflow": "tensorflow",
    "xgboost": "trees",
}

__all__ = ["NotConvertible", "convert"]


def convert(loader: str, model: Model) -> bytes:
    """The ONNX model with the same tensors, of a model that this loader made.

    Raises ``NotConvertible`` where there is no converter, or it fails.
    """
    if loader not in _CONVERTERS:
        raise NotConvertible(f"there is no converter for {loader}")
    loaded: Any = model
    try:
        converter = importlib.import_module(f"modelyard_runtime.conversion.{_CONVERTERS[loader]}")
        graphs = importlib.import_module("modelyard_runtime.conversion.graphs")
        core, pieces = converter.core(loaded)
        written: bytes = graphs.framed(core, tuple(model.inputs), tuple(model.outputs), pieces)
    except NotConvertible:
        raise
    except Exception as error:
        # Converters raise whatever their code runs into.
        text = str(error).strip().split("\n", maxsplit=1)[0]
        raise NotConvertible(f"the converter failed: {type(error).__name__}: {text[:300]}") from error
    return written
