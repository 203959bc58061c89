"""Seldon's messages: from bytes to columns, and from outputs to a reply in the encoding of the request."""

import base64
import json
from typing import Any
from urllib.parse import quote

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.signature import TensorSpec
from modelyard.core.serving.tensors import Array
from modelyard.dialects.seldon.inference import tftensor
from modelyard.dialects.seldon.inference.answer import payload
from modelyard.dialects.seldon.inference.bodies import message_in
from modelyard.dialects.seldon.inference.message import read
from modelyard.dialects.seldon.inference.payload import columns_of, rows_in

JSON = b"application/json"
WIDE = [TensorSpec("x", "float32", (None, 2))]
TEXT = [TensorSpec("t", "string", (None,))]
TABLE = [[1.0, 2.0], [3.0, 4.0]]


def plain(columns: Any) -> Any:
    return json.loads(orjson.dumps(dict(columns), option=orjson.OPT_SERIALIZE_NUMPY))


def columns(message: Any, inputs: list[TensorSpec] = WIDE) -> Any:
    return plain(columns_of(read(orjson.dumps(message)), inputs))


def refusal(message: Any, inputs: list[TensorSpec] = WIDE) -> str:
    with pytest.raises(DomainError) as caught:
        columns_of(read(message if isinstance(message, bytes) else json.dumps(message).encode()), inputs)
    assert caught.value.kind is ErrorKind.INVALID
    return caught.value.message


def proto(dtype: str, member: str, values: Any, *shape: Any) -> dict[str, Any]:
    return {"dtype": dtype, "tensorShape": {"dim": [{"size": size} for size in shape]}, member: values}


CONTENT = base64.b64encode(np.array(TABLE, dtype="<f4").tobytes()).decode()


@pytest.mark.parametrize(
    "data",
    [
        {"ndarray": TABLE},
        {"ndarray": TABLE, "names": ["p", "q"]},
        {"tensor": {"shape": [2, 2], "values": [1, 2, 3, 4]}},
        {"tftensor": proto("DT_FLOAT", "floatVal", [1, 2, 3, 4], "2", "2")},
        {"tftensor": proto("DT_DOUBLE", "doubleVal", [1, 2, 3, 4], 2, 2)},
        {"tftensor": proto("DT_INT64", "int64Val", ["1", "2", "3", "4"], 2, 2)},
        {"tftensor": proto("DT_FLOAT", "tensorContent", CONTENT, 2, 2)},
    ],
)
def test_every_encoding_of_a_table_is_the_same_table(data: dict[str, Any]) -> None:
    assert columns({"data": data}) == {"x": TABLE}


def test_records_and_columns_come_as_json_data() -> None:
    assert columns({"jsonData": [{"x": [1, 2]}, {"x": [3, 4]}]}) == {"x": TABLE}
    assert columns({"jsonData": {"x": TABLE}}) == {"x": TABLE}


def test_text_is_taken_where_the_model_takes_text() -> None:
    assert columns({"strData": "Zoë"}, TEXT) == {"t": ["Zoë"]}
    assert columns({"binData": base64.b64encode("Zoë".encode()).decode()}, TEXT) == {"t": ["Zoë"]}


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({}, ["the message must have exactly one of data, strData, jsonData, binData", "none of them"]),
        ({"data": {"ndarray": TABLE}, "strData": "x"}, ["data and strData"]),
        ({"data": {}}, ["data must have exactly one of ndarray, tensor, tftensor"]),
        ({"data": {"ndarray": TABLE, "tensor": {"values": [1]}}}, ["ndarray and tensor"]),
        ({"data": {"ndarray": 5}}, ["array", "`data.ndarray`"]),
        ({"data": {"ndarray": {"a": 1}}}, ["`data.ndarray`"]),
        ({"data": []}, ["object", "`data`"]),
        ([1], ["object"]),
        ({"data": {"tensor": {"shape": [2, 3], "values": [1]}}}, ["tensor: the shape [2, 3] does not hold 1 values"]),
        ({"data": {"tensor": {"shape": [10**12, 10**12], "values": [1]}}}, ["does not hold 1 values"]),
        ({"data": {"tensor": {"shape": [-1, -1], "values": [1]}}}, ["does not hold"]),
        ({"data": {"tensor": {"shape": [], "values": [1]}}}, ["the shape [] does not hold 1 values"]),
        ({"data": {"tensor": {"shape": [1] * 40, "values": [1]}}}, ["does not hold"]),
        ({"data": {"tensor": {"shape": [1, 1], "values": ["a"]}}}, ["data.tensor.values"]),
        ({"data": {"tensor": {"shape": [1, 1], "values": [True]}}}, ["data.tensor.values"]),
        ({"data": {"tensor": {"shape": [1.5], "values": [1]}}}, ["data.tensor.shape"]),
        ({"data": {"tftensor": {}}}, ["tftensor", "dtype"]),
        ({"data": {"tftensor": {"dtype": "DT_STRING"}}}, ["'DT_STRING' is not served", "DT_FLOAT"]),
        ({"data": {"tftensor": proto("DT_FLOAT", "floatVal", [1], 10**9)}}, ["does not hold 1 values"]),
        ({"data": {"tftensor": proto("DT_FLOAT", "floatVal", "abc", 1)}}, ["floatVal"]),
        ({"data": {"tftensor": proto("DT_INT32", "intVal", [2**40], 1)}}, ["intVal", "int32"]),
        ({"data": {"tftensor": proto("DT_FLOAT", "tensorContent", "AAA", 1)}}, ["tensorContent"]),
        ({"data": {"tftensor": proto("DT_FLOAT", "tensorContent", "AAAA", 1)}}, ["tensorContent"]),
        ({"data": {"names": "x", "ndarray": TABLE}}, ["`data.names`"]),
        ({"strData": "x"}, ["takes x: float32 [any, 2]", "strData", "jsonData with records"]),
        ({"binData": "eA=="}, ["takes x: float32 [any, 2]", "binData"]),
        ({"customData": {}}, ["takes x: float32 [any, 2]"]),
        ({"jsonData": 5}, ["list of records", "takes x: float32 [any, 2]"]),
        ({"jsonData": {}}, ["list of records"]),
        ({"jsonData": [1]}, ["row 0 is not an object"]),
        (b"{", ["not valid JSON"]),
        (b'{"data": {"ndarray": [[NaN]]}}', ["not valid JSON"]),
        (b'{"data": {"ndarray": ' + b"[" * 100_000, ["not valid JSON"]),
        (b"\xff\xfe", ["JSON"]),
        (b"", ["JSON"]),
    ],
)
def test_what_is_no_message_is_refused_with_the_member_that_is_wrong(message: Any, words: list[str]) -> None:
    said = refusal(message)
    for word in words:
        assert word in said


