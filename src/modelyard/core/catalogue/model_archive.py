"""The folder of a model as one file: equal folders make equal archives."""

import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO

ARCHIVE = "model.zip"
_BEGINNING = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o100644 << 16

Copy = Callable[[str, IO[bytes]], object]
"""Writes the content of the file at a path."""


def write_archive(target: Path, paths: Iterable[str], copy: Copy, sizes: Mapping[str, int] | None = None) -> None:
    """Not compressed, which differs between versions of libraries; all files of one time.

    ``sizes`` in bytes by path, where they are known for sure.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(paths):
            member = zipfile.ZipInfo(path, _BEGINNING)
            member.external_attr = _READABLE
            if sizes is not None:
                member.file_size = sizes[path]
            with archive.open(member, "w", force_zip64=sizes is None) as sink:
                copy(path, sink)
