"""What another version answers beside what was answered: counted row by row, in memory that does not grow with them."""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]

_EXAMPLES = 10
_LABELS = 200
_ERRORS = 5
_SHOWN_VALUES = 20
_PERCENTILES = {"p50": 50, "p95": 95, "p99": 99}


@dataclass(slots=True)
class _Column:
    """One output: differences of numbers, and which labels took the place of which."""

    rows: int = 0
    changed: int = 0
    beyond: int = 0
    largest: float = 0.0
    total: float = 0.0
    labels: Counter[tuple[str, str]] = field(default_factory=Counter)

    def told(self) -> dict[str, Any]:
        """As JSON types."""
        told: dict[str, Any] = {
            "rows": self.rows,
            "changed": self.changed,
            "beyondTolerance": self.beyond,
            "beyondToleranceShare": self.beyond / self.rows if self.rows else 0.0,
            "largestDifference": self.largest,
            "meanDifference": self.total / self.rows if self.rows else 0.0,
        }
        if self.labels:
            listed = [{"logged": a, "replayed": b, "rows": n} for (a, b), n in self.labels.most_common(_LABELS)]
            told["labels"] = listed
        return told


@dataclass(frozen=True, slots=True)
class Answered:
    """The rows of one request as they were logged and as they are answered now; times in ms and nanoseconds."""

    request_id: str
    time_ms: int
    logged: Mapping[str, Any]
    replayed: Mapping[str, Values]
    logged_elapsed: int
    replayed_elapsed: int


class Comparison:
    """Collects; ``report`` tells."""

    def __init__(self, tolerance: float) -> None:
        self._tolerance = tolerance
        self._columns: dict[str, _Column] = {}
        self._missing: set[str] = set()
        self._new: set[str] = set()
        self._examples: list[tuple[float, int, dict[str, Any]]] = []
        self._errors: Counter[str] = Counter()
        self._elapsed: tuple[list[int], list[int]] = ([], [])
        self._order = 0
        self.rows = self.equal = self.failed = 0

    def add(self, answered: Answered, rows: int) -> None:
        """The rows of one request."""
        same = np.ones(rows, dtype=bool)
        self._new |= set(answered.replayed) - set(answered.logged)
        self._missing |= set(answered.logged) - set(answered.replayed)
        for name in answered.logged.keys() & answered.replayed.keys():
            same &= self._compare(name, answered, rows)
        if answered.logged.keys() != answered.replayed.keys():
            same[:] = False
        self.rows += rows
        self.equal += int(same.sum())
        self._elapsed[0].append(answered.logged_elapsed)
        self._elapsed[1].append(answered.replayed_elapsed)

    def fail(self, rows: int, why: str) -> None:
        """Rows that the version could not answer."""
        self.rows += rows
        self.failed += rows
        if why in self._errors or len(self._errors) < _ERRORS:
            self._errors[why] += rows

    def report(self) -> dict[str, Any]:
        """All of it as JSON types; latencies in milliseconds a request."""
        changed = self.rows - self.equal - self.failed
        return {
            "rows": self.rows,
            "equal": self.equal,
            "changed": changed,
            "changedShare": changed / self.rows if self.rows else 0.0,
            "failed": self.failed,
            "tolerance": self._tolerance,
            "outputs": {name: column.told() for name, column in sorted(self._columns.items())},
            "missingOutputs": sorted(self._missing),
            "newOutputs": sorted(self._new),
            "latencyMilliseconds": {
                "logged": _latency(self._elapsed[0]),
                "replayed": _latency(self._elapsed[1]),
            },
            "examples": [example for _, _, example in sorted(self._examples, key=lambda each: -each[0])],
            "errors": [{"message": why, "rows": rows} for why, rows in self._errors.most_common()],
        }

    def _compare(self, name: str, answered: Answered, rows: int) -> NDArray[np.bool_]:
        """Which rows are the same in this output."""
        column = self._columns.setdefault(name, _Column())
        old, new = _rows(answered.logged[name], rows), _rows(answered.replayed[name], rows)
        if old.shape != new.shape:
            differences = np.full(rows, np.inf)
        elif _numeric(old) and _numeric(new):
            differences = _differences(old, new)
            column.total += float(np.nan_to_num(differences, posinf=0.0).sum())
        else:
            differences = np.where((old.astype(str) == new.astype(str)).all(axis=1), 0.0, np.inf)
        beyond = _beyond(old, new, differences, self._tolerance)
        column.rows += rows
        column.changed += int((differences > 0).sum())
        column.beyond += int(beyond.sum())
        finite = differences[np.isfinite(differences)]
        column.largest = max(column.largest, float(finite.max(initial=0.0)))
        if _labels(old) and _labels(new):
            column.labels.update(zip(map(str, old[:, 0]), map(str, new[:, 0]), strict=True))
        self._keep_examples(name, answered, old, new, differences)
        return ~beyond

    def _keep_examples(
        self, name: str, answered: Answered, old: Values, new: Values, differences: NDArray[np.float64]
    ) -> None:
        for row in np.argsort(-differences, kind="stable")[:_EXAMPLES]:
            size = float(differences[row])
            if size == 0 or (len(self._examples) == _EXAMPLES and size <= self._examples[0][0]):
                return
            self._order += 1
            example = {
                "requestId": answered.request_id,
                "row": int(row),
                "time": answered.time_ms,
                "output": name,
                "difference": size if np.isfinite(size) else None,
                "logged": _shown(old, int(row)),
                "replayed": _shown(new, int(row)),
            }
            keep = heapq.heappush if len(self._examples) < _EXAMPLES else heapq.heappushpop
            keep(self._examples, (size, -self._order, example))


