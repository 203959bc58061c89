"""The cookie of clients that sign in by a form and send it along: where it stands for a bearer token, and where not."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.types import Scope

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.issuers.session_tokens import NAME, SECURE_NAME

Headers = Mapping[bytes, bytes]
"""A request's headers by lower-case name."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_EMPTY = frozenset({b"", b"bearer"})


class SessionCookie:
    """Whether it is https is told by the public URL, else by the request."""

    def __init__(self, public_url: str | None) -> None:
        self._public = urlsplit(public_url) if public_url else None

    def credential(self, headers: Headers, scope: Scope) -> bytes | None:
        """The Authorization header, or where it names nothing the cookie's session as such a header.

        ``FORBIDDEN`` when another site's page made the browser send the cookie with a request that changes something.
        """
        authorization = headers.get(b"authorization")
        if authorization is not None and authorization.strip().lower() not in _EMPTY:
            return authorization
        name = self.name(scope)
        value = _cookie(headers.get(b"cookie", b""), name.encode())
        if value is None:
            return authorization
        if scope["method"] not in _SAFE:
            self.refuse_other_sites(headers, scope)
        return b"Bearer %s=%s" % (name.encode(), value)

    def set_cookie(self, scope: Scope, value: str, seconds: int) -> str:
        """The header ``Set-Cookie`` that gives the client the session."""
        secure = "; Secure" if self._origin(b"", scope)[0] == "https" else ""
        return f"{self.name(scope)}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"

    def name(self, scope: Scope) -> str:
        """The cookie's name."""
        return SECURE_NAME if self._origin(b"", scope)[0] == "https" else NAME

    def refuse_other_sites(self, headers: Headers, scope: Scope) -> None:
        """``FORBIDDEN`` for a request that the page of another origin sent; programs send no such headers."""
        site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
        if site is not None:
            foreign = site not in (b"same-origin", b"none")
        else:
            own = "{}://{}".format(*self._origin(headers.get(b"host", b""), scope))
            foreign = origin is not None and origin.decode("latin-1") != own
        if foreign:
            message = "a page of another site sent this request with the session's cookie; send a bearer token instead"
            raise DomainError(ErrorKind.FORBIDDEN, message)

    def _origin(self, host: bytes, scope: Scope) -> tuple[str, str]:
        """(scheme, host and port)."""
        if self._public is not None:
            return self._public.scheme, self._public.netloc
        return str(scope.get("scheme", "http")), host.decode("latin-1")


def _cookie(header: bytes, name: bytes) -> bytes | None:
    """The value of the first cookie of this name; clients may send the attributes of Set-Cookie along."""
    for part in header.split(b";"):
        key, separator, value = part.strip().partition(b"=")
        if separator and key == name and value:
            return value
    return None
