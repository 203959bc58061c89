"""A thread that lasts as long as the process.

A confined process asks the kernel to be killed when its parent ends, and the kernel means the thread that started it.
"""

import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

_T = TypeVar("_T")
_Work = tuple[Callable[[], Any], "Future[Any]"]

_MAKING = threading.Lock()
_STARTERS: dict[int, "queue.SimpleQueue[_Work]"] = {}  # by process: a fork has none of its parent's threads


def in_lasting_thread(work: Callable[[], _T]) -> _T:
    """Do the work there, and return or raise what it does."""
    done: Future[_T] = Future()
    _starter().put((work, done))
    return done.result()


def _starter() -> "queue.SimpleQueue[_Work]":
    with _MAKING:
        if os.getpid() not in _STARTERS:
            _STARTERS[os.getpid()] = waiting = queue.SimpleQueue[_Work]()
            threading.Thread(target=_serve, args=(waiting,), name="sandbox-starter", daemon=True).start()
        return _STARTERS[os.getpid()]


def _serve(waiting: "queue.SimpleQueue[_Work]") -> None:
    while True:
        work, done = waiting.get()
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is for the one who asked
            done.set_exception(error)
