"""Whether a conversion answers as its original does."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from modelyard_runtime.conversion.outcomes import NotConvertible
from modelyard_runtime.conversion.samples import Rows
from modelyard_runtime.model import Array, Model, Tensor

TOLERANCES = {"float16": 1e-2, "float32": 1e-4, "float64": 1e-5}
"""The largest difference, relative to the original's value where that is above 1. Other types must be equal."""


@dataclass(frozen=True)
class Parity:
    """``max_difference`` is over all floats, ``tolerance`` the strictest that applies; ``rows`` is how many were asked.

    ``equal_labels`` says whether all texts, whole numbers and truth values were equal.
    """

    rows: int
    max_difference: float
    tolerance: float
    equal_labels: bool

    @property
    def holds(self) -> bool:
        """Whether the conversion may take the original's place."""
        return self.rows > 0 and self.equal_labels and self.max_difference <= self.tolerance

    def to_json(self) -> dict[str, Any]:
        """As it is kept with the version."""
        return asdict(self)


def compared(model: Model, onnx: bytes, groups: Iterable[Rows]) -> Parity:
    """Ask both the same groups of rows, and the first row of each group alone.

    A group that the original itself refuses is left out; raises ``NotConvertible`` where that leaves nothing.
    """
    import onnxruntime  # noqa: PLC0415  # where there is nothing to convert it may be missing

    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    names = [output.name for output in model.outputs]
    pairs = []
    for group in groups:
        for rows in (group, {name: values[:1] for name, values in group.items()}):
            original = _answer(model, rows)
            if original is not None:
                pairs.append((original, dict(zip(names, session.run(names, rows), strict=True))))
    if not pairs:
        raise NotConvertible("there are no rows to compare on; give sample rows with the upload")
    return parity(tuple(model.outputs), pairs)


def parity(outputs: tuple[Tensor, ...], pairs: Sequence[tuple[Mapping[str, Array], Mapping[str, Array]]]) -> Parity:
    """Compare answers (original, conversion), each by name."""
    floats = [output for output in outputs if output.dtype in TOLERANCES]
    others = [output for output in outputs if output.dtype not in TOLERANCES]
    differences = [_difference(ours[one.name], theirs[one.name]) for ours, theirs in pairs for one in floats]
    return Parity(
        sum(len(ours[outputs[0].name]) for ours, _ in pairs),
        max(differences, default=0.0),
        min((TOLERANCES[one.dtype] for one in floats), default=0.0),
        all(_equal(ours[one.name], theirs[one.name]) for ours, theirs in pairs for one in others),
    )


def _answer(model: Model, rows: Rows) -> Mapping[str, Array] | None:
    try:
        return model.predict(rows)
    except Exception:  # noqa: BLE001  # drawn rows may be what no caller would send
        return None


def _difference(ours: Array, theirs: Array) -> float:
    if np.shape(ours) != np.shape(theirs):
        return float("inf")
    first, second = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0.0, np.abs(first - second) / np.maximum(1.0, np.abs(first)))
    return float(np.nan_to_num(apart, nan=np.inf).max(initial=0.0))


def _equal(ours: Array, theirs: Array) -> bool:
    return np.shape(ours) == np.shape(theirs) and bool(np.all(np.asarray(ours) == np.asarray(theirs)))
