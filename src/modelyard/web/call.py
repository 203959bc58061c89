"""One request, as a handler receives it."""

from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid
from modelyard.web.refusals import record_route_refusal
from modelyard.web.services import Services

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """The request, who sent it, and what the process offers to answer it."""

    request: Request
    actor: Actor
    services: Services

    @property
    def address(self) -> str | None:
        """The IP address of the client, or of the last proxy before this server; None where there is none."""
        return self.request.client.host if self.request.client else None

    async def body(self, limit: int | None = None) -> bytes:
        """The whole body; ``TOO_LARGE`` beyond the limit in bytes, decided from Content-Length where it is given.

        Without a ``limit`` of the caller's own, that of the server.
        """
        limit = limit or self.services.limits.body_bytes
        declared = self.request.headers.get("content-length")
        if declared is not None and declared.isdigit() and int(declared) > limit:
            raise _too_large(limit)
        chunks, size = [], 0
        async for chunk in self.request.stream():
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            chunks.append(chunk)
        return b"".join(chunks)

    async def json(self, shape: type[T]) -> T:
        """The JSON body as ``shape``; unknown keys are ignored, an empty body reads as ``{}``."""
        return decode(await self.body() or b"{}", shape)


async def record_refusal(call: Call, permission: Permission, error: DomainError, field: str = "") -> None:
    """Record the error if it says that the caller lacked a right; ``field`` tells apart what one route offers."""
    route = f"{call.request.method} {call.request.url.path} {field}".rstrip()
    await record_route_refusal(call.services.audit, call.actor, route, permission, error)


def decode(data: bytes | str, shape: type[T]) -> T:
    """JSON text as ``shape`` (a msgspec type), or ``INVALID`` naming the field, the expected and the given type."""
    try:
        return msgspec.json.decode(data, type=shape)
    except msgspec.ValidationError as error:
        raise invalid(f"request body: {_reworded(error)}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid(f"request body is not valid JSON: {error}") from error


def json_bytes(value: Any) -> bytes:
    """``value`` as JSON."""
    return msgspec.json.encode(value)


def _reworded(error: msgspec.ValidationError) -> str:
    return str(error).replace("`$.", "`").replace("`$`", "the body").replace("`$[...]", "`[...]")


def _too_large(limit: int) -> DomainError:
    return DomainError(ErrorKind.TOO_LARGE, f"request body exceeds the limit of {limit} bytes", limit=limit)
