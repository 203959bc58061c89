"""Drift: whether two samples come from one distribution, feature by feature.

The two-sample test of Kolmogorov and Smirnov, its p-value by the asymptotic distribution with Stephens' correction for
small samples (Stephens 1970, "Use of the Kolmogorov-Smirnov, Cramer-von Mises and related statistics"). Many features
are judged together by Bonferroni's rule.
"""

import math
from typing import Any

import numpy as np

from modelyard.core.monitoring.reference import Reference, Window
from modelyard.core.serving.tensors import Array

SIGNIFICANCE = 0.05
_TERMS = 100


def ks_distance(one: Array, two: Array) -> float:
    """The largest distance between the distribution functions of two samples; NaN has no place and is left out."""
    one, two = (np.sort(sample[~np.isnan(sample)]) for sample in (one, two))
    if not len(one) or not len(two):
        return 0.0 if len(one) == len(two) else 1.0
    both = np.concatenate([one, two])
    below = [np.searchsorted(sample, both, side="right") / len(sample) for sample in (one, two)]
    return float(np.max(np.abs(below[0] - below[1])))


def ks_p_value(distance: float, rows: int, others: int) -> float:
    """The probability of at least this distance between samples of so many rows of one distribution."""
    effective = math.sqrt(rows * others / (rows + others))
    scaled = (effective + 0.12 + 0.11 / effective) * distance
    if scaled < 0.2:  # the series converges slowly there, and the sum is 1 to the last digit
        return 1.0
    terms = ((1.0 if k % 2 else -1.0) * math.exp(-2 * k * k * scaled * scaled) for k in range(1, _TERMS))
    return min(max(2.0 * math.fsum(terms), 0.0), 1.0)


def drift(reference: Reference, window: Window, *, by_feature: bool) -> tuple[bool, dict[str, Any]]:
    """(whether there is drift, the distance and p-value of each feature).

    Together, features drift when one p-value is below the significance divided by their number; ``by_feature`` each
    one is held against the significance itself.
    """
    threshold = SIGNIFICANCE / (1 if by_feature else max(len(reference.names), 1))
    found: dict[str, dict[str, Any]] = {}
    for place, name in enumerate(reference.names):
        one, two = reference.values[:, place], window.values[:, place]
        distance = ks_distance(one, two)
        p_value = ks_p_value(distance, len(one), len(two))
        found[name] = {"distance": distance, "p_value": p_value, "drift": p_value < threshold}
    details = {"threshold": threshold, "features": found}
    return any(feature["drift"] for feature in found.values()), details
