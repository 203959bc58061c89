"""Makes one file of an ONNX model that keeps its tensors in others, in a process of its own.

Run as ``python -m modelyard.engines.onnx_fold FOLDER``: reads ``in/model.onnx`` and the files beside it,
writes ``out/folded.onnx``, prints ``{}`` or ``{"error": …}``.
"""

import mmap
import os
import stat
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.engines import onnx_file
from modelyard.engines.child import Work, refusal, run_child, tell

_GIVEN, _OUT = "in", "out"  # what may be read, where may be written: the first holds links to the server's own files
_MODEL, _FOLDED = "model.onnx", "folded.onnx"
_CPU_SECONDS = 120
_WALL_SECONDS = 240
_BASE_MEMORY = 1024**3  # what Python may take besides the model
_SMALLEST = 1024 * 1024


def fold(model: Path, beside: Mapping[str, Path], into: Path) -> None:
    """Write the model with all its tensors to ``into``. ``beside`` are the files it may name, by their plain names.

    ``INVALID`` when it names another file, a path, or is no ONNX model.
    """
    with tempfile.TemporaryDirectory(dir=into.parent) as made:
        given, out = Path(made, _GIVEN), Path(made, _OUT)
        given.mkdir()
        out.mkdir()
        _place(model, given / _MODEL)
        for name, path in beside.items():
            if Path(name).name == name and name != _MODEL:
                _place(path, given / name)
        _run(Path(made))
        take(out / _FOLDED, into)


def _place(source: Path, target: Path) -> None:
    """The same file under another name; never a link that the model's names could follow elsewhere."""
    try:
        os.link(source, target)
    except OSError:
        target.write_bytes(source.read_bytes())


def take(made: Path, into: Path) -> None:
    """Make what the child wrote the server's own: a file, and no link to one."""
    if not stat.S_ISREG(made.lstat().st_mode):
        raise invalid("making one file of the model left something else than a file")
    os.chown(made, os.geteuid(), os.getegid())
    made.replace(into)


def _run(folder: Path) -> None:
    size = sum(path.stat().st_size for path in (folder / _GIVEN).iterdir())
    work = Work(
        module="modelyard.engines.onnx_fold",
        path=folder,
        doing="making one file of the model",
        seconds=_WALL_SECONDS,
        cpu_seconds=_CPU_SECONDS,
        memory_bytes=_BASE_MEMORY + 6 * size,
        file_bytes=2 * size + _SMALLEST,
    )
    answer = run_child(work, scratch=folder / _OUT).answer
    if answer is None:
        raise invalid("making one file of the model failed: a file is damaged, hostile or too large")
    if "error" in answer:
        raise invalid(answer["error"])


def _folded(folder: Path) -> None:
    given = folder / _GIVEN
    there = {path.name for path in given.iterdir()} - {_MODEL}

    def read(name: str, offset: int, length: int | None) -> bytes:
        if name not in there:
            raise invalid(f"the model keeps tensors in {name[:200]!r}, which is not among its files")
        with (given / name).open("rb") as file:
            file.seek(offset)
            content = file.read() if length is None else file.read(length)
        if length is not None and len(content) < length:
            raise invalid(f"the model's file {name[:200]!r} is shorter than its tensors")
        return content

    with (given / _MODEL).open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        whole = memoryview(mapped)
        onnx_file.read_facts(whole)
        (folder / _OUT / _FOLDED).write_bytes(onnx_file.with_tensors(whole, read))


def main(folder: Path) -> None:
    """Fold the model and print the result as one line of JSON."""
    try:
        _folded(folder)
        answer: dict[str, Any] = {}
    except DomainError as error:
        answer = refusal(error)
    tell(answer)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
