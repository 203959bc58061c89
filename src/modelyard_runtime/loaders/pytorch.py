"""Modules of PyTorch: TorchScript, a whole module that was pickled, or an archive of model.py and weights.

Such a model.py has ``build() -> torch.nn.Module``, into which the one file of weights in the archive is read.
Inputs go to ``forward`` by place, in the order in which they are declared.
"""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from modelyard_runtime import archives
from modelyard_runtime.loaders import code
from modelyard_runtime.loaders.declared import Tensors, fitted, inputs_of, probed
from modelyard_runtime.model import Array, Model, Source, Unloadable

_WEIGHTS = (".pt", ".pth", ".bin")


class Module:
    """Answers with what ``forward`` gives: a tensor, several, or tensors by name."""

    def __init__(self, module: torch.nn.Module, inputs: Tensors) -> None:
        self.original = module.eval()
        self.inputs = inputs
        self.outputs: Tensors = ()

    def answer(self, inputs: Mapping[str, Array]) -> Any:
        """The same as the module gives, as arrays."""
        with torch.no_grad():
            # A copy: arrays of a request are read-only, which torch does not know.
            return _arrays(self.original(*(torch.from_numpy(np.array(inputs[one.name])) for one in self.inputs)))

    def predict(self, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        return fitted(self.answer(inputs), self.outputs)


def load(source: Source) -> Model:
    """The module; the upload must declare its inputs, for none of the forms does."""
    model = Module(_read(source), inputs_of(source))
    model.outputs = probed(source, model.inputs, model.answer, "output")
    return model


def _arrays(answers: Any) -> Any:
    if isinstance(answers, torch.Tensor):
        return answers.numpy()
    if isinstance(answers, Mapping):
        return {name: _arrays(answer) for name, answer in answers.items()}
    return tuple(_arrays(answer) for answer in answers)


def _read(source: Source) -> torch.nn.Module:
    members = archives.names(source.path)
    if any(name.split("/")[1:2] == ["constants.pkl"] for name in members):
        script: torch.nn.Module = torch.jit.load(str(source.path), map_location="cpu")
        return script
    if any(name.split("/")[-1] == "model.py" for name in members):
        return _built(archives.extract(source.path, source.scratch))
    return _whole(source.path)


def _whole(path: Path) -> torch.nn.Module:
    loaded = _weights(path)
    if loaded is None:
        loaded = _unpickled(path)
    if not isinstance(loaded, torch.nn.Module):
        message = "The file holds weights without the module they belong to"
        raise Unloadable(f"{message}: upload an archive with them and a model.py that has build(), or TorchScript.")
    return loaded


def _unpickled(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=False)
    except ModuleNotFoundError as error:
        message = f"The file cannot be read: the code of the module's class, {error.name}, is missing"
        raise Unloadable(f"{message}; upload TorchScript, or weights in an archive with a model.py.") from error
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise Unloadable(f"The file is none that torch wrote: {error}.") from error


def _weights(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError):
        return None


def _built(folder: Path) -> torch.nn.Module:
    path = folder / "model.py"
    if not path.exists() or "build" not in code.functions(path):
        raise Unloadable("The archive needs model.py at its top with a function build() that returns the module.")
    files = [file for file in sorted(folder.rglob("*")) if file.suffix in _WEIGHTS]
    if len(files) != 1:
        raise Unloadable(f"One file of weights is expected in the archive; found {len(files)}.")
    code.importable(folder)
    module: torch.nn.Module = code.run(path).build()
    weights = _weights(files[0])
    if weights is None:
        raise Unloadable(f"{files[0].name} holds more than weights; write it with torch.save(module.state_dict(), …).")
    module.load_state_dict(weights)
    return module
