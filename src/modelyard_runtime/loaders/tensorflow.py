"""SavedModel folders of TensorFlow in an archive, through their ``serving_default`` signature.

Options: ``signature`` names another one.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf

from modelyard_runtime import archives
from modelyard_runtime.loaders.declared import Tensors, fitted, inputs_of, outputs_of
from modelyard_runtime.model import Array, Model, Source, Tensor, Unloadable


class SavedModel:
    """Calls one signature; declared tensors go to its arguments by name, else by place."""

    def __init__(self, loaded: Any, function: Any, inputs: Tensors, outputs: Tensors) -> None:
        self.original = function
        self.inputs = inputs
        self.outputs = outputs
        # What functions use lives only as long as what it was loaded with.
        self._loaded = loaded
        self._arguments = _matched(inputs, _specs(function.structured_input_signature[1]))
        self._results = _matched(outputs, _specs(function.structured_outputs))

    def predict(self, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        answers = self.original(
            **{ours: _constant(inputs[name], spec) for name, (ours, spec) in self._arguments.items()}
        )
        return fitted({name: _plain(answers[ours]) for name, (ours, _) in self._results.items()}, self.outputs)

    def traced(self, arguments: Sequence[Any]) -> list[Any]:
        """The outputs as tensors, for a converter that traces the call."""
        places = zip(self._arguments.values(), arguments, strict=True)
        answers = self.original(**{ours: tf.reshape(value, _open(spec)) for (ours, spec), value in places})
        return [answers[ours] for ours, _ in self._results.values()]


def load(source: Source) -> Model:
    """The signature of the SavedModel, whose own tensors hold where the upload declared none."""
    return load_folder(archives.extract(source.path, source.scratch), source)


def load_folder(top: Path, source: Source) -> Model:
    """The same, of an archive that is unpacked already."""
    folders = sorted(path.parent for path in top.rglob("saved_model.pb"))
    if len(folders) != 1:
        raise Unloadable(f"One folder with saved_model.pb is expected in the archive; found {len(folders)}.")
    loaded = tf.saved_model.load(str(folders[0]))
    name = source.options.get("signature", "serving_default")
    if name not in loaded.signatures:
        raise Unloadable(f"The SavedModel has no signature {name!r}, only {', '.join(loaded.signatures) or 'none'}.")
    function = loaded.signatures[name]
    inputs = inputs_of(source, _tensors(function.structured_input_signature[1]))
    return SavedModel(loaded, function, inputs, outputs_of(source, _tensors(function.structured_outputs)))


def tensor(name: str, spec: Any) -> Tensor:
    """A TensorFlow spec as a tensor."""
    dtype = "string" if spec.dtype == tf.string else tf.as_dtype(spec.dtype).name
    return Tensor(name, dtype, (None, *tuple(spec.shape)[1:]))


def _tensors(specs: Mapping[str, Any]) -> Tensors:
    return tuple(tensor(name, specs[name]) for name in sorted(specs))


def _specs(specs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: specs[name] for name in sorted(specs)}


def _matched(tensors: Tensors, specs: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    names = [one.name for one in tensors]
    if set(names) <= set(specs):
        return {name: (name, specs[name]) for name in names}
    if len(names) != len(specs):
        raise Unloadable(f"The signature has {', '.join(specs)}, but {', '.join(names)} are declared.")
    return dict(zip(names, specs.items(), strict=True))


def _constant(values: Array, spec: Any) -> Any:
    flat = values[:, None] if values.ndim == 1 and spec.shape.rank == 2 else values
    return tf.convert_to_tensor(flat.tolist() if flat.dtype == object else flat, dtype=spec.dtype)


def _open(spec: Any) -> list[int]:
    return [-1 if size is None else size for size in spec.shape]


def _plain(answer: Any) -> Array:
    values: Array = answer.numpy()
    if values.dtype != object:
        return values
    return _texts(values)


def _texts(values: Array) -> Array:
    flat = [value.decode() if isinstance(value, bytes) else value for value in values.ravel()]
    texts = values.copy()
    texts.ravel()[:] = flat
    return texts.reshape(values.shape)
