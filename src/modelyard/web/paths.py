"""Paths whose parameters may hold a slash, which clients then send encoded (RFC 3986, section 2.2)."""

from urllib.parse import quote, unquote

from starlette.types import Scope


def path_of_segments(scope: Scope) -> str:
    """The path, decoded segment by segment: what was no slash on the wire is none here, but ``%2F``.

    So that ``%2F`` is told from a text that was ``%252F``, a per cent sign is ``%25``; ``original`` undoes both.
    """
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    segments = raw.decode("latin-1").split("/")
    return "/".join(unquote(segment).replace("%", "%25").replace("/", "%2F") for segment in segments)


def original(segment: str) -> str:
    """A segment of such a path as the client meant it."""
    return segment.replace("%2F", "/").replace("%25", "%")
