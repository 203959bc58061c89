"""Tensors arrive as they were sent, and no bytes that anybody sends do more than end a connection."""

import socket

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from modelyard_runtime.wire import HEADER, Decoder, Encoder, Frame, Inbox, Kind, MalformedError, Named, say

NUMBERS = ["float16", "float32", "float64", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint64"]
shapes = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def tensors(draw: st.DrawFn) -> list[Named]:
    names = draw(st.lists(st.text(max_size=5), min_size=1, max_size=3, unique=True))
    rows = draw(st.integers(0, 4))
    return [_tensor(draw, name, rows) for name in names]


def _tensor(draw: st.DrawFn, name: str, rows: int) -> Named:
    dtype = draw(st.sampled_from([*NUMBERS, "string", "json"]))
    shape = (rows, *draw(shapes)[1:])
    if dtype in NUMBERS:
        return name, dtype, draw(hnp.arrays(dtype, shape))
    size = int(np.prod(shape))
    values = draw(st.lists(st.text(max_size=5) if dtype == "string" else json_values, min_size=size, max_size=size))
    array = np.empty(size, dtype=object)
    for at, value in enumerate(values):
        array[at] = value
    return name, dtype, array.reshape(shape)


def received(*data: bytes) -> list[Frame]:
    """The frames that come out of these bytes, sent in these pieces."""
    here, there = socket.socketpair()
    inbox, frames = Inbox(), []
    with here, there:
        for piece in data:
            if piece:
                here.sendall(piece)
                inbox.fill(there)
            while (frame := inbox.take()) is not None:
                frames.append(frame)
    return frames


@given(st.lists(tensors(), min_size=1, max_size=4))
def test_tensors_arrive_as_they_were_sent(sent: list[list[Named]]) -> None:
    encoder, decoder = Encoder(), Decoder()
    for number, each in enumerate(sent):
        (frame,) = received(encoder.encode(Kind.PREDICT, number, each))
        assert (frame.kind, frame.id) == (Kind.PREDICT, number)
        found = decoder.decode(frame)
        assert list(found) == [name for name, _, _ in each]
        for name, _, array in each:
            assert found[name].shape == array.shape
            np.testing.assert_array_equal(found[name], array)


def test_a_schema_is_sent_once_while_it_stays_the_same() -> None:
    encoder = Encoder()
    first = encoder.encode(Kind.ANSWER, 1, [("x", "float32", np.zeros((1, 3), "float32"))])
    second = encoder.encode(Kind.ANSWER, 2, [("x", "float32", np.ones((9, 3), "float32"))])
    other = encoder.encode(Kind.ANSWER, 3, [("x", "float32", np.ones((9, 4), "float32"))])
    assert [bool(frame.schema) for frame in received(first, second, other)] == [True, False, True]


def test_numbers_are_not_copied_and_not_written_to() -> None:
    (frame,) = received(Encoder().encode(Kind.ANSWER, 1, [("x", "float64", np.arange(8.0).reshape(2, 4))]))
    array = Decoder().decode(frame)["x"]
    assert np.shares_memory(array, np.frombuffer(frame.body, np.uint8))
    assert array.flags.aligned
    assert not array.flags.writeable


@given(st.binary(max_size=200), st.integers(0, 199))
def test_frames_come_whole_however_they_are_cut(text: bytes, cut: int) -> None:
    data = say(Kind.FAILED, 7, text.hex()) + say(Kind.REJECTED, 8, "no")
    first, second = received(data[:cut], data[cut:])
    assert (first.kind, first.id, first.text()) == (Kind.FAILED, 7, text.hex())
    assert (second.kind, second.id, second.text()) == (Kind.REJECTED, 8, "no")


@given(st.data())
def test_a_damaged_frame_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    whole = bytearray(
        Encoder().encode(
            Kind.ANSWER,
            1,
            [
                ("x", "float32", np.ones((2, 3), "float32")),
                ("s", "string", np.array(["a", "bc"], object)),
                ("j", "json", np.array([{"k": 1}, [2]], object)),
            ],
        )
    )
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(HEADER.size, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    (frame,) = received(bytes(whole))
    try:
        found = Decoder().decode(frame)
    except MalformedError:
        return
    assert all(array.nbytes < 10**6 for array in found.values())


@given(st.binary(min_size=HEADER.size, max_size=100))
def test_noise_is_no_frame(noise: bytes) -> None:
    try:
        frames = received(noise)
    except MalformedError:
        return
    for frame in frames:
        with pytest.raises(MalformedError):
            Decoder().decode(frame)


def test_a_length_beyond_the_limit_is_refused_before_it_is_received() -> None:
    with pytest.raises(MalformedError):
        received(HEADER.pack(Kind.ANSWER, 0, 1, 2**32 - 1))


def test_a_compressed_batch_is_refused() -> None:
    array = np.zeros((1000, 4))
    frame = received(Encoder().encode(Kind.ANSWER, 1, [("x", "float64", array)]))[0]
    schema = pa.ipc.read_schema(pa.py_buffer(bytes(frame.schema)))
    column = pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), 4)
    batch = pa.RecordBatch.from_arrays([column], schema=schema)
    body = batch.serialize().to_pybytes()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_batch(batch)
    reader = pa.ipc.MessageReader.open_stream(sink.getvalue())
    reader.read_next_message()
    packed = reader.read_next_message().serialize().to_pybytes()
    assert Decoder().decode(_with(frame, body))["x"].shape == (1000, 4)
    with pytest.raises(MalformedError):
        Decoder().decode(_with(frame, packed))


def test_a_frame_without_a_schema_cannot_come_first() -> None:
    encoder = Encoder()
    encoder.encode(Kind.ANSWER, 1, [("x", "float64", np.zeros((1, 2)))])
    (frame,) = received(encoder.encode(Kind.ANSWER, 2, [("x", "float64", np.zeros((1, 2)))]))
    with pytest.raises(MalformedError):
        Decoder().decode(frame)


@pytest.mark.parametrize("dtype", ["complex128", "datetime64[s]"])
def test_types_that_no_model_has_are_refused(dtype: str) -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        Encoder().encode(Kind.ANSWER, 1, [("x", dtype, np.zeros((1, 2), dtype))])


def _with(frame: Frame, body: bytes) -> Frame:
    return Frame(frame.kind, frame.id, frame.schema, memoryview(body))
