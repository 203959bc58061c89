"""How long the client of a request waits for its answer, as its headers say."""

import math
import re
from typing import Final

from modelyard.core.kernel.errors import invalid
from modelyard.core.serving.deadlines import Deadline
from modelyard.web.inference.protocol import Headers

REQUEST_TIMEOUT: Final = b"x-request-timeout"
ENVOY: Final = b"x-envoy-expected-rq-timeout-ms"
GRPC: Final = b"grpc-timeout"
_SECONDS: Final = {b"s": 1.0, b"ms": 1e-3}
_GRPC_SECONDS: Final = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_REQUEST_VALUE: Final = re.compile(rb"(\d{1,9}(?:\.\d{1,9})?) ?(ms|s)?")
_ENVOY_VALUE: Final = re.compile(rb"\d{1,12}")
_GRPC_VALUE: Final = re.compile(rb"(\d{1,8})([HMSmun])")


def deadline_of(headers: Headers, longest: float) -> Deadline:
    """The deadline of a request with these headers, on a server that gives it ``longest``; see ``patience``."""
    return Deadline.asked(patience(headers, longest), longest)


def patience(headers: Headers, longest: float) -> float:
    """Seconds: the least of what the headers say and ``longest``. ``INVALID`` names the header that says no time.

    ``x-request-timeout`` is a number of seconds, or has the unit ``ms`` or ``s``; a proxy of Envoy tells how long it
    waits in ``x-envoy-expected-rq-timeout-ms``; ``grpc-timeout`` is gRPC's own, which gateways hand on.
    """
    least = longest
    for name, read in _READERS:
        if name in headers:
            seconds = read(headers[name])
            if not 0 < seconds < math.inf:
                raise invalid(f"the header {name.decode()} says no time to wait; send it like {_EXAMPLES[name]}")
            least = min(least, seconds)
    return least


def _request_timeout(value: bytes) -> float:
    found = _REQUEST_VALUE.fullmatch(value.strip())
    return float(found[1]) * _SECONDS[found[2] or b"s"] if found else math.nan


def _envoy(value: bytes) -> float:
    return float(value) / 1000 if _ENVOY_VALUE.fullmatch(value) else math.nan


def _grpc(value: bytes) -> float:
    found = _GRPC_VALUE.fullmatch(value)
    return float(found[1]) * _GRPC_SECONDS[found[2]] if found else math.nan


_READERS: Final = ((REQUEST_TIMEOUT, _request_timeout), (ENVOY, _envoy), (GRPC, _grpc))
_EXAMPLES: Final = {REQUEST_TIMEOUT: "2.5 or 250ms", ENVOY: "2500", GRPC: "250m"}
