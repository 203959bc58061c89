"""Answers that are made at the same time: a piece of each in turn, all on the thread that loaded the model.

So a model need not be thread-safe, and whoever has gone is noticed between two pieces.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from modelyard_runtime.generation import Answer
from modelyard_runtime.model import Rejected
from modelyard_runtime.wire import Kind, carry, say

TOGETHER = 32
"""So many answers are made at the same time; more wait until one of them is complete."""


@dataclass(slots=True, eq=False)
class _Asked:
    """Somebody's answer: begun when its turn comes; ``unsent`` is what their socket has not taken yet."""

    socket: socket.socket
    number: int
    begin: Callable[[], Answer]
    answer: Answer | None = None
    unsent: bytes = b""
    over: bool = False


class Together:
    """``told`` is what is said of an exception of the model."""

    def __init__(self, told: Callable[[BaseException], str]) -> None:
        self._told = told
        self._asked: dict[socket.socket, _Asked] = {}

    def __len__(self) -> int:
        return len(self._asked)

    def __contains__(self, connection: socket.socket) -> bool:
        return connection in self._asked

    @property
    def waiting(self) -> int:
        """How many have not had their first turn for want of room."""
        return max(0, len(self._asked) - TOGETHER)

    def add(self, connection: socket.socket, number: int, begin: Callable[[], Answer]) -> None:
        """Answer the request of this number over a connection that is not blocking."""
        self._asked[connection] = _Asked(connection, number, begin)

    def leave(self, connection: socket.socket) -> None:
        """Who asked has gone, or is answered."""
        asked = self._asked.pop(connection, None)
        if asked is not None and asked.answer is not None:
            with suppress(Exception):  # the model's own code; nobody waits for what it says
                asked.answer.close()

    def turn(self, around: Callable[[], None]) -> tuple[int, bool]:
        """A piece of each: (how many became complete, whether nobody could take any); ``around`` before each."""
        completed, moved = 0, False
        for asked in list(self._asked.values())[:TOGETHER]:
            around()
            moved |= self._step(asked)
            if asked.over and not asked.unsent:
                self.leave(asked.socket)
                completed += 1
        return completed, not moved

    def _step(self, asked: _Asked) -> bool:
        """Whether it came any further: who does not read gets nothing more, and holds up nobody."""
        if not asked.unsent and not asked.over:
            asked.unsent = self._piece(asked)
            if not asked.unsent:
                return True
        try:
            sent = asked.socket.send(asked.unsent)
        except BlockingIOError:
            return False
        except OSError:  # its end is read from the socket
            asked.unsent, asked.over = b"", True
            return True
        asked.unsent = asked.unsent[sent:]
        return True

    def _piece(self, asked: _Asked) -> bytes:
        try:
            if asked.answer is None:
                asked.answer = asked.begin()
            piece = asked.answer.next()
            if isinstance(piece, str):
                return carry(Kind.PIECE, asked.number, piece.encode(errors="replace")) if piece else b""
        except Rejected as error:
            asked.over = True
            return say(Kind.REJECTED, asked.number, str(error))
        except Exception as error:  # noqa: BLE001  # the model's own code: it may raise whatever it likes
            asked.over = True
            return say(Kind.FAILED, asked.number, self._told(error))
        asked.over = True
        return say(Kind.END, asked.number, piece.to_text())
