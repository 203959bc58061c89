"""Makes one file of an ONNX model that keeps its tensors in others, in a process of its own.

Run as ``python -m modelyard.engines.onnx_fold FOLDER``: reads ``model.onnx`` and the files beside it there, writes
``folded.onnx``, prints ``{}`` or ``{"error": …}``.
"""

import mmap
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.engines import onnx_file
from modelyard.engines.child import limit_itself, refusal, run_child, tell

_MODEL, _FOLDED = "model.onnx", "folded.onnx"
_CPU_SECONDS = 120
_WALL_SECONDS = 240
_BASE_MEMORY = 1024**3  # address space that Python maps before any model
_SMALLEST = 1024 * 1024


def fold(model: Path, beside: Mapping[str, Path], into: Path) -> None:
    """Write the model with all its tensors to ``into``. ``beside`` are the files it may name, by their plain names.

    ``INVALID`` when it names another file, a path, or is no ONNX model.
    """
    with tempfile.TemporaryDirectory(dir=into.parent) as made:
        folder = Path(made)
        _place(model, folder / _MODEL)
        for name, path in beside.items():
            if Path(name).name == name and name not in (_MODEL, _FOLDED):
                _place(path, folder / name)
        _run(folder)
        (folder / _FOLDED).replace(into)


def _place(source: Path, target: Path) -> None:
    """The same file under another name; never a link that the model's names could follow elsewhere."""
    try:
        os.link(source, target)
    except OSError:
        target.write_bytes(source.read_bytes())


def _run(folder: Path) -> None:
    answer = run_child("modelyard.engines.onnx_fold", folder, _WALL_SECONDS, "making one file of the model").answer
    if answer is None:
        raise invalid("making one file of the model failed: a file is damaged, hostile or too large")
    if "error" in answer:
        raise invalid(answer["error"])


def _folded(folder: Path) -> None:
    there = {path.name for path in folder.iterdir()} - {_MODEL}

    def read(name: str, offset: int, length: int | None) -> bytes:
        if name not in there:
            raise invalid(f"the model keeps tensors in {name[:200]!r}, which is not among its files")
        with (folder / name).open("rb") as file:
            file.seek(offset)
            content = file.read() if length is None else file.read(length)
        if length is not None and len(content) < length:
            raise invalid(f"the model's file {name[:200]!r} is shorter than its tensors")
        return content

    with (folder / _MODEL).open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        whole = memoryview(mapped)
        onnx_file.read_facts(whole)
        (folder / _FOLDED).write_bytes(onnx_file.with_tensors(whole, read))


def main(folder: Path) -> None:
    """Fold the model and print the result as one line of JSON."""
    size = sum(path.stat().st_size for path in folder.iterdir())
    limit_itself(_BASE_MEMORY + 6 * size, _CPU_SECONDS, 2 * size + _SMALLEST)
    try:
        _folded(folder)
        answer: dict[str, Any] = {}
    except DomainError as error:
        answer = refusal(error)
    tell(answer)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
