"""Rows on which a conversion is compared with its original."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelyard_runtime.model import Array, Tensor, as_array

Rows = dict[str, Array]
Threshold = tuple[int, float]
"""A feature by its place and the value that a tree compares it with."""

_SEED = 7
_OPEN_SIZE = 4
_MOST_THRESHOLDS = 150


def drawn(inputs: tuple[Tensor, ...], thresholds: list[Threshold]) -> Iterator[Rows]:
    """Groups of rows: plain values, zeros, counts, negative and large ones, and values at and around thresholds.

    Texts cannot be drawn: with them there are none.
    """
    if any(tensor.dtype in ("string", "json") for tensor in inputs):
        return
    rng = np.random.default_rng(_SEED)
    width = sum(_width(tensor) for tensor in inputs)
    yield _rows(rng.normal(size=(64, width)), inputs)
    yield _rows(np.zeros((2, width)), inputs)
    yield _rows(rng.integers(0, 3, (16, width)).astype(np.float64), inputs)
    yield _rows(-rng.gamma(2.0, 50.0, (16, width)), inputs)
    yield _rows(rng.uniform(-1e6, 1e6, (16, width)), inputs)
    if thresholds:
        yield _rows(_around(thresholds, width, inputs, rng), inputs)


def thresholds_of(original: Any) -> list[Threshold]:
    """What the trees of a model compare its inputs with; empty for models of other kinds."""
    if hasattr(original, "get_booster"):
        original = original.get_booster()
    original = getattr(original, "booster_", original)
    if hasattr(original, "get_dump"):
        names = {name: place for place, name in enumerate(original.feature_names or [])}
        return [
            found for tree in original.get_dump(dump_format="json") for found in _of_xgboost(json.loads(tree), names)
        ]
    if hasattr(original, "dump_model"):
        return [found for tree in original.dump_model()["tree_info"] for found in _of_lightgbm(tree["tree_structure"])]
    return list(_of_sklearn(original))


def _of_xgboost(node: dict[str, Any], names: dict[str, int]) -> Iterator[Threshold]:
    if isinstance(node.get("split_condition"), int | float):
        split = node["split"]
        yield names[split] if split in names else int(split[1:]), node["split_condition"]
    for child in node.get("children", ()):
        yield from _of_xgboost(child, names)


def _of_lightgbm(node: dict[str, Any]) -> Iterator[Threshold]:
    if isinstance(node.get("threshold"), int | float):
        yield node["split_feature"], node["threshold"]
    for side in ("left_child", "right_child"):
        if side in node:
            yield from _of_lightgbm(node[side])


def _of_sklearn(original: Any) -> Iterator[Threshold]:
    tree: Any = getattr(original, "tree_", None)
    if hasattr(tree, "threshold"):
        yield from ((int(at), float(value)) for at, value in zip(tree.feature, tree.threshold, strict=True) if at >= 0)
    for inner in np.ravel(getattr(original, "estimators_", [])):
        yield from _of_sklearn(inner)


def _around(
    thresholds: list[Threshold], width: int, inputs: tuple[Tensor, ...], rng: np.random.Generator
) -> NDArray[np.float64]:
    """For each threshold a row at it and one to either side, as near as the inputs' type can tell apart."""
    kind = np.float32 if all(tensor.dtype == "float32" for tensor in inputs) else np.float64
    picked = rng.permutation(len(thresholds))[:_MOST_THRESHOLDS]
    rows = np.zeros((3 * len(picked), width))
    for feature, value in dict(thresholds).items():
        rows[:, feature] = value + rng.normal(scale=0.1 + abs(value) / 4, size=len(rows))
    for place, chosen in enumerate(picked):
        feature, value = thresholds[chosen]
        at = kind(value)
        rows[3 * place : 3 * place + 3, feature] = [np.nextafter(at, kind(-np.inf)), at, np.nextafter(at, kind(np.inf))]
    return rows


def _width(tensor: Tensor) -> int:
    return int(np.prod([_OPEN_SIZE if size is None else size for size in tensor.shape[1:]], dtype=np.int64))


def _rows(values: NDArray[np.float64], inputs: tuple[Tensor, ...]) -> Rows:
    rows, start = {}, 0
    for tensor in inputs:
        stop = start + _width(tensor)
        sizes = [_OPEN_SIZE if size is None else size for size in tensor.shape[1:]]
        rows[tensor.name] = _typed(values[:, start:stop].reshape(len(values), *sizes), tensor)
        start = stop
    return rows


def _typed(values: NDArray[np.float64], tensor: Tensor) -> Array:
    dtype = np.dtype(tensor.dtype)
    if dtype.kind not in "iu":
        return as_array(values, tensor)
    limits = np.iinfo(dtype)
    whole: Array = np.clip(np.rint(values), max(limits.min, -(2**53)), min(limits.max, 2**53)).astype(dtype)
    return whole
