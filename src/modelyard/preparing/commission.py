"""What a preparation is done with, and what its stages share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelyard.core.catalogue.artifacts import ArtifactStore
from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.catalogue.frameworks import Framework
from modelyard.core.catalogue.model_places import Folder
from modelyard.core.catalogue.preparing import Undertaking
from modelyard.core.catalogue.uploading import ModelChecker
from modelyard.core.kernel.store import Store
from modelyard.core.serving.signature import TensorSpec
from modelyard.engines.declared import declared_tensors
from modelyard.engines.environments import Environments
from modelyard.preparing.isolated import Task
from modelyard.preparing.options import options_of
from modelyard.preparing.telling import Telling

_SECONDS = 900
_MEMORY_MIN = 4 * 2**30
_MEMORY_TIMES = 4
"""So many times the file's size a model may need while it is loaded."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What preparations are done with.

    ``runtime`` gives the folder that holds ``modelyard_runtime`` alone, ``refusal`` the reason why models that bring
    code are not loaded on this machine, None where they are. ``folder`` is for files of the moment. ``check`` looks at
    ONNX models, which may have ``limit`` bytes, as any upload, and ``fold`` makes one file of those that have several.
    ``fetch`` gives the folder that a version without a file comes from, see ``Registries.folder``.
    """

    store: Store
    artifacts: ArtifactStore
    environments: Environments
    runtime: Callable[[], Path]
    refusal: Callable[[], str | None]
    folder: Path
    check: ModelChecker
    fold: Callable[[Path, Mapping[str, Path], Path], None]
    fetch: Callable[[ModelVersion, Callable[[], None]], Folder]
    limit: int


@dataclass(frozen=True, slots=True)
class Commission:
    """One preparation with what its stages share; ``path`` is the upload, ``folder`` is its own."""

    work: Undertaking
    framework: Framework
    path: Path
    folder: Path
    telling: Telling

    @property
    def version(self) -> ModelVersion:
        """What is made ready."""
        return self.work.version

    def task(self, python: Path, runtime: Path, module: tuple[str, ...], files: Mapping[str, str]) -> Task:
        """A run of this part of ``modelyard_runtime`` over the upload, in a new folder, where ``files`` are."""
        folder = self.folder / module[-1]
        folder.mkdir()
        return Task(
            python=python,
            runtime=runtime.absolute(),
            module=module,
            config={**self._config(), **{key: str(folder / value) for key, value in files.items()}},
            folder=folder,
            readable=(self.path,),
            memory_bytes=max(_MEMORY_MIN, _MEMORY_TIMES * self.version.size),
            seconds=_SECONDS,
        )

    def _config(self) -> dict[str, Any]:
        return {
            "loader": self.framework.loader,
            "path": str(self.path),
            "file_name": self.version.file_name,
            "options": options_of(self.version),
            "inputs": _listed(declared_tensors(self.work.input_schema, "input_schema")),
            "outputs": _listed(declared_tensors(self.work.output_schema, "output_schema")),
        }


def _listed(tensors: tuple[TensorSpec, ...] | None) -> list[dict[str, Any]] | None:
    if tensors is None:
        return None
    return [{"name": each.name, "dtype": each.dtype, "shape": list(each.shape)} for each in tensors]
