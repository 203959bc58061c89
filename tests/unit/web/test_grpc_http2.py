"""Header blocks of gRPC connections, beside those of the library alone."""

from typing import Any

from hpack import Decoder, Encoder
from hypothesis import given
from hypothesis import strategies as st

from modelyard.web.grpc.http2 import Http, Resets

TEXTS = st.sampled_from([b"a", b"x-request-id", b"te", b"", b"v" * 126, b"v" * 127, b"v" * 300, bytes(range(64))])
FIELDS = st.lists(st.tuples(TEXTS, TEXTS), max_size=5)
SIZES = st.sampled_from([None, 0, 64, 4096])


def plain(fields: Any) -> list[tuple[bytes, bytes]]:
    return [(bytes(name), bytes(value)) for name, value in fields]


@given(st.lists(FIELDS, max_size=8))
def test_what_is_sent_is_read_by_others_as_it_was(blocks: list[list[tuple[bytes, bytes]]]) -> None:
    encoder, reader = Http().encoder, Decoder()
    for fields in blocks:
        assert plain(reader.decode(encoder.encode(fields), raw=True)) == fields


@given(st.lists(st.tuples(FIELDS, SIZES), max_size=10), st.booleans())
def test_what_comes_is_read_as_the_library_reads_it(
    blocks: list[tuple[list[tuple[bytes, bytes]], int | None]], huffman: bool
) -> None:
    sender, mine, theirs = Encoder(), Http().decoder, Decoder()
    theirs.max_header_list_size = mine.max_header_list_size
    for fields, size in blocks:
        if size is not None:
            sender.header_table_size = size
        for _ in range(3):  # the second and third time are shorter, and alike
            block = sender.encode(fields, huffman)
            assert plain(mine.decode(block, raw=True)) == plain(theirs.decode(block, raw=True)) == fields


def test_a_client_may_take_back_a_thousand_calls_at_once_and_no_more() -> None:
    resets = Resets()
    taken = [resets.take() for _ in range(1100)]
    assert all(taken[:1000])
    assert not taken[-1]
