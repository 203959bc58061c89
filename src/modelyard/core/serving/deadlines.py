"""How long the request that is being answered may still take.

Whoever waits for something on behalf of a request asks ``current_deadline`` again and again, or waits no longer than
until then: it may come sooner than it was, because a client that goes away has no more time.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Self

from modelyard.core.kernel.errors import DomainError, timed_out


class Deadline:
    """A moment of ``time.monotonic()``. Thread-safe: it is one number.

    ``by_caller`` says that whoever asks wants it to be sooner than the server does.
    """

    __slots__ = ("at", "by_caller", "seconds")

    def __init__(self, seconds: float, *, by_caller: bool = False) -> None:
        self.seconds = seconds
        self.by_caller = by_caller
        self.at = time.monotonic() + seconds

    @classmethod
    def asked(cls, seconds: float, longest: float) -> Self:
        """The one that a caller asks for, of a server that gives nobody more than ``longest``."""
        return cls(min(seconds, longest), by_caller=seconds < longest)

    def remaining(self) -> float:
        """Seconds; 0 when it is over."""
        return max(0.0, self.at - time.monotonic())

    def is_over(self) -> bool:
        """Whether the answer would come too late."""
        return time.monotonic() >= self.at

    def cancel(self) -> None:
        """Nobody waits for the answer any more."""
        self.at = -math.inf

    def is_cancelled(self) -> bool:
        """Whether nobody waits for the answer any more, be it that they left or that they were told."""
        return self.at == -math.inf

    def is_given_up(self) -> bool:
        """Whether it is the caller who waits no longer, while the server would have."""
        return self.is_cancelled() or (self.by_caller and self.is_over())

    def renew(self) -> None:
        """Some of the answer has come: there is as much time for the next of it, unless nobody waits any more."""
        if not self.is_cancelled():
            self.at = time.monotonic() + self.seconds

    def error(self) -> DomainError:
        """What a request beyond its deadline is told."""
        return timed_out(
            f"there was no answer within {self.seconds:g} s; allow more time, send fewer rows, or deploy more replicas",
            by_caller=self.by_caller,
        )


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def current_deadline() -> float | None:
    """When the work under way is of no more use, as ``time.monotonic()`` counts; None when it may take its time."""
    deadline = _current.get()
    return deadline.at if deadline else None


def deadline_here() -> Deadline | None:
    """The same as an object, which keeps up with what becomes of it."""
    return _current.get()


def require_time() -> None:
    """The work under way is still of use; ``TIMED_OUT`` otherwise."""
    deadline = _current.get()
    if deadline is not None and deadline.is_over():
        raise deadline.error()


@contextmanager
def until(deadline: Deadline | None) -> Iterator[None]:
    """What runs inside has this deadline, whatever held outside."""
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What runs inside may take so long, and no longer than what it is part of."""
    around, deadline = _current.get(), Deadline(seconds)
    with until(around if around and around.at < deadline.at else deadline):
        yield
