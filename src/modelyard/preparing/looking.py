"""A look at an upload's bytes, without loading anything: what kind of file it is, and what it says that it needs.

Advice for people: no finding makes a file trusted, the sandbox is what holds.
"""

import mmap
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from modelyard.core.catalogue.model_requirements import FILE_MAX, FILES, ModelRequirements, read_model_requirements
from modelyard.core.catalogue.runtimes import FileClass
from modelyard.core.kernel.errors import invalid
from modelyard.preparing.archives import DAMAGED, members, read_small
from modelyard.preparing.pickles import BYTES_MAX, names_in

_PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin", ".dill", ".cloudpickle", ".npy")
_PROGRAMS = (".py", ".pyc", ".pyd", ".so", ".dll", ".dylib", ".sh", ".ipynb", ".pth", ".whl", ".egg", ".jar")
_NUMBERS = (".safetensors", ".onnx", ".json", ".txt", ".md", ".yaml", ".yml", ".csv", ".model", ".spm", ".npz", ".toml")
_ZIPPED = (".zip", ".keras", ".skops", ".pt", ".pth")
_MUST_BE_ZIPPED = (".zip", ".keras")
_SCANNED_BYTES = 256 * 2**20
_SKLEARN = re.compile(rb"_sklearn_version\W{1,8}(\d{1,4}\.\d{1,4}(?:\.\d{1,4})?)(?![\w.])")
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Look:
    """What was found; ``lines`` for people. ``sklearn`` is the version of scikit-learn that a pickle names."""

    file_class: FileClass
    lines: tuple[str, ...]
    requirements: ModelRequirements | None = None
    sklearn: str | None = None


def look(path: Path, file_name: str) -> Look:
    """What the bytes tell; ``INVALID`` for files that are empty, damaged or made to do harm when they are unpacked."""
    if not path.stat().st_size:
        raise invalid("the file is empty")
    name = file_name.lower()
    with path.open("rb") as file:
        head = file.read(BYTES_MAX)
    if name.endswith(_ZIPPED) and (name.endswith(_MUST_BE_ZIPPED) or zipfile.is_zipfile(path)):
        return _look_inside(path, name, head)
    return _look_at(path, name, head)


def _look_at(path: Path, name: str, head: bytes) -> Look:
    """A single file; one that is also an archive is never taken for data."""
    both = zipfile.is_zipfile(path)
    if name.endswith(".py"):
        return Look(FileClass.CODE, ("a program in Python",))
    if name.endswith(_PICKLES) or head[:1] == b"\x80":
        return _look_at_pickle(path, head)
    if name.endswith(".h5"):
        return _look_at_hdf5(head)
    plain = not both and head.lstrip()[:1] in (b"{", b"t")
    if name.endswith((".json", ".ubj", ".txt")) and plain:
        return Look(FileClass.DATA, ("numbers and texts, no code",))
    return Look(FileClass.UNKNOWN, ("an archive that is named otherwise",) if both else ())


def _look_at_pickle(path: Path, head: bytes) -> Look:
    names = names_in(head)
    lines = [f"unpickling imports {', '.join(names[:_SHOWN])}"] if names else ["a pickle whose imports cannot be read"]
    if len(names) > _SHOWN:
        lines.append(f"and {len(names) - _SHOWN} more")
    return Look(FileClass.CODE, tuple(lines), sklearn=_sklearn_version(path))


def _look_at_hdf5(head: bytes) -> Look:
    if not head.startswith(b"\x89HDF\r\n\x1a\n"):
        return Look(FileClass.UNKNOWN, ("not an HDF5 file",))
    if b'"Lambda"' in head:
        return Look(FileClass.CODE, ("a Lambda layer, which is a program",))
    return Look(FileClass.UNKNOWN, ("an HDF5 file; its layers name what builds them",))


def _look_inside(path: Path, name: str, head: bytes) -> Look:
    found = members(path)
    names = [member.filename for member in found]
    lines = [f"an archive of {len(found)} files, {sum(member.file_size for member in found)} bytes unpacked"]
    if not head.startswith(b"PK"):
        lines.append("something lies before the archive")
    return Look(_class_of(path, name, names, head, lines), tuple(lines), _requirements(path, names))


def _class_of(path: Path, name: str, names: list[str], head: bytes, lines: list[str]) -> FileClass:  # what is known
    programs = [each for each in names if each.lower().endswith(_PROGRAMS + _PICKLES)]
    if programs:
        lines.append(f"contains code: {', '.join(programs[:_SHOWN])}")
        lines += [_imports(path, each) for each in programs if each.endswith(".pkl")][:_SHOWN]
        return FileClass.CODE
    if name.endswith(".keras"):
        lambdas = "config.json" in names and b'"Lambda"' in _beginning(path, "config.json")
        lines.append("a Lambda layer, which is a program" if lambdas else "its layers name what builds them")
        return FileClass.CODE if lambdas else FileClass.UNKNOWN
    plain = head.startswith(b"PK") and name.endswith(".zip")
    return FileClass.DATA if plain and all(each.lower().endswith(_NUMBERS) for each in names) else FileClass.UNKNOWN


def _imports(path: Path, member: str) -> str:
    return (
        f"unpickling {member} imports {', '.join(names_in(_beginning(path, member))[:_SHOWN]) or 'what cannot be read'}"
    )


def _beginning(path: Path, member: str) -> bytes:
    """Nothing of a member that is damaged: whoever loads it will say so."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(member) as file:
            return file.read(BYTES_MAX)
    except DAMAGED:
        return b""


def _requirements(path: Path, names: list[str]) -> ModelRequirements | None:
    """Of the files at the archive's top, or in the one folder that is there."""
    tops = {PurePosixPath(name).parts[0] for name in names if not name.startswith(("__MACOSX", ".DS_Store"))}
    alone = next(iter(tops)) if len(tops) == 1 else None
    prefix = "" if alone is None or alone in names else f"{alone}/"
    wanted = {prefix + file: file for file in FILES if prefix + file in names}
    contents = read_small(path, wanted, FILE_MAX)
    return read_model_requirements({wanted[name]: content for name, content in contents.items()})


def _sklearn_version(path: Path) -> str | None:
    """As scikit-learn writes it into each estimator that it pickles; None where the file is compressed or of others."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        found = _SKLEARN.search(content, 0, _SCANNED_BYTES)
        return found[1].decode() if found else None
