"""How long a client waits, as its headers say."""

import pytest

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.web.inference.patience import deadline_of, patience


@pytest.mark.parametrize(
    ("name", "value", "seconds"),
    [
        (b"x-request-timeout", b"2.5", 2.5), (b"x-request-timeout", b"3s", 3), (b"x-request-timeout", b"250 ms", 0.25),
        (b"x-request-timeout", b"600", 60), (b"x-envoy-expected-rq-timeout-ms", b"1500", 1.5),
        (b"grpc-timeout", b"20S", 20), (b"grpc-timeout", b"1H", 60), (b"grpc-timeout", b"500000u", 0.5),
    ],
)  # fmt: skip
def test_a_header_can_shorten_the_time_and_never_make_it_longer(name: bytes, value: bytes, seconds: float) -> None:
    assert patience({name: value}, 60) == pytest.approx(seconds)


def test_the_shortest_of_several_counts_and_none_leaves_the_servers_own() -> None:
    assert patience({b"x-request-timeout": b"5", b"grpc-timeout": b"2S"}, 60) == 2
    assert patience({}, 60) == 60


def test_a_deadline_knows_whether_it_is_sooner_than_the_server_wants() -> None:
    assert deadline_of({b"x-request-timeout": b"5"}, 60).by_caller
    assert deadline_of({b"grpc-timeout": b"5S"}, 60).error().by_caller
    for headers in ({}, {b"x-request-timeout": b"60"}, {b"x-request-timeout": b"1000"}):
        assert not deadline_of(headers, 60).by_caller
        assert not deadline_of(headers, 60).error().by_caller


@pytest.mark.parametrize("value", [b"", b"0", b"-1", b"nan", b"inf", b"1e9", b"2 h", b"5;6", "٣".encode(), b"9" * 400])
@pytest.mark.parametrize("name", [b"x-request-timeout", b"x-envoy-expected-rq-timeout-ms", b"grpc-timeout"])
def test_what_says_no_time_is_refused_with_the_name_of_the_header(name: bytes, value: bytes) -> None:
    with pytest.raises(DomainError) as caught:
        patience({name: value}, 60)
    assert caught.value.kind is ErrorKind.INVALID
    assert name.decode() in caught.value.message
