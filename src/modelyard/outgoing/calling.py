"""Calls to addresses that users chose, for those who wait on a thread."""

from collections.abc import Callable, Mapping

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.outgoing.addresses import Addresses

Take = Callable[[bytes], None]


class AnsweredError(Exception):
    """The other side answered, but not with 200."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class Outgoing:
    """Blocking: to be called on a thread that has no event loop."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses

    def read(self, url: str, headers: Mapping[str, str], most: int, seconds: float) -> bytes:
        """What is there, at most so many bytes. Errors as of ``stream``, and ``UNAVAILABLE`` for more than that."""
        content = bytearray()

        def take(chunk: bytes) -> None:
            content.extend(chunk)
            if len(content) > most:
                raise unavailable(url, f"its answer is larger than {most} bytes")

        self.stream(url, headers, take, seconds)
        return bytes(content)

    def stream(self, url: str, headers: Mapping[str, str], take: Take, seconds: float) -> None:
        """Give what is there to ``take``, piece by piece.

        ``AnsweredError`` for any status but 200. ``INVALID`` when the address may not be called, ``UNAVAILABLE`` when
        nobody answers there, ``TIMED_OUT`` after so many seconds for everything together.
        """
        from modelyard.outgoing.requesting import get  # noqa: PLC0415  # no HTTP client where nobody calls

        get(self._addresses, url, headers, take, seconds)


def unavailable(url: str, why: str) -> DomainError:
    """What is said of an address that did not do what was asked."""
    return DomainError(ErrorKind.UNAVAILABLE, f"{origin_of(url)}: {why}")


def origin_of(url: str) -> str:
    """Scheme and host alone: the rest of an address may be nobody's business."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}"
