"""Tensors go in and out as they were; whatever is wrong with them is refused before anything is allocated for it."""

import json
import tracemalloc
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.dialects.open_inference.datatypes import DTYPE
from modelyard.dialects.open_inference.dialect import STATUS
from modelyard.dialects.open_inference.grpc_service.contents import FIELD, from_contents, put_contents
from modelyard.dialects.open_inference.grpc_service.messages import message
from modelyard.dialects.open_inference.request_ids import request_id
from modelyard.dialects.open_inference.tensors import check_shape, from_binary, from_json, text_array, to_binary
from modelyard.web.grpc.status import CODE

SHAPES = arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@st.composite
def tensors(draw: st.DrawFn) -> tuple[str, Any]:
    datatype = draw(st.sampled_from([*DTYPE, "BYTES"]))
    shape = draw(SHAPES)
    if datatype == "BYTES":
        size = int(np.prod(shape))
        return datatype, text_array(draw(st.lists(TEXTS, min_size=size, max_size=size))).reshape(shape)
    finite = {"allow_nan": False, "allow_infinity": False} if DTYPE[datatype].kind == "f" else {}
    return datatype, draw(arrays.arrays(DTYPE[datatype], shape, elements=finite or None))


@given(tensors(), st.booleans())
def test_json_says_a_tensor_and_says_it_back(tensor: tuple[str, Any], nested: bool) -> None:
    datatype, array = tensor
    data = json.dumps((array if nested and 0 not in array.shape else array.ravel()).tolist()).encode()
    back = from_json("x", datatype, list(array.shape), msgspec.Raw(data))
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


@given(tensors())
def test_bytes_hold_a_tensor_and_give_it_back(tensor: tuple[str, Any]) -> None:
    datatype, array = tensor
    back = from_binary("x", datatype, list(array.shape), to_binary(array))
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


@given(tensors())
def test_messages_hold_a_tensor_and_give_it_back(tensor: tuple[str, Any]) -> None:
    datatype, array = tensor
    contents = message("InferTensorContents")()
    if datatype not in FIELD:
        with pytest.raises(DomainError, match="raw_input_contents"):
            from_contents("x", datatype, list(array.shape), contents)
        return
    put_contents(contents, datatype, array)
    sent = type(contents).FromString(contents.SerializeToString())
    np.testing.assert_array_equal(from_contents("x", datatype, list(array.shape), sent), array)


@settings(max_examples=300)
@given(
    st.sampled_from([*DTYPE, "BYTES", "BF16", ""]),
    st.lists(st.integers(-2, 10**18), max_size=40),
    st.binary(max_size=64) | st.text(max_size=20).map(str.encode),
)
def test_any_bytes_are_a_tensor_or_are_refused(datatype: str, shape: list[int], data: bytes) -> None:
    try:
        check_shape("x", shape)
        array = from_binary("x", datatype, shape, data)
    except DomainError as error:
        assert error.kind is ErrorKind.INVALID
        assert "'x'" in error.message
    else:
        assert array.shape == tuple(shape)


@pytest.mark.parametrize("shape", [[10**9, 10**9], [2**62, 4], [10**400]])
def test_a_promise_that_the_data_do_not_keep_costs_nothing(shape: list[int]) -> None:
    tracemalloc.start()
    try:
        for read in (
            lambda: from_json("x", "FP32", shape, msgspec.Raw(b"[1,2,3]")),
            lambda: from_binary("x", "FP32", shape, bytes(12)),
            lambda: from_contents("x", "FP32", shape, message("InferTensorContents")(fp32_contents=[1, 2, 3])),
        ):
            with pytest.raises(DomainError, match="expected"):
                read()
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("data", [b"\x05\0\0\0abc", b"\x01\0\0", b"\xff\xff\xff\xffa", b"\x01\0\0\0\xff"])
def test_texts_that_end_too_early_or_are_none_are_refused(data: bytes) -> None:
    with pytest.raises(DomainError, match="'x'"):
        from_binary("x", "BYTES", [1], data)


def test_a_byte_that_is_no_bool_is_refused() -> None:
    with pytest.raises(DomainError, match="0 or 1"):
        from_binary("x", "BOOL", [2], b"\x01\x02")


def test_every_kind_of_error_has_a_status_over_http_and_over_grpc() -> None:
    assert set(STATUS) == set(CODE) == set(ErrorKind)


@pytest.mark.parametrize("given", [None, b"", b"a b", b"\r\nx: y", b"x" * 101, "ä".encode()])
def test_a_request_id_that_cannot_stand_in_a_header_is_replaced(given: bytes | None) -> None:
    first, second = request_id(given), request_id(given)
    assert first != second
    assert len(first) == len(second) == 36
    assert request_id(b"mine-1") == "mine-1"
