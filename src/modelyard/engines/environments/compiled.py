"""Compiled modules: where environments share a source file they share what Python made of it, too.

All of it is made here: none comes with a package, which could bring it for the modules of others.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from modelyard.core.kernel.errors import timed_out
from modelyard.engines.environments.uv import started, stopped_after

_COMPILE = ("-m", "compileall", "-qq", "-j", "0", "--invalidation-mode", "timestamp")


def drop_compiled(folder: Path) -> None:
    """Remove what came with packages."""
    for at, _, names in os.walk(folder):
        if os.path.basename(at) == "__pycache__":  # noqa: PTH119  # thousands of them
            for name in names:
                Path(at, name).unlink()


def share_compiled(folder: Path, python: str, others: Iterable[Path]) -> None:
    """Link what other environments of the same Python (like ``3.11``) have compiled of files that are links of ours.

    What is linked names the time and the size of its source, which whoever compiles the rest compares.
    """
    tag = f"cpython-{python.replace('.', '')}"
    missing = dict(_modules(str(folder)))
    for other in others:
        for inode, path in _modules(str(other)):
            if inode in missing and _linked(path, missing[inode], tag):
                del missing[inode]


def compile_rest(folder: Path, seconds: int, lock: int) -> None:
    """Compile what is not compiled; modules that cannot be are left. ``lock``: see ``Uv.run``.

    Neither ``.pth`` files nor any module of the packages are run: ``-I`` and ``-S`` keep Python to its own library.
    """
    command = [str(folder / "bin" / "python"), "-I", "-S", *_COMPILE, str(folder / "lib")]
    with started(command, (lock,)) as child, stopped_after(seconds, child) as late:
        for _ in child.stderr or ():  # warnings of what is compiled
            pass
    if late.is_set():
        raise timed_out(f"compiling the packages took longer than {seconds} s and was stopped")


def _linked(source: str, ours: str, tag: str) -> bool:
    target = _compiled(ours, tag)
    with suppress(OSError):  # it was not compiled, or its environment is being removed
        if os.path.samefile(source, ours):  # noqa: PTH121
            os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
            os.link(_compiled(source, tag), target)
            return True
    return False


def _compiled(source: str, tag: str) -> str:
    at, name = os.path.split(source)
    return f"{at}/__pycache__/{name.removesuffix('.py')}.{tag}.pyc"


def _modules(folder: str) -> Iterator[tuple[int, str]]:
    """The files' numbers on their disk, and their paths."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _modules(entry.path)
            elif entry.name.endswith(".py") and entry.is_file(follow_symlinks=False):
                yield entry.inode(), entry.path
