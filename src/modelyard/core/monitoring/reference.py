"""What detectors compare with: numbers by feature, kept with the detector."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelyard.core.monitoring.features import REQUEST, matrix
from modelyard.core.monitoring.inference_log import LoggedRequest
from modelyard.core.serving.tensors import Array

MOST_ROWS = 10_000
MOST_FEATURES = 100


@dataclass(frozen=True, slots=True)
class Reference:
    """``values`` [rows, features] of the features ``names``."""

    names: tuple[str, ...]
    values: Array

    def to_json(self) -> dict[str, Any]:
        """As JSON types; the values as the base64 of little-endian float64."""
        text = base64.b64encode(self.values.astype("<f8").tobytes()).decode()
        return {"names": list(self.names), "values": text}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Reference":
        """The inverse of ``to_json``."""
        flat = np.frombuffer(base64.b64decode(data["values"]), dtype="<f8")
        return cls(tuple(data["names"]), flat.reshape(-1, len(data["names"])))


@dataclass(frozen=True, slots=True)
class Window:
    """Rows of the log, in order: ``values`` [rows, features], and the place of each, (partition, number)."""

    names: tuple[str, ...]
    values: Array
    places: list[tuple[str, int]]


def reference_of(names: Sequence[str], values: Array) -> Reference:
    """A reference of at most so many rows and features: of too many rows some all over them, the first features."""
    rows = np.linspace(0, len(values) - 1, min(len(values), MOST_ROWS)).astype(np.int64)
    return Reference(tuple(names[:MOST_FEATURES]), values[rows, :MOST_FEATURES])


def window_of(requests: Sequence[LoggedRequest], names: Sequence[str] = ()) -> Window:
    """The numbers that were asked about: the features ``names``, or those of the first request that has any.

    Requests without one of the features are left out.
    """
    chosen = tuple(names)
    parts: list[Array] = []
    places: list[tuple[str, int]] = []
    for request in requests:
        found, values = matrix(request.columns, REQUEST)
        chosen = chosen or tuple(found[:MOST_FEATURES])
        if not chosen or not set(chosen) <= set(found):
            continue
        parts.append(values[:, [found.index(name) for name in chosen]])
        places += [(request.partition, request.first + row) for row in range(request.rows)]
    return Window(chosen, np.concatenate(parts) if parts else np.empty((0, len(chosen))), places)


def joined(windows: Sequence[Window]) -> Window:
    """Windows that follow one another as one, of at most ``MOST_ROWS`` rows."""
    whole = [window for window in windows if len(window.values)] or list(windows[:1])
    values = np.concatenate([window.values for window in whole])
    return Window(whole[0].names, values[:MOST_ROWS], [p for window in whole for p in window.places][:MOST_ROWS])
