"""Outliers: rows that are unlike the reference in one feature at least.

A row's score is the largest of its features' distances from the reference's median, in units of the standard deviation
that 1.4826 times the median absolute deviation estimates (that of the mean's deviation where half of the reference is
one value). It is an outlier above the value that one in a thousand normally distributed rows would exceed.
"""

from statistics import NormalDist
from typing import Any

import numpy as np

from modelyard.core.monitoring.reference import Reference, Window
from modelyard.core.serving.tensors import Array

_RARE = 0.001
_LISTED = 1000


def scores(reference: Array, values: Array) -> Array:
    """The score of each row of ``values`` [rows, features]; a value that is no number is infinitely far away."""
    usual = [_usual(column) for column in reference.T]
    center, spread = np.array(usual).reshape(-1, 2).T
    with np.errstate(divide="ignore", invalid="ignore"):
        distances = np.abs(values - center)
        scaled = np.where(distances == 0, 0.0, distances / spread)
    found: Array = np.max(np.where(np.isnan(scaled), np.inf, scaled), axis=1, initial=0.0)
    return found


def _usual(values: Array) -> tuple[float, float]:
    """(the median, the estimated standard deviation) of the finite ones of the values [rows]."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 0.0
    center = float(np.median(finite))
    away = np.abs(finite - center)
    return center, 1.4826 * float(np.median(away)) or 1.2533 * float(np.mean(away))


def threshold(features: int) -> float:
    """The score that an outlier exceeds."""
    return NormalDist().inv_cdf(1 - _RARE / (2 * max(features, 1)))


def outliers(reference: Reference, window: Window) -> tuple[bool, dict[str, Any]]:
    """(whether there are outliers, how many and which rows, as [partition, number])."""
    limit = threshold(len(reference.names))
    found = scores(reference.values, window.values)
    far = np.flatnonzero(found > limit)
    details = {
        "threshold": limit,
        "outliers": len(far),
        "highest": float(np.max(found[np.isfinite(found)], initial=0.0)),
        "rows": [list(window.places[row]) for row in far[:_LISTED]],
    }
    return bool(len(far)), details
