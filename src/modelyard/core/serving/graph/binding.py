"""How tensors get to a model: from the columns of a request, or from what came before it in the graph."""

from collections.abc import Sequence

import numpy as np

from modelyard.core.kernel.errors import DomainError, failed_precondition, invalid
from modelyard.core.serving.signature import Signature, TensorSpec
from modelyard.core.serving.tensors import Array, Columns, cast, fits, stacked, tensor


def field_names(signature: Signature, tensor_fields: Sequence[str] | None) -> list[tuple[str, ...]]:
    """The request's columns behind each input: its own name, or the configured names by position.

    One input [N, k] may also be fed by k configured scalar columns.
    """
    inputs = signature.inputs
    if not tensor_fields:
        return [(spec.name,) for spec in inputs]
    if len(tensor_fields) == len(inputs):
        return [(name,) for name in tensor_fields]
    if len(inputs) == 1 and inputs[0].row_shape == (len(tensor_fields),):
        return [tuple(tensor_fields)]
    wanted = "; ".join(str(spec) for spec in inputs)
    raise failed_precondition(f"{len(tensor_fields)} tensor_fields do not fit the model's inputs ({wanted})")


class RequestBinding:
    """From the columns of a request to the inputs of one model."""

    def __init__(self, signature: Signature, tensor_fields: Sequence[str] | None) -> None:
        self._inputs = signature.inputs
        self._pairs = list(zip(self._inputs, field_names(signature, tensor_fields), strict=True))
        self.columns = tuple(name for _, names in self._pairs for name in names)
        self._only = self.columns[0] if len(self.columns) == 1 else None

    def bind(self, columns: Columns) -> tuple[dict[str, Array], dict[str, Array]]:
        """(the columns as they were taken, the model's inputs); ``INVALID`` says which column does not fit and how."""
        if self._only is not None and self._only in columns:
            return self._bind_only(self._only, columns)
        for name in self.columns:
            if name not in columns:
                raise _missing(name, self._inputs, columns)
        taken, feed = {}, {}
        for spec, names in self._pairs:
            if len(names) == 1:
                taken[names[0]] = feed[spec.name] = tensor(names[0], columns[names[0]], spec)
            else:
                feed[spec.name] = block = stacked(names, columns, spec)
                taken.update({name: block[:, at] for at, name in enumerate(names)})
        _same_length(feed)
        return taken, feed

    def _bind_only(self, name: str, columns: Columns) -> tuple[dict[str, Array], dict[str, Array]]:
        """The same for the usual model, which takes one tensor, without detours."""
        spec = self._inputs[0]
        array = tensor(name, columns[name], spec)
        if len(array) == 0:
            raise _no_rows()
        return {name: array}, {spec.name: array}

    def example(self) -> dict[str, Array]:
        """One row of zeros that fits."""
        return {name: _zeros(spec, len(names)) for spec, names in self._pairs for name in names}

    def specs(self) -> list[TensorSpec]:
        """The columns that a request is to bring, as tensors."""
        return [
            TensorSpec(name, spec.dtype, spec.shape if len(names) == 1 else spec.shape[:1])
            for spec, names in self._pairs
            for name in names
        ]


def link(before: Sequence[TensorSpec], inputs: Sequence[TensorSpec]) -> list[tuple[TensorSpec, int]]:
    """For each input of a model the place of the tensor before it that feeds it: by name, else by position.

    ``FAILED_PRECONDITION`` when they do not fit together.
    """
    names = [spec.name for spec in before]
    if all(spec.name in names for spec in inputs):
        pairs = [(spec, names.index(spec.name)) for spec in inputs]
    elif len(before) >= len(inputs):
        pairs = [(spec, at) for at, spec in enumerate(inputs)]
    else:
        pairs = []
    if not pairs or any(not compatible(before[at], spec) for spec, at in pairs):
        raise failed_precondition(
            "two steps do not fit together: the first gives "
            f"{'; '.join(map(str, before))}, the next takes {'; '.join(map(str, inputs))}"
        )
    return pairs


def joinable(before: Sequence[TensorSpec], inputs: Sequence[TensorSpec]) -> bool:
    """Whether these tensors may be joined side by side into the only input."""
    if len(inputs) != 1 or len(inputs[0].shape) != 2 or len(before) < 2:
        return False
    if any(len(spec.shape) not in (1, 2) or _kind(spec) != _kind(inputs[0]) for spec in before):
        return False
    widths = [1 if len(spec.shape) == 1 else spec.shape[1] for spec in before]
    return None in widths or inputs[0].shape[1] in (None, sum(width or 0 for width in widths))