def test_bin_data_that_is_no_text_is_refused() -> None:
    for wrong in ("!", base64.b64encode(b"\xff").decode()):
        assert "base64 of UTF-8 text" in refusal({"binData": wrong}, TEXT)


def test_a_message_may_come_as_a_form_a_query_or_parts() -> None:
    message = {"data": {"ndarray": TABLE}}
    field = b"json=" + quote(json.dumps(message)).encode()
    parts = (
        b'--b\r\nContent-Disposition: form-data; name="data"\r\n\r\n{"ndarray": [[1.0, 2.0], [3.0, 4.0]]}\r\n'
        b'--b\r\nContent-Disposition: form-data; name="meta"\r\n\r\n{"puid": "p1"}\r\n--b--\r\n'
    )
    whole = b'--b\r\nContent-Disposition: form-data; name="json"\r\n\r\n' + json.dumps(message).encode() + b"\r\n--b--"
    sent = [
        message_in(json.dumps(message).encode(), JSON, b""),
        message_in(json.dumps(message).encode(), b"application/x-www-form-urlencoded", b""),  # what curl -d says
        message_in(field, b"application/x-www-form-urlencoded", b""),
        message_in(b"", b"", field),
        message_in(parts, b"multipart/form-data; boundary=b", b""),
        message_in(whole, b"multipart/form-data; boundary=b", b""),
    ]
    assert [plain(columns_of(each, WIDE)) for each in sent] == [{"x": TABLE}] * 6
    assert sent[4].meta is not None
    assert sent[4].meta.puid == "p1"


def test_files_are_text_where_the_part_is_named_so() -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="strData"; filename="a.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\n{not json\r\n--b--\r\n"
    )
    found = message_in(body, b"multipart/form-data; boundary=b", b"")
    assert plain(columns_of(found, TEXT)) == {"t": ["{not json"]}


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (b"", b"", "there is no message"),
        (b"other=1", b"application/x-www-form-urlencoded", "there is no message"),
        (b"&".join([b"a=1"] * 200), b"application/x-www-form-urlencoded", "cannot be read"),
        (b"\xff=\xff", b"application/x-www-form-urlencoded", "cannot be read"),
        (b"--b", b"multipart/form-data", "no boundary"),
        (b"garbage", b"multipart/form-data; boundary=b", "multipart body cannot be read"),
        (
            b'--b\r\nContent-Disposition: form-data; name="data"\r\n\r\n{\r\n--b--',
            b"multipart/form-data; boundary=b",
            "part 'data' cannot be read",
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="data"\r\n\r\n5\r\n--b--',
            b"multipart/form-data; boundary=b",
            "no SeldonMessage",
        ),
    ],
)
def test_forms_and_parts_without_a_message_are_refused(body: bytes, content_type: bytes, words: str) -> None:
    with pytest.raises(DomainError, match=words):
        message_in(body, content_type, b"")


@given(body=st.binary(max_size=200), kind=st.sampled_from([JSON, b"multipart/form-data; boundary=b"]))
def test_any_bytes_are_a_message_or_a_refusal(body: bytes, kind: bytes) -> None:
    try:
        message_in(body, kind, b"")
    except DomainError as error:
        assert error.kind is ErrorKind.INVALID


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=20,
)


