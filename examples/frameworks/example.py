"""What every script here writes beside its model: `example.json`, from which a model can be uploaded and checked."""

import json
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Example:
    """A model file, its tensors as `{"name", "dtype", "shape"}`, and rows with what the framework itself answers.

    `rows` and `answers` are columns by name; `tolerance` is what an answer may differ by.
    """

    framework: str
    file: str
    requirements: list[str]
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    rows: Mapping[str, Any]
    answers: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    tolerance: float = 0.0


def tensor(name: str, dtype: str, *sizes: int | None) -> dict[str, Any]:
    """A tensor with any number of rows, each of these sizes."""
    return {"name": name, "dtype": dtype, "shape": [None, *sizes]}


def main(make: Callable[[Path], Example]) -> None:
    """Write the example into the folder named on the command line."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    folder.mkdir(parents=True, exist_ok=True)
    example = make(folder)
    (folder / "example.json").write_text(json.dumps(asdict(example), indent=1) + "\n")
    print(f"{folder / example.file}: {(folder / example.file).stat().st_size} bytes")


def zipped(archive: Path, folder: Path) -> None:
    """Write a folder's files into an archive, always the same bytes for the same files."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            member = zipfile.ZipInfo(path.relative_to(folder).as_posix())
            member.external_attr = 0o100644 << 16
            opened.writestr(member, path.read_bytes(), zipfile.ZIP_DEFLATED)
