"""Modules of PyTorch, by the exporter that also takes TorchScript."""

import io
import warnings
from typing import Any

import onnx
import torch

from modelyard_runtime.conversion.graphs import OPSETS, Piece
from modelyard_runtime.loaders.declared import zeros


def core(model: Any) -> tuple[onnx.ModelProto, tuple[Piece, ...]]:
    """The module as a graph, traced with two rows of zeros."""
    row = zeros(model.inputs)
    arguments = tuple(torch.from_numpy(row[one.name].repeat(2, axis=0)) for one in model.inputs)
    names = [f"input_{place}" for place in range(len(model.inputs))]
    results = [f"output_{place}" for place in range(len(model.outputs))]
    axes = {name: {0: "N"} for name in [*names, *results]}
    for name, one in zip(names, model.inputs, strict=True):
        axes[name] |= {place: f"{name}_{place}" for place, size in enumerate(one.shape) if place and size is None}
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is traced is compared afterwards
        torch.onnx.export(
            model.original,
            arguments,
            buffer,
            dynamo=False,
            input_names=names,
            output_names=results,
            dynamic_axes=axes,
            opset_version=OPSETS[""],
        )
    places = _places(model, arguments)
    return onnx.load_model_from_string(buffer.getvalue()), tuple(Piece(place) for place in places)


def _places(model: Any, arguments: tuple[torch.Tensor, ...]) -> list[int]:
    """At which place of the exported outputs each output of the model is."""
    with torch.no_grad():
        answers = model.original(*arguments)
    if not isinstance(answers, dict):
        return list(range(len(model.outputs)))
    keys = list(answers)
    return [keys.index(one.name) for one in model.outputs]
