"""Connections of gRPC, as a client of HTTP/2 sees them that does what others would not."""

import asyncio
import logging
import struct
from contextlib import suppress

import pytest
import uvloop
from calling_grpc import Client, fields, standing
from h2.exceptions import ProtocolError

from modelyard.web.grpc import connection

KIB = 2**10


def run(test: object) -> None:
    uvloop.run(test)  # type: ignore[arg-type]


def test_calls_are_answered_at_once_in_tasks_and_refused() -> None:
    async def ask() -> None:
        async with standing() as stand:
            client = await stand.client()
            echoed = await client.call("/echo", b"abc")
            assert echoed.message == b"abc"
            said = fields(echoed, ":status", "content-type", "grpc-status", "x-size", "content-length")
            assert list(said.values()) == ["200", "application/grpc", "0", "3", None]
            later = await client.call("/task", b"")
            assert (later.message, later.fields["grpc-status"]) == (b"", "0")
            refused = await client.call("/refuse", b"abc")
            assert (refused.body, refused.fields["grpc-status"], refused.fields["grpc-message"]) == (
                b"",
                "5",
                "nothing",
            )

    run(ask())


def test_many_calls_at_once_each_get_their_own_answer() -> None:
    async def ask() -> None:
        async with standing() as stand:
            client = await stand.client()
            streams = [client.begin("/task" if number % 2 else "/echo") for number in range(250)]
            for stream in reversed(streams):
                message = b"%d" % stream
                await client.send(stream, struct.pack(">BI", 0, len(message)) + message)
            for stream in streams:
                assert (await client.answered(stream)).message == b"%d" % stream

    run(ask())


def test_a_client_that_does_not_know_yet_how_many_calls_there_may_be_is_not_thrown_out() -> None:
    async def ask() -> None:
        async with standing() as stand:
            client = await stand.client()
            streams = [client.begin("/wait") for _ in range(1100)]
            for stream in streams:
                await client.send(stream, b"\0\0\0\0\0")
            stand.application.go_on.set()
            answers = [await client.answered(stream) for stream in streams]
            assert {answer.fields.get("grpc-status") for answer in answers[:1024]} == {"0"}
            assert {answer.reset for answer in answers[1024:]} == {7}  # REFUSED_STREAM: it may be made again

    run(ask())


