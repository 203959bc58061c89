"""The states of an HTTP/2 connection (RFC 9113), which ``h2`` keeps, as a server of small gRPC calls wants them."""

import time
from typing import Any, Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes, Settings
from hpack import Decoder, Encoder
from hpack.hpack import encode_integer

CALLS: Final = 256
"""Under way at once on one connection; a client lets more of them wait."""
STREAM_WINDOW: Final = 2**20
CONNECTION_WINDOW: Final = 2**22
_HEADER_BYTES: Final = 2**16
FRAMES_BYTES: Final = 2 * _HEADER_BYTES
"""No frame that was agreed on is as large; h2 looks at a frame's length when all of it is there."""
_RESETS, _RESETS_A_SECOND = 1000.0, 33.0
"""Calls that a client may take back: so many in a moment, and so many a second after that."""
_NO_TABLE: Final = b"\x20"
"""Tells at first that no field will be referred to later (RFC 7541, 6.3)."""
_SHORT: Final = [bytes([length]) for length in range(127)]
_CONFIGURATION: Final = H2Configuration(
    client_side=False,
    header_encoding=None,
    validate_inbound_headers=False,  # they are told nobody else, whom a broken one could mislead
    normalize_inbound_headers=False,
    validate_outbound_headers=False,
    normalize_outbound_headers=False,
)


class Http(H2Connection):
    """With a short memory of the calls that were: it would grow to megabytes for each connection."""

    MAX_CLOSED_STREAMS = 1024

    def __init__(self) -> None:
        super().__init__(_CONFIGURATION)
        self.encoder, self.decoder = _Encoder(), _Decoder()
        self.decoder.max_header_list_size = _HEADER_BYTES
        windows = {SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW, SettingCodes.MAX_HEADER_LIST_SIZE: _HEADER_BYTES}
        self.local_settings = Settings(client=False, initial_values=windows)

    def begin(self) -> None:
        """Tell the client what there may be. The number of calls counts once it knows of it."""
        self.initiate_connection()
        self.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: CALLS})
        self.increment_flow_control_window(CONNECTION_WINDOW)


class _Encoder(Encoder):
    """Header fields as they are (RFC 7541, 6.2.2): to shorten them a little takes longer than the rest of a call."""

    def __init__(self) -> None:
        super().__init__()
        self._first = _NO_TABLE

    def encode(self, headers: Any, huffman: bool = False) -> bytes:  # as hpack has it
        del huffman
        pieces, self._first = [self._first], b""
        for name, value in headers:
            pieces += (b"\0", _length(name), name, _length(value), value)
        return b"".join(pieces)


class _Decoder(Decoder):
    """Clients say the same of each call: the fields that changed no table the last time are the same again."""

    def __init__(self) -> None:
        super().__init__()
        self._last: tuple[bytes, list[Any]] = b"", []

    def decode(self, data: bytes, raw: bool = False) -> list[Any]:  # as hpack has it
        block, fields = self._last
        if data == block:
            return [*fields]
        before = self._table()
        fields = [*super().decode(data, raw)]
        self._last = (data, fields) if self._table() == before else (b"", [])
        return fields

    def _table(self) -> tuple[Any, ...]:
        return self.header_table.maxsize, *self.header_table.dynamic_entries


def _length(text: bytes) -> bytes:
    return _SHORT[len(text)] if len(text) < len(_SHORT) else bytes(encode_integer(len(text), 7))


class Resets:
    """How many calls a client may still take back (CVE-2023-44487: they are free of the limit, but not of work)."""

    def __init__(self) -> None:
        self._left, self._at = _RESETS, time.monotonic()

    def take(self) -> bool:
        """Whether there was one more."""
        now = time.monotonic()
        self._left = min(self._left + (now - self._at) * _RESETS_A_SECOND, _RESETS) - 1
        self._at = now
        return self._left >= 0
