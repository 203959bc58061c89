"""Packages made by the tests themselves: a module, its metadata, and nothing to compile."""

import base64
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path


def make_wheel(folder: Path, name: str, version: str, *needs: str, files: Mapping[str, str] | None = None) -> Path:
    """A wheel (PEP 427) of the module ``name`` with ``VERSION``, which needs other packages; ``files`` are added."""
    info = f"{name}-{version}.dist-info"
    contents = {
        f"{name}.py": f"VERSION = {version!r}\n",
        **(files or {}),
        f"{info}/METADATA": _metadata(name, version, needs),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{path},{_digest(text)},{len(text.encode())}" for path, text in contents.items()]
    contents[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in contents.items():
            archive.writestr(zipfile.ZipInfo(inside, (2024, 1, 1, 0, 0, 0)), text)
    return path


def make_source(folder: Path, name: str, version: str, canary: Path) -> Path:
    """A source package whose build, without any package, makes the canary and then a wheel."""
    wheel = make_wheel(folder / "made", name, version)
    backend = f"""
import pathlib

def build_wheel(folder, config_settings=None, metadata_directory=None):
    pathlib.Path({str(canary)!r}).touch()
    (pathlib.Path(folder) / {wheel.name!r}).write_bytes(bytes.fromhex({wheel.read_bytes().hex()!r}))
    return {wheel.name!r}
"""
    files = {
        "PKG-INFO": _metadata(name, version, ()),
        "backend.py": backend,
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
    }
    wheel.unlink()
    path = folder / f"{name}-{version}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for inside, text in files.items():
            member = tarfile.TarInfo(f"{name}-{version}/{inside}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def _metadata(name: str, version: str, needs: tuple[str, ...]) -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {n}" for n in needs)]
    return "\n".join([*lines, ""])


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).decode().rstrip("=")
