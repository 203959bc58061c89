"""What is counted of a revision: requests, failures, rows that fail validations, and how long answers took.

Durations fall into buckets whose width grows with them: four to each power of two, so that a quantile is known to
within an eighth.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

BUCKETS = 256
"""Enough for any 64 bits."""
_SHIFT = 10
"""Durations are told apart from about a microsecond (1024 ns) on."""


def bucket(nanoseconds: int) -> int:
    """The number of the bucket that a duration falls into: its leading three bits, and how many follow."""
    units = nanoseconds >> _SHIFT
    follow = units.bit_length() - 3
    return (follow << 2) + (units >> follow) if follow > 0 else units


def milliseconds(place: int) -> float:
    """The middle of a bucket."""
    if place < 4:
        least, width = place, 1
    else:
        width = 1 << ((place >> 2) - 1)
        least = (4 + (place & 3)) * width
    return (least + width / 2) * (1 << _SHIFT) / 1e6


@dataclass(frozen=True, slots=True)
class Counts:
    """``requests`` are those that were answered and the ``failures``; ``latency`` counts the answers by bucket."""

    requests: int = 0
    failures: int = 0
    rows: int = 0
    failed_rows: int = 0
    latency: Mapping[int, int] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        """How many requests got an answer."""
        return self.requests - self.failures

    @property
    def error_rate(self) -> float:
        """The share of requests that failed; 0 without any."""
        return self.failures / self.requests if self.requests else 0.0

    @property
    def failed_share(self) -> float:
        """The share of rows that failed a validation; 0 without any."""
        return self.failed_rows / self.rows if self.rows else 0.0

    def quantile(self, share: float) -> float:
        """Milliseconds that this share of the answers took at most; a single one that took longer is left out."""
        rank = int(share * (sum(self.latency.values()) - 1))
        for place in sorted(self.latency):
            rank -= self.latency[place]
            if rank < 0:
                return milliseconds(place)
        return 0.0

    def plus(self, other: "Counts") -> Self:
        """Both together."""
        return self._combined(other, 1)

    def minus(self, other: "Counts") -> Self:
        """What came since ``other``."""
        return self._combined(other, -1)

    def _combined(self, other: "Counts", sign: int) -> Self:
        latency = Counter(self.latency)
        for place, number in other.latency.items():
            latency[place] += sign * number
        return type(self)(
            self.requests + sign * other.requests,
            self.failures + sign * other.failures,
            self.rows + sign * other.rows,
            self.failed_rows + sign * other.failed_rows,
            {place: number for place, number in latency.items() if number},
        )


class Tally:
    """Counts while requests are answered: a few additions and no lock.

    The interpreter switches threads at calls and jumps only, so none of the additions is lost.
    """

    __slots__ = ("_failed_rows", "_failures", "_latency", "_requests", "_rows")

    def __init__(self) -> None:
        self._requests = self._failures = self._rows = self._failed_rows = 0
        self._latency = [0] * BUCKETS

    def answered(self, nanoseconds: int, rows: int, failed_rows: int = 0) -> None:
        """A request was answered."""
        self._latency[bucket(nanoseconds)] += 1
        self._requests += 1
        self._rows += rows
        self._failed_rows += failed_rows

    def failed(self) -> None:
        """The deployment failed to answer a request."""
        self._requests += 1
        self._failures += 1

    def counts(self) -> Counts:
        """All so far."""
        latency = {place: number for place, number in enumerate(self._latency) if number}
        return Counts(self._requests, self._failures, self._rows, self._failed_rows, latency)
