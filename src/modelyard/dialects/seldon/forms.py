"""Forms with a file in them (multipart/form-data, RFC 7578), read no further than a limit."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser

from modelyard.core.kernel.errors import invalid
from modelyard.web.call import Call

AROUND = 64 * 1024
"""Bytes of a form beside its file, at most."""
_FIELDS = 10


@asynccontextmanager
async def form_in(call: Call, limit: int, file: str) -> AsyncIterator[FormData]:
    """The form in the body, whose file ``file`` has at most ``limit`` bytes; ``TOO_LARGE`` beyond that."""
    if not call.request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise invalid(f"send multipart/form-data with the part {file}")
    form = await _parsed(call, await call.body(limit + AROUND))
    try:
        yield form
    finally:
        await form.close()


async def _parsed(call: Call, body: bytes) -> FormData:
    async def whole() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        return await MultiPartParser(call.request.headers, whole(), max_files=1, max_fields=_FIELDS).parse()
    except (MultiPartException, KeyError, UnicodeDecodeError) as error:
        raise invalid(f"the body is not valid multipart/form-data: {error}") from error
