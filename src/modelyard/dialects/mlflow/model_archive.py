"""The folder of an MLflow model as one file, see ``core.catalogue.model_archive``."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from shutil import copyfileobj
from typing import IO

from modelyard.core.catalogue.artifacts import ArtifactStore
from modelyard.core.catalogue.entities import ArtifactFile
from modelyard.core.catalogue.model_archive import write_archive
from modelyard.core.catalogue.models import CheckedFile
from modelyard.core.kernel.errors import invalid

_FILES_MAX = 20_000
_CHUNK = 2**20


def archived(artifacts: ArtifactStore, files: Mapping[str, ArtifactFile], limit: int) -> CheckedFile:
    """The files by their paths below the folder, as a version that is yet to be made ready; ``INVALID`` for too much.

    Blocking: to be called on a thread.
    """
    size = sum(file.size for file in files.values())
    if len(files) > _FILES_MAX or size > limit:
        raise invalid(f"its folder holds {len(files)} files of {size} bytes; at most {_FILES_MAX} of {limit} are taken")
    with artifacts.upload(limit) as incoming:
        incoming.replace(partial(_write, artifacts, files))
        sha = incoming.finish()
        incoming.keep()
        return CheckedFile(sha, incoming.size, None)


def _write(artifacts: ArtifactStore, files: Mapping[str, ArtifactFile], target: Path) -> None:
    def copy(path: str, sink: IO[bytes]) -> None:
        with artifacts.path(files[path].sha).open("rb") as source:
            copyfileobj(source, sink, _CHUNK)

    write_archive(target, files, copy, {path: file.size for path, file in files.items()})
