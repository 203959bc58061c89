"""Models that bring their own code: an archive with Python files, what they read, and requirements.txt.

Either ``model.py`` at the top has ``load(folder: Path)``, which returns a function from a dict of arrays to a dict of
arrays (or an object with such a ``predict``) and may say ``INPUTS`` and ``OUTPUTS`` as lists of ``{"name", "dtype",
"shape"}``. It may have ``generate`` beside ``predict`` or in its place, see ``generation``: without ``predict``, rows
are answered by whole texts. Or a file at the top has a subclass of ``mac.inference.creation.InferenceBuilder``.
"""

import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

from modelyard_runtime import archives
from modelyard_runtime.loaders import code
from modelyard_runtime.loaders.calling import FunctionModel
from modelyard_runtime.loaders.declared import Tensors, inputs_of, outputs_of
from modelyard_runtime.loaders.generating import GeneratingModel, texts
from modelyard_runtime.model import Model, Source, Tensor, Unloadable


def load(source: Source) -> Model:
    """The model that the code makes."""
    folder = archives.extract(source.path, source.scratch)
    code.importable(folder)
    path = folder / "model.py"
    if path.exists() and "load" in code.functions(path):
        return _own(code.run(path), folder, source)
    return _built(_builder(folder), folder, source)


def _own(module: ModuleType, folder: Path, source: Source) -> Model:
    loaded = module.load(folder)
    generates = callable(getattr(loaded, "generate", None))
    if generates and not hasattr(loaded, "predict"):
        return texts(loaded)
    function = getattr(loaded, "predict", loaded)
    if not callable(function):
        raise Unloadable(f"load in model.py returned {type(loaded).__name__}, which cannot be called.")
    inputs = inputs_of(source, _said(module, "INPUTS"))
    kind = GeneratingModel if generates else FunctionModel
    return kind(loaded, function, inputs, outputs_of(source, _said(module, "OUTPUTS")))


def _said(module: ModuleType, name: str) -> Tensors:
    try:
        return tuple(Tensor.from_json(item) for item in getattr(module, name, ()))
    except (KeyError, TypeError) as error:
        raise Unloadable(f'{name} in model.py must be a list of {{"name", "dtype", "shape"}}.') from error


def _built(builder: Any, folder: Path, source: Source) -> Model:
    from mac.config.inference import CustomInferenceConfig  # type: ignore[import-not-found]  # noqa: PLC0415

    inference = builder().create(CustomInferenceConfig(model_path=folder))
    return FunctionModel(inference, inference.predict, inputs_of(source), outputs_of(source))


def _builder(folder: Path) -> Any:
    from mac.inference.creation import InferenceBuilder  # type: ignore[import-not-found]  # noqa: PLC0415

    modules = [code.run(path) for path in sorted(folder.glob("*.py")) if code.imports(path, "mac")]
    found = [value for module in modules for value in vars(module).values() if _is_builder(value, InferenceBuilder)]
    # One file may import the builder of another.
    builders = {id(value): value for value in found}
    if len(builders) != 1:
        names = ", ".join(value.__name__ for value in builders.values()) or "none"
        message = f"One subclass of InferenceBuilder is expected in the files at the top; found {names}."
        raise Unloadable(f"{message} Or write model.py with a function load(folder).")
    return next(iter(builders.values()))


def _is_builder(value: object, base: type) -> bool:
    return isinstance(value, type) and issubclass(value, base) and not inspect.isabstract(value)
