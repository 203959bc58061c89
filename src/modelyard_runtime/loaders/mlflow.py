"""Model folders of MLflow in an archive, through their pyfunc flavour."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
from mlflow.types import Schema, TensorSpec

from modelyard_runtime import archives
from modelyard_runtime.loaders.calling import counted
from modelyard_runtime.loaders.declared import Tensors, fitted, inputs_of, probed, rows
from modelyard_runtime.model import Array, Model, Source, Tensor, Unloadable

_COLUMN_TYPES = {
    "boolean": "bool",
    "integer": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "string": "string",
}


class PyFunc:
    """Gives the model the form that its signature names: a DataFrame, an array, or arrays by name."""

    def __init__(self, model: Any, inputs: Tensors) -> None:
        self.original = model
        self.inputs = inputs
        self.outputs: Tensors = ()

    def predict(self, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        answers = fitted(self.answer(inputs), self.outputs)
        return counted(answers, len(next(iter(inputs.values()))))

    def answer(self, inputs: Mapping[str, Array]) -> Any:
        """What the model gives: arrays by name, or one array."""
        answers = self.original.predict(self._form(inputs))
        if isinstance(answers, pd.DataFrame):
            return {str(name): _cells(answers[name]) for name in answers.columns}
        return answers.to_numpy() if isinstance(answers, pd.Series) else answers

    def _form(self, inputs: Mapping[str, Array]) -> Any:
        schema = self.original.metadata.get_input_schema()
        if schema is not None and schema.is_tensor_spec():
            return dict(inputs) if schema.has_input_names() else next(iter(inputs.values()))
        if schema is None and len(inputs) == 1 and next(iter(inputs.values())).ndim > 1:
            return next(iter(inputs.values()))
        return pd.DataFrame({name: _column(values) for name, values in inputs.items()})


def load(source: Source) -> Model:
    """The model; its own signature holds where the upload declared none."""
    folder = _folder(archives.extract(source.path, source.scratch))
    try:
        model = mlflow.pyfunc.load_model(str(folder))
    except ModuleNotFoundError as error:
        raise Unloadable(f"The model needs the package {error.name!r}; name it in the requirements.") from error
    loaded = PyFunc(model, inputs_of(source, _tensors(model.metadata.get_input_schema(), "inputs")))
    outputs = source.outputs or _tensors(model.metadata.get_output_schema(), "predictions")
    loaded.outputs = outputs or probed(source, loaded.inputs, loaded.answer, "predictions")
    return loaded


def _folder(top: Path) -> Path:
    found = sorted(top.rglob("MLmodel"), key=lambda path: len(path.parts))
    if not found:
        raise Unloadable("The archive has no file MLmodel: upload the folder that mlflow's save_model wrote.")
    return found[0].parent


def _tensors(schema: Schema | None, unnamed: str) -> Tensors:
    return tuple(_tensor(item, unnamed) for item in schema.inputs) if schema is not None else ()


def _tensor(item: Any, unnamed: str) -> Tensor:
    name = item.name or unnamed
    if isinstance(item, TensorSpec):
        sizes = tuple(None if size < 0 else size for size in item.shape)
        return Tensor(name, "string" if item.type.kind in "OUS" else str(item.type), sizes)
    dtype = _COLUMN_TYPES.get(getattr(item.type, "name", ""))
    # Arrays, objects and dates have no tensor's form: each row is taken as the JSON value that it is.
    return Tensor(name, dtype or "json", (None,))


def _column(values: Array) -> Any:
    return values if values.ndim == 1 else rows(values)


def _cells(column: Any) -> Any:
    values = column.to_numpy()
    if values.dtype == object and len(values) and isinstance(values[0], list | np.ndarray):
        return np.asarray(values.tolist())
    return values
