"""Small batches of numbers like one that was there before, written and read without Arrow.

Two Arrow record batch messages with the same schema and as many rows differ in their numbers alone, where no value is
left out: what comes before the numbers is kept from the first of them, which Arrow itself has written or checked.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelyard_runtime.model import Array

SMALL = 2**14
"""Bytes: for larger messages the time for all else does not matter."""
MOST = 64
"""Layouts that a connection keeps."""

_U32 = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Written:
    """How a batch is written: its metadata, and how many zeros follow each column."""

    metadata: bytes
    padding: tuple[bytes, ...]

    def body(self, arrays: Sequence[Array]) -> bytes:
        """The message with these columns."""
        parts = [self.metadata]
        for array, zeros in zip(arrays, self.padding, strict=True):
            parts += (array.tobytes(), zeros)
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Column:
    """Where the numbers of a column are in a message: how many, from which byte on; ``dtype`` as they are stored."""

    name: str
    dtype: np.dtype[Any]
    count: int
    offset: int
    shape: tuple[int, ...]
    is_bool: bool

    def read(self, body: memoryview) -> Array:
        """The column, without a copy."""
        values = np.frombuffer(body, self.dtype, self.count, self.offset).reshape(self.shape)
        return values != 0 if self.is_bool else values


def written(body: bytes, arrays: Sequence[Array]) -> Written | None:
    """The layout of a message that Arrow wrote; None where it is not plain numbers one column after another."""
    layout = Written(metadata(body), tuple(bytes(-array.nbytes % 8) for array in arrays))
    return layout if layout.body(arrays) == body else None


def metadata(body: bytes | memoryview) -> bytes:
    """What comes before the numbers: a mark, the size of the rest, the rest; see the Arrow columnar format."""
    return bytes(body[: 8 + _U32.unpack_from(body, 4)[0]])
