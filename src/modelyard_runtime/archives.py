"""Zip files that nobody vouches for, unpacked within limits."""

import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from shutil import copyfileobj
from typing import IO

from modelyard_runtime.model import Unloadable


@dataclass(frozen=True)
class Limits:
    """Bytes unpacked, files in all, and how many times larger than the archive its content may be."""

    bytes: int = 20 * 1024**3
    files: int = 20_000
    ratio: int = 200
    free_bytes: int = 64 * 1024**2
    """So much may come of however small an archive: texts and zeros shrink well."""


DEFAULT_LIMITS = Limits()
_CHUNK = 1024 * 1024
_LONGEST_NAME = 255
_PLAIN = (0, stat.S_IFREG, stat.S_IFDIR)


def extract(archive: Path, folder: Path, limits: Limits = DEFAULT_LIMITS) -> Path:
    """Unpack into ``folder`` and return where the content is: the one folder at the top where there is nothing else.

    Refuses with ``Unloadable``: names that lead out of the folder, links and devices, encrypted members, members that
    are larger than they say, and what goes beyond the limits.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = _checked(opened.infolist(), archive.stat().st_size, limits)
            for member in members:
                _write(opened, member, folder)
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise Unloadable(f"The file is no zip archive that can be read: {error}.") from error
    return top(folder)


def top(folder: Path) -> Path:
    """The folder itself, or the only one in it; what macOS adds to archives does not count."""
    inside = [path for path in folder.iterdir() if path.name not in ("__MACOSX", ".DS_Store")]
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def names(archive: Path) -> list[str]:
    """The names of an archive's members; empty for what is no archive."""
    if not zipfile.is_zipfile(archive):
        return []
    with zipfile.ZipFile(archive) as opened:
        return opened.namelist()


def _checked(members: list[zipfile.ZipInfo], archive_bytes: int, limits: Limits) -> list[zipfile.ZipInfo]:
    if len(members) > limits.files:
        raise Unloadable(f"The archive holds {len(members)} files; at most {limits.files} are allowed.")
    total = sum(member.file_size for member in members)
    allowed = min(limits.bytes, max(limits.free_bytes, archive_bytes * limits.ratio))
    if total > allowed:
        raise Unloadable(f"The archive of {archive_bytes} bytes unpacks to {total}; at most {allowed} are allowed.")
    for member in members:
        _check(member)
    return members


def _check(member: zipfile.ZipInfo) -> None:
    path = PurePosixPath(member.filename)
    if not path.parts or any(len(part.encode()) > _LONGEST_NAME for part in path.parts):
        raise Unloadable(f"The archive has a member whose name cannot be a file's: {member.filename[:40]!r}.")
    if path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in path.parts[0]:
        raise Unloadable(f"The archive's member {member.filename!r} leads out of its folder.")
    if stat.S_IFMT(member.external_attr >> 16) not in _PLAIN:
        raise Unloadable(f"The archive's member {member.filename!r} is a link or a device; only files are taken.")
    if member.flag_bits & 1:
        raise Unloadable(f"The archive's member {member.filename!r} is encrypted; upload it without a password.")


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / member.filename
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    # "x": a name that comes twice is refused and never written through.
    try:
        with opened.open(member) as source, target.open("xb") as sink:
            _copy(source, sink, member)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise Unloadable(f"The archive's member {member.filename!r} is there twice.") from error


def _copy(source: IO[bytes], sink: IO[bytes], member: zipfile.ZipInfo) -> None:
    # zipfile itself stops at the size that the member says it has, and then checks its sum.
    copyfileobj(source, sink, _CHUNK)
    if sink.tell() != member.file_size:
        raise Unloadable(f"The archive's member {member.filename!r} is not as large as it says.")
