"""Models of Keras: ``.keras``, ``.h5``, or an archive with one of these or with a SavedModel.

Layers that carry code (``Lambda``) are refused whatever version of Keras is installed.
"""

import json
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import h5py
import keras
import numpy as np

from modelyard_runtime import archives
from modelyard_runtime.loaders import tensorflow
from modelyard_runtime.loaders.declared import Tensors, fitted, inputs_of, outputs_of
from modelyard_runtime.model import Array, Model, Source, Tensor, Unloadable

_SUFFIXES = (".keras", ".h5", ".hdf5")
_HDF5 = b"\x89HDF\r\n\x1a\n"


class KerasModel:
    """Answers with what the model's call gives."""

    def __init__(self, model: Any, inputs: Tensors, outputs: Tensors) -> None:
        self.original = model
        self.inputs = inputs
        self.outputs = outputs

    def predict(self, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        return fitted(_arrays(self._call([inputs[one.name] for one in self.inputs])), self.outputs)

    def traced(self, arguments: Sequence[Any]) -> list[Any]:
        """The outputs as tensors, for a converter that traces the call."""
        answers = self._call(arguments)
        if isinstance(answers, Mapping):
            return [answers[one.name] for one in self.outputs]
        return list(answers) if isinstance(answers, list | tuple) else [answers]

    def _call(self, arguments: Sequence[Any]) -> Any:
        return self.original(arguments[0] if len(arguments) == 1 else list(arguments), training=False)


def load(source: Source) -> Model:
    """The model, whose own shapes hold where the upload declared none."""
    members = archives.names(source.path)
    if not members or "config.json" in members:
        return _load_file(source.path, source)
    folder = archives.extract(source.path, source.scratch / "archive")
    files = [path for path in sorted(folder.rglob("*")) if path.suffix in _SUFFIXES]
    return _load_file(files[0], source) if len(files) == 1 else tensorflow.load_folder(folder, source)


def _load_file(path: Path, source: Source) -> Model:
    _refuse_code(_config(path))
    # Keras goes by the name.
    named = source.scratch / ("model.h5" if _is_hdf5(path) else "model.keras")
    named.symlink_to(path.resolve())
    model = keras.models.load_model(named, compile=False, safe_mode=True)
    inputs = inputs_of(source, tuple(_tensor(one, f"input_{n}") for n, one in enumerate(model.inputs, start=1)))
    found = tuple(_tensor(one, name) for one, name in zip(model.outputs, _output_names(model), strict=True))
    return KerasModel(model, inputs, outputs_of(source, found))


def _is_hdf5(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_HDF5)) == _HDF5


def _config(path: Path) -> Any:
    try:
        if _is_hdf5(path):
            with h5py.File(path, "r") as file:
                return json.loads(file.attrs["model_config"])
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))
    except (KeyError, zipfile.BadZipFile, ValueError, OSError) as error:
        raise Unloadable(f"The file is no Keras model that can be read: {error}.") from error


def _refuse_code(config: Any) -> None:
    if any(item.get("class_name") == "Lambda" for item in _objects(config)):
        message = "The model has a Lambda layer, which carries code that cannot be checked"
        raise Unloadable(f"{message}; write it as a layer of Keras, or upload the model as custom with its code.")


def _objects(config: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(config, Mapping):
        yield config
    values = config.values() if isinstance(config, Mapping) else config
    for value in values if isinstance(config, Mapping | list) else ():
        yield from _objects(value)


def _output_names(model: Any) -> list[str]:
    names = list(getattr(model, "output_names", ()))
    return names if len(names) == len(model.outputs) else [f"output_{n + 1}" for n in range(len(model.outputs))]


def _tensor(spec: Any, name: str) -> Tensor:
    own = str(getattr(spec, "name", "") or name)
    return Tensor(name if own.startswith("keras_tensor") else own, str(spec.dtype), (None, *tuple(spec.shape)[1:]))


def _arrays(answers: Any) -> Any:
    if isinstance(answers, list | tuple):
        return [np.asarray(answer) for answer in answers]
    return (
        {name: np.asarray(answer) for name, answer in answers.items()}
        if isinstance(answers, Mapping)
        else np.asarray(answers)
    )
