"""Where a browser may be sent: what a client registered, letter by letter (RFC 9700, section 2.1)."""

import re
from collections.abc import Iterable

# Programs cannot choose their port: on the loopback interface any port is the registered one (RFC 8252, section 7.3).
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::([0-9]{1,5}))?(/.*)?")


def is_registered(uri: str, registered: Iterable[str], origin: str) -> bool:
    """Whether the URI is one of the registered ones, of which those that begin with ``/`` are on ``origin``.

    Compared as text. Nothing is decoded or normalised, as browsers and servers do not agree on how.
    """
    known = [f"{origin}{each}" if each.startswith("/") else each for each in registered]
    return uri in known or _without_port(uri) in {_without_port(each) for each in known} - {None}


def _without_port(uri: str) -> tuple[str, str] | None:
    found = _LOOPBACK.fullmatch(uri)
    if found is None or not 0 < int(found[2] or 80) < 65_536:
        return None
    return found[1], found[3] or ""
