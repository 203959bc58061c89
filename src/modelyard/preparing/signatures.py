"""What a model's process says of its tensors, which is taken as the model's word and nothing more."""

import re
from collections.abc import Mapping
from typing import Any

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.signature import Signature, TensorSpec

_DTYPE = re.compile(r"float(16|32|64)|u?int(8|16|32|64)|bool|string|json")
_TENSORS_MAX, _DIMENSIONS_MAX, _NAME_MAX = 4096, 16, 500
_SIZE_MAX = 2**31


def read_signature(event: Mapping[str, Any]) -> Signature:
    """The tensors of a model that was loaded; ``INVALID`` for what are none."""
    return Signature(_tensors(event.get("inputs"), "inputs"), _tensors(event.get("outputs"), "outputs"))


def _tensors(listed: object, kind: str) -> tuple[TensorSpec, ...]:
    if not isinstance(listed, list) or not 0 < len(listed) <= _TENSORS_MAX:
        raise invalid(f"the model names no {kind}, or more than {_TENSORS_MAX}")
    tensors = tuple(_tensor(each, kind) for each in listed)
    if len({tensor.name for tensor in tensors}) < len(tensors):
        raise invalid(f"two {kind} of the model have the same name")
    return tensors


def _tensor(said: object, kind: str) -> TensorSpec:
    given = said if isinstance(said, dict) else {}
    name, dtype, shape = given.get("name"), given.get("dtype"), given.get("shape")
    if not isinstance(name, str) or not 0 < len(name) <= _NAME_MAX or not name.isprintable():
        raise _refused(kind, "a name that cannot be printed")
    if not isinstance(dtype, str) or not _DTYPE.fullmatch(dtype):
        raise _refused(kind, f"the type {str(dtype)[:80]!r}, which is none of numpy's numbers, string or json")
    if not isinstance(shape, list) or not 0 < len(shape) <= _DIMENSIONS_MAX or not all(map(_is_size, shape)):
        raise _refused(kind, f"the shape {str(shape)[:80]}, which is none")
    return TensorSpec(name, dtype, tuple(shape))


def _is_size(size: object) -> bool:
    return size is None or (type(size) is int and 0 < size < _SIZE_MAX)


def _refused(kind: str, what: str) -> DomainError:
    return invalid(f"one of the {kind} of the model has {what}")
