"""Who sent a request: by bearer token everywhere, and in some dialects by what else their clients send."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request

from modelyard.core.kernel.actor import Actor
from modelyard.web.basic import is_basic
from modelyard.web.services import Services

Caller = Callable[[Services, Request], Awaitable[Actor]]
"""Finds out who sent the request; ``UNAUTHENTICATED`` when nobody did. Reads no body."""

_IDENTITY_PLACE = "/seldon/"


async def by_bearer(services: Services, request: Request) -> Actor:
    """An access token."""
    return await services.authenticator.authenticate(request.headers.get("authorization"))


async def by_bearer_or_basic(services: Services, request: Request) -> Actor:
    """An access token, or a name and a password or personal access token by HTTP Basic."""
    authorization = request.headers.get("authorization")
    if is_basic(authorization):
        address = request.client.host if request.client else None
        return await services.basic.authenticate(authorization or "", address)
    return await by_bearer(services, request)


async def by_place(services: Services, request: Request) -> Actor:
    """What Seldon's clients send where they are at home (``/seldon/``), an access token everywhere else."""
    below = request.scope["path"].startswith(_IDENTITY_PLACE)
    return await (by_identity if below else by_bearer)(services, request)


async def by_identity(services: Services, request: Request) -> Actor:
    """An access token, an ID token of a client that may use it so, or the cookie of a session."""
    credential = services.session_cookie.credential(dict(request.scope["headers"]), request.scope)
    text = credential.decode("latin-1") if credential is not None else None
    return await services.identity_authenticator.authenticate(text)
