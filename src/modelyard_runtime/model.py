"""What a loaded model is to the process that serves it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Tensor:
    """One tensor: ``dtype`` is a numpy name, ``"string"`` or ``"json"`` (any JSON value for each row).

    The first size in ``shape`` is the batch; ``None`` stands for any size.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    def to_json(self) -> dict[str, Any]:
        """As the server writes it, see ``core.serving.signature``."""
        return {"name": self.name, "dtype": self.dtype, "shape": list(self.shape)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Tensor":
        """The inverse of ``to_json``."""
        return cls(data["name"], data["dtype"], tuple(data["shape"]))


class Rejected(Exception):  # noqa: N818  # what the caller sent does not fit; it is no failure of the model
    """The model cannot take this input; the message says why."""


class Unloadable(ValueError):  # noqa: N818  # said of the file, as Rejected is of an input
    """The file cannot be loaded as what it is said to be; the message says why and what to do."""


class Model(Protocol):
    """A model in memory."""

    @property
    def inputs(self) -> Sequence[Tensor]:
        """What it takes."""

    @property
    def outputs(self) -> Sequence[Tensor]:
        """What it gives."""

    def predict(self, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        """The outputs by name, each with as many rows as the inputs; texts and JSON values are object arrays."""


@dataclass(frozen=True)
class Source:
    """What a model is loaded from.

    ``path`` is the uploaded file under whatever name, ``file_name`` the name that it had. ``inputs`` and ``outputs``
    are what the upload declared, None where it declared nothing; ``options`` are the loader's own (JSON types).
    ``scratch`` is an empty folder that the loader may fill.
    """

    path: Path
    file_name: str
    scratch: Path
    inputs: tuple[Tensor, ...] | None = None
    outputs: tuple[Tensor, ...] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Source":
        """As the server writes it. The scratch folder is made by this process: the server's may be another user's."""
        scratch = Path(config["scratch"])
        scratch.mkdir(exist_ok=True)
        return cls(
            path=Path(config["path"]),
            file_name=config["file_name"],
            scratch=scratch,
            inputs=_declared(config.get("inputs")),
            outputs=_declared(config.get("outputs")),
            options=config.get("options") or {},
        )


def as_array(values: Any, tensor: Tensor) -> Array:
    """The values in the tensor's type: texts and JSON values as objects, all else as numpy's own."""
    dtype = object if tensor.dtype in ("string", "json") else np.dtype(tensor.dtype)
    return np.asarray(values, dtype=dtype)


def misfit(values: Array, tensor: Tensor) -> str | None:
    """How the values are not what the tensor says, None where they are."""
    dtype = "object" if tensor.dtype in ("string", "json") else tensor.dtype
    sizes = zip(values.shape[1:], tensor.shape[1:], strict=False)
    fits = values.ndim == len(tensor.shape) and all(wanted in (None, size) for size, wanted in sizes)
    if fits and values.dtype.name == dtype:
        return None
    declared = ", ".join("any" if size is None else str(size) for size in tensor.shape)
    found = "texts or values" if values.dtype == object else values.dtype.name
    return f"{tensor.name!r} came as {found} {list(values.shape)}, and is {tensor.dtype} [{declared}]"


def _declared(items: Sequence[Mapping[str, Any]] | None) -> tuple[Tensor, ...] | None:
    return None if items is None else tuple(Tensor.from_json(item) for item in items)
