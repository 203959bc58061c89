"""Tensors as people write them, ``x: float32[20]``, and as Arrow schemas, which is how an upload declares them."""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

ANY = "any"
JSON = "json"
_NUMBERS = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_TYPES = (*_NUMBERS, "bool", "string", JSON)
_TENSOR = re.compile(r"(?P<name>.+):\s*(?P<dtype>\w+)\s*(?:\[(?P<sizes>[^\[\]]*)\])?\s*")
_SIZE_MAX = 2**31 - 1
_ARROW_MAGIC = b"ARROW1"


@dataclass(frozen=True)
class Schemas:
    """What a model takes and gives, a field for each tensor; None where it says that itself."""

    input: pa.Schema | None = None
    output: pa.Schema | None = None

    def as_body(self) -> dict[str, str | None]:
        """As an upload has them."""
        return {"input_schema": _encoded(self.input), "output_schema": _encoded(self.output)}


def field_of(text: str) -> pa.Field:
    """``NAME: TYPE`` or ``NAME: TYPE[SIZE, …]``, the sizes those of one row and ``any`` for what may differ.

    ``ValueError`` says what is wrong and how it is written.
    """
    match = _TENSOR.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f"{text!r} is no tensor; write it like 'x: float32[20]', 'words: string' or 'x: int64[any, 3]'"
        )
    sizes = match["sizes"].split(",") if match["sizes"] is not None else []
    return _field(match["name"].strip(), match["dtype"], [_size(size.strip(), text) for size in sizes], text)


def schema_in(content: bytes) -> pa.Schema:
    """The schema that a file is or has: JSON as the API shows signatures, a serialized Arrow schema, an Arrow file.

    ``ValueError`` when it is none of these.
    """
    if content.lstrip()[:1] in (b"[", b"{"):
        return _from_json(content)
    try:
        if content.startswith(_ARROW_MAGIC):
            with pa.ipc.open_file(content) as reader:
                return reader.schema
        return pa.ipc.read_schema(pa.py_buffer(content))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ValueError("it holds neither an Arrow schema, nor an Arrow table, nor JSON") from error


def tensor_text(tensor: Mapping[str, Any]) -> str:
    """A tensor of a signature as ``field_of`` reads it."""
    sizes = ", ".join(ANY if size is None else str(size) for size in tensor["shape"][1:])
    return f"{tensor['name']}: {tensor['dtype']}" + (f"[{sizes}]" if sizes else "")


def _encoded(schema: pa.Schema | None) -> str | None:
    return None if schema is None else base64.b64encode(schema.serialize()).decode()


def _from_json(content: bytes) -> pa.Schema:
    said = json.loads(content)
    tensors = said if isinstance(said, list) else [said]
    return schema_of(_from_object(tensor) for tensor in tensors)


def schema_of(fields: Iterable[pa.Field]) -> pa.Schema:
    """A schema of these; ``ValueError`` when two have the same name, or there is none."""
    found = list(fields)
    names = [field.name for field in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None or not found:
        raise ValueError(f"the tensor {twice!r} is named more than once" if twice is not None else "it names no tensor")
    return pa.schema(found)


def _from_object(tensor: object) -> pa.Field:
    match tensor:
        case {"name": str(name), "dtype": str(dtype), "shape": [None, *sizes]}:
            return _field(name, dtype, [_size(ANY if size is None else str(size), str(tensor)) for size in sizes], name)
    example = '{"name": "x", "dtype": "float32", "shape": [null, 20]}'
    raise ValueError(
        f"{json.dumps(tensor)[:100]} is no tensor; write it like {example}, the first size null for the rows"
    )


def _field(name: str, dtype: str, sizes: list[int | None], text: str) -> pa.Field:
    if dtype not in _TYPES:
        raise ValueError(f"{text!r} has the type {dtype!r}; use one of {', '.join(_TYPES)}")
    if dtype == JSON and sizes:
        raise ValueError(f"{text!r} has sizes; a tensor of type json has one value of any form for each row")
    kind = pa.struct([]) if dtype == JSON else pa.type_for_alias(dtype)
    for size in reversed(sizes):
        kind = pa.list_(kind) if size is None else pa.list_(kind, size)
    return pa.field(name, kind)


def _size(size: str, text: str) -> int | None:
    if size == ANY:
        return None
    if not (size.isascii() and size.isdecimal() and 0 < int(size[:12]) <= _SIZE_MAX):
        raise ValueError(f"{text!r} has the size {size!r}; use a number from 1, or {ANY}")
    return int(size)