def _rows(values: Any, rows: int) -> Values:
    """Values as [rows, values of a row]; texts where a row's values are no numbers."""
    array = values if isinstance(values, np.ndarray) else _objects(values)
    return array.reshape(rows, -1)


def _objects(values: Sequence[Any]) -> Values:
    try:
        made = np.asarray(values)
    except ValueError:
        return np.array([str(value) for value in values])
    return made if made.dtype.kind in "fiubU" else made.astype(str)


def _numeric(values: Values) -> bool:
    return values.dtype.kind in "fiub"


def _labels(values: Values) -> bool:
    """One value a row that is no measure: a whole number, a truth or a text."""
    return values.ndim == 2 and values.shape[1] == 1 and values.dtype.kind != "f"


def _differences(old: Values, new: Values) -> NDArray[np.float64]:
    """The largest difference in each row; two that are no numbers are the same."""
    a, b = old.astype(np.float64), new.astype(np.float64)
    with np.errstate(invalid="ignore"):
        found = np.abs(a - b)
    found[(a == b) | (np.isnan(a) & np.isnan(b))] = 0.0
    largest: NDArray[np.float64] = np.nan_to_num(found, nan=np.inf, posinf=np.inf).max(axis=1, initial=0.0)
    return largest


def _beyond(old: Values, new: Values, differences: NDArray[np.float64], tolerance: float) -> NDArray[np.bool_]:
    """Whether a row differs by more than it may."""
    if old.shape != new.shape or not (_numeric(old) and _numeric(new)):
        return differences > 0
    scale = np.maximum(1.0, np.abs(np.nan_to_num(old.astype(np.float64)))).max(axis=1, initial=1.0)
    beyond: NDArray[np.bool_] = differences > tolerance * scale
    return beyond


def _shown(values: Values, row: int) -> Any:
    shown = [value if not isinstance(value, float) or np.isfinite(value) else None for value in values[row].tolist()]
    return shown[0] if len(shown) == 1 else shown[:_SHOWN_VALUES]


def _latency(elapsed: Sequence[int]) -> dict[str, float | None]:
    """Of nanoseconds; None where nothing was answered."""
    if not elapsed:
        return dict.fromkeys(("mean", *_PERCENTILES))
    percentiles = np.percentile(elapsed, list(_PERCENTILES.values()))
    found = {"mean": np.mean(elapsed), **dict(zip(_PERCENTILES, percentiles, strict=True))}
    return {name: round(float(value) / 1e6, 4) for name, value in found.items()}
