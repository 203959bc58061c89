"""The package ``modelyard_runtime`` as the processes of models find it: alone, without what is installed beside it."""

import hashlib
import os
import shutil
from pathlib import Path

import modelyard_runtime


def runtime_folder(data: Path) -> Path:
    """A folder below the data folder to put on ``PYTHONPATH``; made once for each state of the package."""
    package = Path(modelyard_runtime.__file__).parent
    sources = sorted(package.rglob("*.py"))
    digest = hashlib.sha256()
    for source in sources:
        digest.update(f"{source.relative_to(package)}\0".encode() + source.read_bytes() + b"\0")
    folder = data / "run" / "runtime" / digest.hexdigest()[:16]
    if not folder.is_dir():
        _copy(package, sources, folder)
    return folder


def _copy(package: Path, sources: list[Path], folder: Path) -> None:
    """All of it or nothing: two that copy at once make the same."""
    aside = folder.with_name(f"{folder.name}.{os.getpid()}")
    shutil.rmtree(aside, ignore_errors=True)
    for source in sources:
        place = aside / package.name / source.relative_to(package)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)
    try:
        aside.rename(folder)
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)
        if not folder.is_dir():
            raise
