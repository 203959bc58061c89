"""Where a browser may be sent: what a client registered, letter by letter (RFC 9700, section 2.1)."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from modelyard.core.kernel.errors import invalid

# Programs cannot choose their port: on the loopback interface any port is the registered one (RFC 8252, section 7.3).
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::([0-9]{1,5}))?(/.*)?")
_TEXT = re.compile(r"[!-~]{1,2000}")
_OWN_PATH = re.compile(r"/(?![/\\]).*|/")
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)+")


def checked_uri(uri: str) -> str:
    """The URI, when it may be registered; else ``INVALID`` saying what may be.

    A path on the server's own origin, an http or https URL, or a URI of a private-use scheme with a dot in it (RFC
    8252, section 7.1). Wildcards are not known: they are how codes get lost.
    """
    parts = urlsplit(uri) if _TEXT.fullmatch(uri) and not set(uri) & set("*\\#") else None
    if parts is not None and not parts.scheme and _OWN_PATH.fullmatch(uri):
        return uri
    if parts is not None and parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc:
        return uri
    if parts is not None and _PRIVATE_SCHEME.fullmatch(parts.scheme):
        return uri
    raise invalid(
        f"{uri[:200]!r} cannot be registered: give a whole http or https URL, a path that begins with /, or a URI like "
        "com.example.app:/callback; without fragment, user name or wildcard"
    )


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
