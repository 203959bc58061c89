"""What a model takes and gives: named tensors with a type and a shape."""

from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One tensor. ``dtype`` is a numpy name, ``"string"`` or ``"json"`` (any JSON value for each row).

    The first dimension is the batch; ``None`` in ``shape`` stands for any size.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    @property
    def row_shape(self) -> tuple[int | None, ...]:
        """The shape of one row: everything behind the batch dimension."""
        return self.shape[1:]

    def __str__(self) -> str:
        sizes = ", ".join("any" if size is None else str(size) for size in self.shape)
        return f"{self.name}: {self.dtype} [{sizes}]"


@dataclass(frozen=True, slots=True)
class Signature:
    """All tensors of a model, in the model's own order."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    fixed_batch: frozenset[int] = field(init=False, compare=False, repr=False)
    """The batch sizes that inputs insist on; empty when any size will do."""

    def __post_init__(self) -> None:
        fixed = frozenset(spec.shape[0] for spec in self.inputs if spec.shape[0] is not None)
        object.__setattr__(self, "fixed_batch", fixed)

    def to_json(self) -> dict[str, Any]:
        """As JSON types; ``from_json`` reads it back."""
        return {"inputs": _listed(self.inputs), "outputs": _listed(self.outputs)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The signature that ``to_json`` wrote."""
        return cls(_specs(data["inputs"]), _specs(data["outputs"]))


def _listed(specs: tuple[TensorSpec, ...]) -> list[dict[str, Any]]:
    return [{"name": spec.name, "dtype": spec.dtype, "shape": list(spec.shape)} for spec in specs]


def _specs(items: list[dict[str, Any]]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(item["name"], item["dtype"], tuple(item["shape"])) for item in items)
