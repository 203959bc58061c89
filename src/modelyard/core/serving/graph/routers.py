"""Routers: which node of a branch answers.

``choose`` gives a node's place, ``ALL`` or ``NONE`` for the whole request, or a list of places, one for each row.
"""

import random
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, Protocol
from zlib import crc32

import numpy as np

from modelyard.core.kernel.errors import invalid
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.tensors import Column, Columns

ALL = -1
NONE = -2

Rewards = tuple[int, int]
"""How often a node was tried, and how often it was right."""


class Router(Protocol):
    """See the module."""

    def choose(self, columns: Columns, result: Result) -> int | list[int]:
        """Which node or nodes."""


class Runner(Protocol):
    """What a router that asks a model needs of its node."""

    def run(self, columns: Columns, result: Result) -> dict[str, Any]:
        """See ``nodes.Node``."""


class Shares:
    """Draws a place by weight; exact: a weight of 0 is never drawn."""

    def __init__(self, weights: Sequence[float]) -> None:
        self._places = [place for place, weight in enumerate(weights) if weight > 0]
        self._bounds = list(accumulate(weights[place] for place in self._places))
        if not self._places:
            raise invalid(f"of the weights {list(weights)} at least one must be above 0")

    def at(self, fraction: float) -> int:
        """The place at this fraction, in [0, 1), of all weight."""
        found = bisect_right(self._bounds, fraction * self._bounds[-1])
        return self._places[min(found, len(self._places) - 1)]


class ByWeight:
    """Draws for each request."""

    def __init__(self, weights: Sequence[float]) -> None:
        self._shares = Shares(weights)

    def choose(self, columns: Columns, result: Result) -> int:
        del columns, result
        return self._shares.at(random.random())  # noqa: S311  # shares traffic, keeps no secret


class ByHash:
    """Draws for each row by a column: the same value always goes the same way.

    A fraction (a float from 0 to 1) is the draw itself, anything else is hashed. Without the column it draws by chance
    for the request.
    """

    def __init__(self, weights: Sequence[float], key: str) -> None:
        self._shares = Shares(weights)
        self._key = key

    def choose(self, columns: Columns, result: Result) -> int | list[int]:
        values = _column(columns, result, self._key)
        if values is None:
            return self._shares.at(random.random())  # noqa: S311  # as above
        return [self._shares.at(_fraction(value)) for value in values]


class ByValue:
    """Each row by the value of a column; node 0 for any other value, and without the column."""

    def __init__(self, key: str, values: Sequence[str]) -> None:
        self._key = key
        self._places = {value: place for place, value in enumerate(values, 1)}

    def choose(self, columns: Columns, result: Result) -> int | list[int]:
        values = _column(columns, result, self._key)
        if values is None:
            return 0
        return [self._places.get(_text(value), 0) for value in values]


class ByRow:
    """Each row by its number in the request."""

    def __init__(self, places: Sequence[tuple[int, int]]) -> None:
        self._places = dict(places)

    def choose(self, columns: Columns, result: Result) -> list[int]:
        del result
        rows = range(len(next(iter(columns.values()), [])))
        missing = next((row for row in rows if row not in self._places), None)
        if missing is not None:
            raise invalid(f"there is no model for row {missing}; there are some for the rows {sorted(self._places)}")
        return [self._places[row] for row in rows]


class EpsilonGreedy:
    """The node that did best so far, and with probability ``epsilon`` one of the others."""

    def __init__(self, nodes: int, rewards: Callable[[], Sequence[Rewards]], epsilon: float) -> None:
        self._nodes = nodes
        self._rewards = rewards
        self._epsilon = epsilon

    def choose(self, columns: Columns, result: Result) -> int:
        del columns, result
        values = [right / tries if tries else 0.0 for tries, right in _known(self._rewards(), self._nodes)]
        best = random.choice([place for place, value in enumerate(values) if value == max(values)])  # noqa: S311
        if self._nodes > 1 and random.random() < self._epsilon:  # noqa: S311
            return random.choice([place for place in range(self._nodes) if place != best])  # noqa: S311
        return best


class Thompson:
    """Draws each node's chance of success from what is known of it (Beta, uniform to begin with); the highest wins."""

    def __init__(self, nodes: int, rewards: Callable[[], Sequence[Rewards]]) -> None:
        self._nodes = nodes
        self._rewards = rewards

    def choose(self, columns: Columns, result: Result) -> int:
        del columns, result
        known = _known(self._rewards(), self._nodes)
        draws = [random.betavariate(1 + right, 1 + tries - right) for tries, right in known]
        return draws.index(max(draws))


class ByModel:
    """The first number that a model gives."""

    def __init__(self, node: Runner) -> None:
        self._node = node

    def choose(self, columns: Columns, result: Result) -> int:
        outputs = self._node.run(columns, result)
        first = np.asarray(next(iter(outputs.values()))).ravel()
        if not first.size or first.dtype.kind not in "iuf" or first[0] != np.trunc(first[0]):
            raise invalid(f"a router must give a whole number, got {first[:1].tolist()}")
        return int(first[0])


def _known(rewards: Sequence[Rewards], nodes: int) -> list[Rewards]:
    """One for each node: what was said of nodes that are no more does not count, of new ones nothing was said."""
    return [rewards[place] if place < len(rewards) else (0, 0) for place in range(nodes)]


def _column(columns: Columns, result: Result, key: str) -> Column | None:
    """The column of the request that decides, which later nodes do not see any more; None when it has none."""
    return columns[key] if key in columns else result.asked.get(key)


def _fraction(value: Any) -> float:
    value = _only(value)
    if isinstance(value, (float, np.floating)) and 0 <= value <= 1:
        return float(value)
    return crc32(_text(value).encode()) / 2**32


def _only(value: Any) -> Any:
    """A list of one value stands for the value."""
    while isinstance(value, (list, np.ndarray)) and len(value) == 1:
        value = value[0]
    return value


def _text(value: Any) -> str:
    """A cell as text, as JSON would write it: 1.0 is 1."""
    value = _only(value)
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    return str(value)
