"""Tensors that an upload declares as Arrow schemas: base64 of what ``pyarrow.Schema.serialize()`` gives."""

import base64
import binascii

import pyarrow as pa

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.serving.signature import TensorSpec

_MOST_CHARACTERS = 1024 * 1024
_MOST_FIELDS = 4096
_DEEPEST = 8
_SHOWN = 80
_FLOATS = {"halffloat": "float16", "float": "float32", "double": "float64"}
"""Arrow's names of types that NumPy calls otherwise; before version 26, pyarrow needs pandas to tell them."""


def declared_tensors(schema: str | None, name: str) -> tuple[TensorSpec, ...] | None:
    """One tensor for each field, None where nothing is declared; ``INVALID`` names the field that none is made of.

    ``name`` says in messages which schema it is. A list of any length becomes a dimension of any size; structs and maps
    are JSON values.
    """
    if not schema:
        return None
    fields = list(_read(schema, name))
    if not 0 < len(fields) <= _MOST_FIELDS:
        raise invalid(f"{name} has {len(fields)} fields; declare 1 to {_MOST_FIELDS}")
    names = [field.name for field in fields]
    twice = next((each for each in names if not each or names.count(each) > 1), None)
    if twice is not None:
        raise invalid(f"{name} names a field {twice[:_SHOWN]!r} more than once or not at all; name each field once")
    return tuple(_tensor(field, name) for field in fields)


def _read(schema: str, name: str) -> pa.Schema:
    if len(schema) > _MOST_CHARACTERS:
        raise invalid(f"{name} has {len(schema)} characters; at most {_MOST_CHARACTERS} are read")
    try:
        return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(schema, validate=True)))
    except (binascii.Error, pa.ArrowException, OSError, ValueError) as error:
        raise invalid(f"{name} is not the base64 of a serialized Arrow schema (pyarrow.Schema.serialize())") from error


def _tensor(field: pa.Field, name: str) -> TensorSpec:
    sizes: list[int | None] = [None]
    kind = field.type
    while _is_list(kind):
        sizes.append(kind.list_size if pa.types.is_fixed_size_list(kind) else None)
        if len(sizes) > _DEEPEST:
            raise _refused(field, name, f"it has more than {_DEEPEST - 1} dimensions")
        kind = kind.value_type
    if pa.types.is_struct(kind) or pa.types.is_map(kind):
        return TensorSpec(field.name, "json", (None,))
    return TensorSpec(field.name, _dtype(kind, field, name), tuple(sizes))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _dtype(kind: pa.DataType, field: pa.Field, name: str) -> str:
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "string"
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _FLOATS.get(str(kind), str(kind))
    raise _refused(field, name, "use numbers, booleans, texts, lists of these, structs or maps")


def _refused(field: pa.Field, name: str, why: str) -> DomainError:
    return invalid(f"{name}: no tensor is made of the field {field.name[:_SHOWN]!r} of type {field.type}: {why}")