@settings(max_examples=300)
@given(
    member=st.sampled_from(["ndarray", "tensor", "tftensor"]),
    value=VALUES,
    names=st.none() | st.lists(st.text(max_size=3)),
)
def test_any_data_is_columns_or_a_refusal(member: str, value: Any, names: list[str] | None) -> None:
    inputs = [TensorSpec("a", "float32", (None,)), TensorSpec("b", "float32", (None,))]
    try:
        body = json.dumps({"data": {member: value, "names": names}}, allow_nan=False).encode()
    except (ValueError, UnicodeEncodeError):
        return
    try:
        assert len(columns_of(read(body), inputs)) >= 2
    except DomainError as error:
        assert error.kind is ErrorKind.INVALID


def sent(reply: dict[str, Any]) -> Any:
    return json.loads(orjson.dumps(reply, option=orjson.OPT_SERIALIZE_NUMPY))


OUTPUT: Array = np.array([[0.5, 1.5]], dtype=np.float32)


def test_a_reply_mirrors_the_encoding_of_the_request() -> None:
    names = {"names": ["t:0", "t:1"]}
    tensor = {"tensor": {"shape": [1, 2], "values": [0.5, 1.5]}}
    assert sent(payload({"y": OUTPUT}, "ndarray")) == {"data": names | {"ndarray": [[0.5, 1.5]]}}
    assert sent(payload({"y": OUTPUT}, "tensor")) == {"data": names | tensor}
    assert sent(payload({"y": OUTPUT}, None)) == {"data": names | tensor}
    expected = proto("DT_FLOAT", "floatVal", [0.5, 1.5], "1", "2")
    assert sent(payload({"y": OUTPUT}, "tftensor")) == {"data": names | {"tftensor": expected}}


def test_a_list_of_numbers_has_no_names() -> None:
    tensor = {"shape": [2], "values": [1, 2]}
    assert sent(payload({"y": np.array([1, 2])}, "tensor")) == {"data": {"names": [], "tensor": tensor}}


@pytest.mark.parametrize("encoding", ["ndarray", "tensor", "tftensor", None])
def test_what_is_no_number_is_an_ndarray(encoding: str | None) -> None:
    for array, values in ((np.array([["a"]], dtype=object), [["a"]]), (np.array([[True]]), [[True]])):
        assert sent(payload({"y": array}, encoding)) == {"data": {"names": ["t:0"], "ndarray": values}}


def test_several_outputs_stand_side_by_side_under_their_names() -> None:
    outputs = {"label": np.array([1, 0]), "p": np.array([[0.5, 0.5], [1.0, 0.0]])}
    names = ["label", "p:0", "p:1"]
    assert sent(payload(outputs, "ndarray"))["data"] == {"names": names, "ndarray": [[1, 0.5, 0.5], [0, 1.0, 0.0]]}
    assert sent(payload(outputs, "tensor"))["data"]["tensor"] == {"shape": [2, 3], "values": [1, 0.5, 0.5, 0, 1, 0]}
    text = {"label": np.array(["a", "b"], dtype=object), "p": np.array([[0.5], [1.0]])}
    assert sent(payload(text, "tensor"))["data"] == {"names": ["label", "p"], "ndarray": [["a", 0.5], ["b", 1.0]]}


def test_outputs_that_are_no_table_together_are_json() -> None:
    found = sent(payload({"y": np.array([1]), "image": np.zeros((1, 1, 2))}, "tensor"))
    assert found == {"jsonData": {"y": [1], "image": [[[0.0, 0.0]]]}}


def numbers(*dtypes: str) -> st.SearchStrategy[Array]:
    shapes = arrays.array_shapes(min_dims=1, max_dims=3, max_side=4)
    return arrays.arrays(st.sampled_from(dtypes), shapes, elements={"allow_nan": False, "allow_infinity": False})


def back(array: Array, encoding: str) -> Array:
    reply = read(orjson.dumps(payload({"y": array}, encoding), option=orjson.OPT_SERIALIZE_NUMPY))
    return np.asarray(columns_of(reply, [TensorSpec("y", "float64", (None,))])["y"])


@given(array=numbers("float32", "float64", "int32", "int64", "uint8", "uint64"))
def test_numbers_come_back_from_a_tensor_proto_as_they_were(array: Array) -> None:
    found = back(array, "tftensor")
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)


@given(array=numbers("float32", "float64", "int32", "uint8"))
def test_numbers_come_back_from_a_tensor_as_they_were(array: Array) -> None:
    """Integers as far as a double holds them, as the tensor's definition has it."""
    assert np.array_equal(back(array, "tensor").astype(array.dtype), array)


def test_rows_are_counted_where_there_are_some() -> None:
    assert rows_in(read(orjson.dumps({"data": {"ndarray": TABLE}}))) == 2
    assert rows_in(read(orjson.dumps({"data": {"tensor": {"shape": [3, 1], "values": [1, 2, 3]}}}))) == 3
    assert rows_in(read(orjson.dumps({"strData": "x"}))) is None
    assert rows_in(None) is None


def test_types_that_have_no_place_in_a_tensor_proto_stay_out() -> None:
    assert tftensor.written(np.array([True])) is None
