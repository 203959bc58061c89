"""Schemas that uploads declare, and the tensors that become of them."""

import base64

import pyarrow as pa
import pytest

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.signature import TensorSpec
from modelyard.engines.declared import declared_tensors


def declared(*fields: tuple[str, pa.DataType]) -> str:
    return base64.b64encode(pa.schema(list(fields)).serialize()).decode()


@pytest.mark.parametrize(
    ("kind", "dtype", "shape"),
    [
        (pa.float32(), "float32", (None,)),
        (pa.float16(), "float16", (None,)),
        (pa.int64(), "int64", (None,)),
        (pa.uint8(), "uint8", (None,)),
        (pa.bool_(), "bool", (None,)),
        (pa.string(), "string", (None,)),
        (pa.large_string(), "string", (None,)),
        (pa.list_(pa.float64(), 4), "float64", (None, 4)),
        (pa.list_(pa.float64()), "float64", (None, None)),
        (pa.large_list(pa.string()), "string", (None, None)),
        (pa.list_(pa.list_(pa.list_(pa.float32(), 3), 480), 640), "float32", (None, 640, 480, 3)),
        (pa.list_(pa.list_(pa.int32()), 2), "int32", (None, 2, None)),
        (pa.struct([("a", pa.int64())]), "json", (None,)),
        (pa.list_(pa.struct([("label", pa.string())])), "json", (None,)),
        (pa.map_(pa.string(), pa.int64()), "json", (None,)),
    ],
)
def test_a_field_becomes_a_tensor(kind: pa.DataType, dtype: str, shape: tuple[int | None, ...]) -> None:
    assert declared_tensors(declared(("x", kind)), "input_schema") == (TensorSpec("x", dtype, shape),)


def test_fields_keep_their_order() -> None:
    tensors = declared_tensors(declared(("b", pa.int64()), ("a", pa.string())), "input_schema") or ()
    assert [tensor.name for tensor in tensors] == ["b", "a"]


@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_declared_is_no_tensors(nothing: str | None) -> None:
    assert declared_tensors(nothing, "input_schema") is None


def deep(levels: int) -> pa.DataType:
    kind: pa.DataType = pa.int64()
    for _ in range(levels):
        kind = pa.list_(kind)
    return kind


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (declared(("born", pa.date32())), "output_schema: no tensor is made of the field 'born' of type date32"),
        (declared(("at", pa.timestamp("us"))), "'at'"),
        (declared(("raw", pa.binary())), "'raw'"),
        (declared(("price", pa.decimal128(10, 2))), "'price'"),
        (declared(("void", pa.list_(pa.null()))), "'void'"),
        (declared(("deep", deep(9))), "more than 7 dimensions"),
        (declared(), "has 0 fields"),
        (declared(("a", pa.int64()), ("a", pa.int64())), "more than once"),
        (declared(("", pa.int64())), "not at all"),
        ("not base64!", "not the base64"),
        ("c2NoZW1h", "not the base64 of a serialized Arrow schema"),
        ("A" * (1024 * 1024 + 4), "characters"),
    ],
)
def test_what_no_tensors_are_made_of_is_refused_by_name(schema: str, words: str) -> None:
    with pytest.raises(DomainError, match=words) as refused:
        declared_tensors(schema, "output_schema")
    assert refused.value.kind is ErrorKind.INVALID


@pytest.mark.parametrize("at", range(0, 200, 7))
def test_a_damaged_schema_is_refused_or_read_and_nothing_worse(at: int) -> None:
    whole = bytearray(pa.schema([("x", pa.list_(pa.float64(), 4)), ("y", pa.string())]).serialize().to_pybytes())
    whole[at % len(whole)] ^= 0xFF
    try:
        read = declared_tensors(base64.b64encode(bytes(whole)).decode(), "input_schema")
        assert read
    except DomainError as refused:
        assert refused.kind is ErrorKind.INVALID