@pytest.mark.parametrize("size", [1, 64 * KIB, 3000 * KIB])
def test_messages_of_any_size_pass_through_the_windows(size: int) -> None:
    async def ask() -> None:
        async with standing() as stand:
            client = await stand.client()
            message = bytes(range(256)) * (size // 256 + 1)
            assert (await client.call("/echo", message)).message == message
            assert (await client.call("/large", b"%d" % size)).message == bytes(size)

    run(ask())


def test_a_message_beyond_the_limit_is_refused_before_it_has_come() -> None:
    async def ask() -> None:
        async with standing(limit=10 * KIB) as stand:
            client = await stand.client()
            stream = client.begin("/echo")
            await client.send(stream, struct.pack(">BI", 0, 10 * KIB + 1), last=False)
            answer = await client.answered(stream)
            assert answer.fields["grpc-status"] == "8"
            assert "exceeds" in answer.fields["grpc-message"]
            assert (await client.call("/echo", b"abc")).message == b"abc"

    run(ask())


def test_large_messages_that_never_end_do_not_pile_up() -> None:
    async def ask() -> None:
        async with standing(limit=2**22) as stand:
            client = await stand.client()
            streams = [client.begin("/echo") for _ in range(4)]
            for stream in streams:
                try:
                    await client.send(stream, struct.pack(">BI", 0, 2**22) + bytes(3 * 2**20), last=False)
                except ProtocolError:  # it was refused while it came
                    break
            assert any(client.answers[stream].fields.get("grpc-status") == "8" for stream in streams)

    run(ask())


def test_what_is_no_call_is_told_so() -> None:
    async def ask() -> None:
        async with standing() as stand:
            client = await stand.client()
            stream = client.begin("/echo", content_type="application/json")
            await client.send(stream, b"{}")
            assert (await client.answered(stream)).fields == {":status": "415"}
            empty = client.begin("/echo")
            await client.send(empty, b"")
            assert (await client.answered(empty)).fields["grpc-status"] == "3"
            unknown = client.begin("/echo", grpc_encoding="snappy")
            await client.send(unknown, b"\1\0\0\0\0")
            assert (await client.answered(unknown)).fields["grpc-status"] == "12"

    run(ask())


def test_an_error_within_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    async def ask() -> None:
        async with standing() as stand:
            client = await stand.client()
            answer = await client.call("/broken")
            assert answer.fields["grpc-status"] == "13"
            assert "inner" not in answer.fields["grpc-message"]
            assert (await client.call("/echo", b"abc")).message == b"abc"

    with caplog.at_level(logging.ERROR):
        run(ask())
    assert "inner detail" in caplog.text


def test_a_client_that_takes_a_call_back_or_leaves_is_not_waited_for() -> None:
    async def ask() -> None:
        async with standing() as stand:
            client, other = await stand.client(), await stand.client()
            stream = client.begin("/wait")
            await client.send(stream, b"\0\0\0\0\0")
            await other.send(other.begin("/wait"), b"\0\0\0\0\0")
            assert (await client.call("/echo", b"abc")).message == b"abc"
            assert stand.application.gone.empty()
            client.http.reset_stream(stream)
            client.flush()
            await asyncio.wait_for(stand.application.gone.get(), 5)
            other.writer.close()
            await asyncio.wait_for(stand.application.gone.get(), 5)
            assert (await client.call("/echo", b"abc")).message == b"abc"

    run(ask())


def test_a_call_that_is_taken_back_in_the_same_breath_harms_nobody() -> None:
    async def ask() -> None:
        async with standing() as stand:
            client = await stand.client()
            for _ in range(50):
                stream = client.http.get_next_available_stream_id()
                head = [(":method", "POST"), (":scheme", "http"), (":path", "/echo"), (":authority", "here")]
                client.http.send_headers(stream, [*head, ("content-type", "application/grpc")])
                client.http.send_data(stream, b"\0\0\0\0\1a", end_stream=True)
                client.http.reset_stream(stream)
            client.flush()
            assert (await client.call("/echo", b"abc")).message == b"abc"

    run(ask())


def test_who_only_takes_calls_back_is_thrown_out() -> None:
    """CVE-2023-44487: calls that are taken back are free of the limit of calls, but not free of work."""

    async def ask() -> None:
        async with standing() as stand:
            client = await stand.client()
            for _ in range(1100):
                client.http.reset_stream(client.begin("/wait"))
            client.flush()
            assert await client.closed()
            assert (await (await stand.client()).call("/echo", b"abc")).message == b"abc"

    run(ask())


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 100, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 2**18]
)
def test_bytes_of_something_else_end_the_connection_without_an_error(
    data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def ask() -> None:
        async with standing() as stand:
            reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
            writer.write(data)
            async with asyncio.timeout(5):
                with suppress(ConnectionError):
                    while await reader.read(KIB):
                        pass
            writer.close()
            assert (await (await stand.client()).call("/echo", b"abc")).message == b"abc"

    with caplog.at_level(logging.WARNING):
        run(ask())
    assert not caplog.records


def test_a_server_that_ends_answers_what_is_under_way_and_takes_no_more() -> None:
    async def ask() -> None:
        async with standing() as stand:
            client = await stand.client()
            stream = client.begin("/wait")
            await client.send(stream, b"\0\0\0\0\0")
            assert (await client.call("/echo", b"abc")).message == b"abc"
            stopping = asyncio.ensure_future(stand.server.stop(5))
            while client.went_away is None:
                data = await client.reader.read(KIB)
                client.went_away = 0 if data[3] == 7 else None  # GOAWAY; h2's client would take nothing after it
            stand.application.go_on.set()
            rest = await client.reader.read()
            assert rest[3] == 1  # HEADERS
            await stopping
            with pytest.raises(ConnectionError):
                await stand.client()

    run(ask())


def test_calls_that_do_not_go_on_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_STALLED_SECONDS", 0.2)

    async def ask() -> None:
        async with standing() as stand:
            client = await stand.client()
            half = client.begin("/echo")
            await client.send(half, b"\0\0\0\0\7abc", last=False)
            waiting = client.begin("/wait")
            await client.send(waiting, b"\0\0\0\0\0")
            client.takes_data = False
            client.http.increment_flow_control_window(2**20)  # the others' answers have room
            untaken = client.begin("/large")
            await client.send(untaken, b"\0\0\0\0\x06" + b"300000")
            assert (await client.answered(half)).reset == 8  # CANCEL
            assert (await client.answered(untaken)).reset == 8
            stand.application.go_on.set()
            assert (await client.answered(waiting)).fields["grpc-status"] == "0"

    run(ask())


def test_who_reads_nothing_is_not_read_from_either() -> None:
    """What a client has the server say would pile up in its memory."""

    async def ask() -> None:
        async with standing() as stand:
            client = await stand.client()
            await client.call("/echo", b"abc")
            sent = await _pinged(client)
            assert sent < 64 * 2**20  # it ended somewhere: the server reads no more
            (served,) = stand.server._connections
            assert served._transport.get_write_buffer_size() < 2**20

    run(ask())


async def _pinged(client: Client) -> int:
    """Bytes of pings that the server took before it took no more."""
    ping = b"\0\0\x08\x06\0\0\0\0\0" + bytes(8)
    sent = 0
    try:
        async with asyncio.timeout(30):
            while True:
                client.writer.write(ping * 4096)
                async with asyncio.timeout(1):
                    await client.writer.drain()
                sent += len(ping) * 4096
    except TimeoutError:
        return sent
