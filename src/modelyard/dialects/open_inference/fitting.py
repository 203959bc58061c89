"""What a deployment expects of a request, and how tensors are made to fit it."""

import json
import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.graph.graph import Graph
from modelyard.core.serving.signature import TensorSpec
from modelyard.core.serving.tensors import Array, Column
from modelyard.dialects.open_inference.datatypes import DATATYPE, shape_of


class Expected:
    """The tensors that a graph takes, by their names; with none, it takes anything."""

    def __init__(self, graph: Graph) -> None:
        self._specs = graph.inputs
        first = graph.inputs[0] if graph.inputs else None
        self._only = first.name if first and first.dtype != "json" and len(graph.inputs) == 1 else None
        self._datatype = DATATYPE[first.dtype] if first else None
        self._row = list(first.shape[1:]) if first else []
        self._row_size = math.prod(size or 0 for size in self._row)
        self._json = frozenset(spec.name for spec in graph.inputs if spec.dtype == "json")
        self._by_name = {spec.name: (DATATYPE[spec.dtype], spec.shape, list(spec.shape[1:])) for spec in graph.inputs}

    def is_only(self, name: str, datatype: str, shape: list[int], values: int) -> bool:
        """Whether this tensor is all that is taken, with its sizes fixed but for the batch, and as many values."""
        return (
            name == self._only
            and datatype == self._datatype
            and shape[1:] == self._row
            and len(shape) > 0
            and 0 < values == shape[0] * self._row_size
        )

    def check(self, name: str, datatype: str, shape: Sequence[int]) -> None:
        """The tensor is one of those, with its datatype and its shape; the batch dimension is free."""
        known = self._by_name.get(name)
        if known is None:
            if self._by_name:
                raise self._unknown(name)
            return
        if datatype != known[0]:
            raise _mismatch(name, f"datatype {known[0]}", datatype)
        if shape[1:] != known[2] and not _fits(shape, known[1]):
            raise self._misshapen(name, shape)
        if not shape:
            raise self._misshapen(name, shape)

    def none_missing(self, names: Collection[str]) -> None:
        """Every tensor is there."""
        if len(names) < len(self._by_name):
            missing = next(name for name in self._by_name if name not in names)
            raise invalid(
                f"tensor {missing!r} is missing: expected {self._shown()}, got {_listed(names)}", tensor=missing
            )

    def fitted(self, arrays: Mapping[str, Array], kinds: Mapping[str, str | None]) -> dict[str, Column]:
        """The columns of the graph: tensors by their names, or as ``np`` and ``pd`` let them be read.

        There, one tensor [N, k] may stand for k columns, k columns for one tensor [N, k] in their order, and numbers of
        another type where no value changes.
        """
        names = list(arrays)
        loose = bool(names) and all(kinds[name] in ("np", "pd") for name in names)
        if self._specs and loose and not all(name in self._by_name for name in names):
            spread = self._spread(arrays) or self._joined(arrays)
            if spread is not None:
                return spread
        for name in names:
            if self._by_name and name not in self._by_name:
                raise self._unknown(name)
        self.none_missing(names)
        return {name: _read(name, array) if name in self._json else array for name, array in arrays.items()}

    def _spread(self, arrays: Mapping[str, Array]) -> dict[str, Column] | None:
        (array, *others) = arrays.values()
        columns = [spec for spec in self._specs if len(spec.shape) == 1]
        if others or array.ndim != 2 or len(columns) != len(self._specs) or array.shape[1] != len(columns):
            return None
        return {spec.name: array[:, at] for at, spec in enumerate(columns)}

    def _joined(self, arrays: Mapping[str, Array]) -> dict[str, Column] | None:
        (spec, *others) = self._specs
        flat = [array.reshape(-1) for array in arrays.values() if array.ndim == 1 or array.shape[1:] == (1,)]
        if others or len(spec.shape) != 2 or len(flat) != len(arrays) or spec.shape[1] not in (len(flat), None):
            return None
        if len({len(array) for array in flat}) > 1:
            return None
        return {spec.name: np.stack(flat, axis=1)}

    def _unknown(self, name: str) -> DomainError:
        return invalid(f"there is no input tensor {name[:100]!r}: expected {self._shown()}", tensor=name[:100])

    def _misshapen(self, name: str, shape: Sequence[int]) -> DomainError:
        spec = next(spec for spec in self._specs if spec.name == name)
        shown = list(shape) if len(shape) <= 32 else f"{len(shape)} dimensions"
        return _mismatch(name, f"shape {_free_batch(spec)}", str(shown))

    def _shown(self) -> str:
        return "; ".join(f"{spec.name}: {DATATYPE[spec.dtype]} {_free_batch(spec)}" for spec in self._specs[:20])


def _read(name: str, array: Array) -> Column:
    """The JSON values that texts hold."""
    try:
        return [json.loads(text) for text in array.tolist()]
    except (ValueError, TypeError, RecursionError) as error:
        raise _mismatch(name, "a JSON value in each text", f"a text that is none ({error})") from error


def _fits(shape: Sequence[int], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        want is None or want == size for size, want in zip(shape[1:], wanted[1:], strict=True)
    )


def _free_batch(spec: TensorSpec) -> str:
    sizes = [-1, *shape_of(spec)[1:]]
    return f"{sizes} (-1: any)" if -1 in sizes else str(sizes)


def _listed(names: Collection[str]) -> str:
    return ", ".join(repr(name[:100]) for name in list(names)[:20]) or "none"


def _mismatch(name: str, expected: str, given: str) -> DomainError:
    return invalid(
        f"tensor {name!r}: expected {expected}, got {given[:100]}", tensor=name, expected=expected, given=given[:100]
    )