def take(given: Columns, inputs: Sequence[TensorSpec]) -> dict[str, Array]:
    """A model's inputs from the tensors that came before it: by name, else by position, else joined into the only one.

    ``INVALID`` when they do not fit.
    """
    arrays = [np.asarray(array) for array in given.values()]
    names = list(given)
    if all(spec.name in given for spec in inputs):
        chosen = [arrays[names.index(spec.name)] for spec in inputs]
    elif len(arrays) >= len(inputs) and all(map(_has_place, arrays, inputs)):
        chosen = arrays[: len(inputs)]
    elif len(inputs) == 1 and (joined := _joined(arrays, inputs[0])) is not None:
        chosen = [joined]
    else:
        raise _misfit(given, inputs)
    return {spec.name: _fitting(array, spec) for spec, array in zip(inputs, chosen, strict=True)}


def _fitting(array: Array, spec: TensorSpec) -> Array:
    if not _has_place(array, spec) or not _is_kind(array, spec):
        raise _misfit({spec.name: array}, [spec])
    return cast(spec.name, array, spec)


def _has_place(array: Array, spec: TensorSpec) -> bool:
    return spec.dtype == "json" or fits(array.shape, spec.shape)


def _is_kind(array: Array, spec: TensorSpec) -> bool:
    """JSON takes anything; what is JSON may turn out to be texts, but not numbers."""
    if spec.dtype == "json" or array.dtype.kind != "O":
        return spec.dtype == "json" or (array.dtype.kind in "UT") == (spec.dtype == "string")
    return spec.dtype == "string" and all(isinstance(value, str) for value in array.flat)


def _joined(arrays: Sequence[Array], spec: TensorSpec) -> Array | None:
    """The tensors side by side, where that is what the model takes."""
    if len(spec.shape) != 2 or any(array.ndim not in (1, 2) for array in arrays):
        return None
    joined = np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1)
    return joined if fits(joined.shape, spec.shape) else None


def _misfit(given: Columns, inputs: Sequence[TensorSpec]) -> DomainError:
    shown = "; ".join(f"{name}: {np.asarray(a).dtype} {list(np.asarray(a).shape)}" for name, a in given.items())
    wanted = "; ".join(map(str, inputs))
    return invalid(f"what came before does not fit: the model takes {wanted}; got {shown}", expected=wanted)


def compatible(given: TensorSpec, wanted: TensorSpec) -> bool:
    """Whether a tensor like the one can stand where the other is asked for, as far as types and sizes are known."""
    if wanted.dtype == "json":
        return True
    if _kind(given) != _kind(wanted) or len(given.shape) != len(wanted.shape):
        return False
    return all(None in pair or pair[0] == pair[1] for pair in zip(given.row_shape, wanted.row_shape, strict=True))


def _kind(spec: TensorSpec) -> str:
    return spec.dtype if spec.dtype in ("string", "json") else "numbers"


def _zeros(spec: TensorSpec, columns: int) -> Array:
    row = () if columns > 1 else tuple(1 if size is None else size for size in spec.row_shape)
    if spec.dtype in ("string", "json"):
        return np.full((1, *row), "" if spec.dtype == "string" else None, dtype=object)
    return np.zeros((1, *row), dtype=spec.dtype)


def _same_length(feed: dict[str, Array]) -> None:
    lengths = [len(array) for array in feed.values()]
    if 0 in lengths:
        raise _no_rows()
    if len(lengths) > 1 and len(set(lengths)) > 1:
        raise invalid(f"columns of different lengths: {dict(zip(feed, lengths, strict=True))}")


def _no_rows() -> DomainError:
    return invalid("no rows: send at least one")


def _missing(name: str, inputs: tuple[TensorSpec, ...], columns: Columns) -> DomainError:
    wanted = "; ".join(str(spec) for spec in inputs)
    given = ", ".join(repr(column) for column in list(columns)[:20]) or "none"
    return invalid(
        f"column {name!r} is missing: the model takes {wanted}; got the columns {given}. "
        "Name the columns after the model's inputs, or configure tensor_fields",
        column=name,
    )
