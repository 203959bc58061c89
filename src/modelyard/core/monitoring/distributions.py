"""Histograms and statistics of a feature, of all rows or by time."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelyard.core.kernel.errors import invalid
from modelyard.core.monitoring.feature_rows import FeatureRows, category
from modelyard.core.serving.tensors import Array

_USUAL_BUCKETS = 20
_MOST_BUCKETS = 1000
_USUAL_TIMES = 10


@dataclass(frozen=True, slots=True)
class Shape:
    """How to divide: ``interval`` is the width of a number's buckets, by default a round one for about 20 of them.

    Buckets with fewer than ``least`` rows are left out. ``times`` is the number of time buckets, None for no times.
    """

    interval: float | None = None
    least: int = 1
    times: int | None = None


def distribution(rows: FeatureRows, shape: Shape) -> dict[str, Any]:
    """``{"buckets": [{"key", "count"}]}``; with times, each one's ``distribution`` below it.

    The key of a number's bucket is its lower edge, a multiple of the interval; of a time's bucket its beginning in ms
    since 1970.
    """
    buckets = _histogram(rows, shape)
    if shape.times is None:
        return buckets(rows.values)
    return {
        "buckets": [
            {"key": key, "count": len(values), "distribution": buckets(values)}
            for key, values in _by_time(rows, shape.times)
        ]
    }


def statistics(rows: FeatureRows, shape: Shape) -> dict[str, Any]:
    """The statistics of all rows; with times, those of each bucket below ``buckets``."""
    stats = _number_stats if rows.numeric else _category_stats
    found = stats(rows.values)
    if shape.times is not None:
        found["buckets"] = [{"key": key, "stats": stats(values)} for key, values in _by_time(rows, shape.times)]
    return found


def _histogram(rows: FeatureRows, shape: Shape) -> Callable[[Array], dict[str, Any]]:
    if not rows.numeric:
        return lambda values: _buckets(Counter(map(category, values.tolist())).most_common(_MOST_BUCKETS), shape)
    finite = _finite(rows.values)
    interval = shape.interval if shape.interval is not None else _round_interval(finite)
    if not (math.isfinite(interval) and interval > 0):
        raise invalid(f"histogram_interval must be greater than 0, not {interval}")
    if len(finite) and np.ptp(finite) / interval >= _MOST_BUCKETS:
        raise invalid(f"histogram_interval {interval} gives more than {_MOST_BUCKETS} buckets; make it greater")

    def buckets(values: Array) -> dict[str, Any]:
        places, counts = np.unique(np.floor(_finite(values) / interval), return_counts=True)
        counted = dict(zip(places.tolist(), counts.tolist(), strict=True))
        if shape.least < 1 and counted:  # empty ones are wanted, too
            counted = {at: counted.get(at, 0) for at in np.arange(min(counted), max(counted) + 1).tolist()}
        return _buckets([(f"{_multiple(at, interval):g}", count) for at, count in counted.items()], shape)

    return buckets


def _buckets(counted: list[tuple[str, int]], shape: Shape) -> dict[str, Any]:
    return {"buckets": [{"key": key, "count": count} for key, count in counted if count >= shape.least]}


def _multiple(place: float, interval: float) -> float:
    return round(place * interval, 12)


def _round_interval(values: Array) -> float:
    """1, 2 or 5 times a power of ten, the smallest that needs no more than about the usual number of buckets."""
    wide = float(np.ptp(values)) / _USUAL_BUCKETS if len(values) else 0.0
    if wide <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(wide))
    return next(float(step * power) for step in (1, 2, 5, 10) if step * power >= wide)


def _number_stats(values: Array) -> dict[str, Any]:
    finite = _finite(values)
    if not len(finite):
        return {"count": 0}
    return {
        "count": len(finite),
        "avg": float(finite.mean()),
        "min": float(finite.min()),
        "max": float(finite.max()),
    }


def _category_stats(values: Array) -> dict[str, Any]:
    if not len(values):
        return {"count": 0}
    [(most, count)] = Counter(map(category, values.tolist())).most_common(1)
    return {"count": len(values), "most_frequent_category": most, "most_frequent_category_count": count}


def _finite(values: Array) -> Array:
    numbers = values.astype(np.float64)
    return numbers[np.isfinite(numbers)]


def _by_time(rows: FeatureRows, wanted: int) -> Iterator[tuple[str, Array]]:
    """The values in each of so many times of the same length, the oldest first."""
    number = wanted or _USUAL_TIMES
    if not 1 <= number <= _MOST_BUCKETS:
        raise invalid(f"number_of_time_buckets must be from 1 to {_MOST_BUCKETS}, not {number}")
    if not len(rows.times):
        return
    first, last = int(rows.times.min()), int(rows.times.max())
    width = (last - first) // number + 1
    places = (rows.times - first) // width
    for place in range(number):
        yield str(first + place * width), rows.values[places == place]
