"""KernelSHAP in a process of its own: the library is large, and what it computes would hold up a server.

It reads two matrices, the rows and the background, and asks for predictions as it needs them. Both directions carry
frames: one letter, eight bytes of length, an array in NumPy's own format. ``Q`` asks for the predictions of a matrix,
which come back as ``A``; ``B`` and ``V`` are the result: base values, and values [outputs, rows, features].
"""

import io
import struct
import sys
from typing import IO, Any

import numpy as np

HEAD = struct.Struct(">cQ")


def frame(kind: bytes, array: Any) -> bytes:
    """An array as it is sent."""
    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    return HEAD.pack(kind, content.tell()) + content.getvalue()


def array_in(content: bytes) -> Any:
    """The array of a frame's content."""
    return np.load(io.BytesIO(content), allow_pickle=False)


def _read(source: IO[bytes]) -> Any:
    _, length = HEAD.unpack(source.read(HEAD.size))
    return array_in(source.read(length))


def main() -> None:
    """Explain what comes in."""
    from shap import KernelExplainer  # noqa: PLC0415  # an optional library, needed here alone

    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what libraries print must not come between the frames

    def predict(matrix: Any) -> Any:
        sink.write(frame(b"Q", np.asarray(matrix, dtype=np.float64)))
        sink.flush()
        return _read(source)

    rows, background = _read(source), _read(source)
    explainer = KernelExplainer(predict, background)
    samples = 2 * rows.shape[1] + 1024
    values = np.asarray(explainer.shap_values(rows, nsamples=samples, l1_reg=False, silent=True))
    base = np.atleast_1d(np.asarray(explainer.expected_value))
    sink.write(frame(b"B", base) + frame(b"V", np.moveaxis(values.reshape(*rows.shape, len(base)), -1, 0)))
    sink.flush()


if __name__ == "__main__":
    main()
