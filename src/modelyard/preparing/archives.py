"""Zip archives that nobody vouches for: looked at, never unpacked here."""

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from modelyard.core.kernel.errors import DomainError, invalid

MEMBERS_MAX = 20_000
UNPACKED_MAX = 20 * 2**30
_RATIO_MAX = 200
_FREE_BYTES = 64 * 2**20
"""So much may come of however small an archive: texts and zeros shrink well."""
_PLAIN = (0, stat.S_IFREG, stat.S_IFDIR)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_SHOWN = 100
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(NotImplementedError, EOFError, ValueError, KeyError, RuntimeError, OSError),
)
"""What reading a broken archive raises; among them what the modules below ``zipfile`` let through."""


def members(path: Path) -> list[zipfile.ZipInfo]:
    """The files in an archive; ``INVALID`` when it is none, is damaged, or is made to do harm when it is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = archive.infolist()
    except DAMAGED as error:
        raise invalid(f"the file is no zip archive that can be read: {error}") from error
    _check_sizes(found, path.stat().st_size)
    for member in found:
        _check(member)
    _check_names([member.filename for member in found])
    return [member for member in found if not member.is_dir()]


def read_small(path: Path, names: Collection[str], most: int) -> dict[str, bytes]:
    """The contents of members that have these names; ``INVALID`` for one of more than ``most`` bytes."""
    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in names:
                with archive.open(name) as member:
                    found[name] = member.read(most + 1)
    except DAMAGED as error:
        raise invalid(f"the archive is damaged: {error}") from error
    for name, content in found.items():
        if len(content) > most:
            raise invalid(f"{name[:_SHOWN]!r} in the archive has more than {most} bytes")
    return found


def _check_sizes(found: list[zipfile.ZipInfo], archive_bytes: int) -> None:
    if len(found) > MEMBERS_MAX:
        raise invalid(f"the archive holds {len(found)} files; at most {MEMBERS_MAX} are taken")
    total = sum(member.file_size for member in found)
    allowed = min(UNPACKED_MAX, max(_FREE_BYTES, archive_bytes * _RATIO_MAX))
    if total > allowed:
        raise invalid(f"the archive of {archive_bytes} bytes unpacks to {total}; at most {allowed} are taken")


def _check(member: zipfile.ZipInfo) -> None:
    path = PurePosixPath(member.filename)
    parts = path.parts
    if not parts or path.is_absolute() or ".." in parts or "\\" in member.filename or ":" in parts[0]:
        raise _refused(member, "leads out of its folder")
    if not member.filename.isprintable():
        raise _refused(member, "has a name with control characters")
    if stat.S_IFMT(member.external_attr >> 16) not in _PLAIN:
        raise _refused(member, "is a link or a device; only files are taken")
    if member.flag_bits & 1:
        raise _refused(member, "is encrypted; upload it without a password")
    if member.compress_type not in _METHODS:
        raise _refused(member, "is compressed in a way that is not known here; use deflate")


def _check_names(names: list[str]) -> None:
    """No name twice, and none that is a file for one member and a folder for another."""
    files = {name for name in names if not name.endswith("/")}
    twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    through = next((name for name in names for parent in PurePosixPath(name).parents if str(parent) in files), None)
    if twice or through:
        raise invalid(f"the archive's member {(twice or through or '')[:_SHOWN]!r} is there twice")


def _refused(member: zipfile.ZipInfo, why: str) -> DomainError:
    return invalid(f"the archive's member {member.filename[:_SHOWN]!r} {why}")
