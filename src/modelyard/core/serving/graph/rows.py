"""Rows of one request that go different ways, and come together again."""

from collections.abc import Iterator, Sequence

import numpy as np

from modelyard.core.kernel.errors import invalid
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.tensors import Array

Part = tuple[list[int], Result]


def parted(chosen: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Each node that was chosen, and the rows it was chosen for."""
    for node in sorted(set(chosen)):
        yield node, [row for row, choice in enumerate(chosen) if choice == node]


def merged(parts: Sequence[Part], into: Result) -> dict[str, Array]:
    """The outputs of all rows in their order; inputs, times and the rest go ``into`` the result of the request."""
    order = np.argsort(np.concatenate([rows for rows, _ in parts]), kind="stable")
    into.inputs = into.inputs or _together([part.inputs for _, part in parts], order)
    for _, part in parts:
        into.elapsed.extend(part.elapsed)
        into.last_model = part.last_model
    return _together([part.outputs for _, part in parts], order)


def _together(parts: Sequence[dict[str, Array]], order: Array) -> dict[str, Array]:
    first = parts[0]
    for other in parts[1:]:
        if other.keys() != first.keys() or any(other[name].shape[1:] != first[name].shape[1:] for name in first):
            raise invalid(
                "rows of one request went to nodes that answer differently: "
                f"{_shown(first)} and {_shown(other)}; send them one by one"
            )
    return {name: np.concatenate([part[name] for part in parts])[order] for name in first}


def _shown(outputs: dict[str, Array]) -> str:
    return ", ".join(f"{name} {list(array.shape[1:])}" for name, array in outputs.items())
