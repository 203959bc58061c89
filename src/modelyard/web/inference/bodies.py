"""Reading the body of a request for inference."""

from starlette.types import Receive

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.web.inference.lanes import Gone


async def read_body(declared: bytes | None, receive: Receive, limit: int) -> bytes:
    """The whole body, ``declared`` its Content-Length; ``TOO_LARGE`` beyond the limit, ``Gone`` if nobody waits."""
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise too_large(limit)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Gone
    if not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise too_large(limit)
        return body
    return await _chunks(message.get("body", b""), receive, limit)


async def _chunks(first: bytes, receive: Receive, limit: int) -> bytes:
    chunks, size, more = [first], len(first), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        chunk, more = message.get("body", b""), message.get("more_body", False)
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
    return b"".join(chunks)


def too_large(limit: int) -> DomainError:
    """What is told of a body beyond the limit."""
    return DomainError(ErrorKind.TOO_LARGE, f"the request body exceeds the limit of {limit} bytes; send fewer rows")
