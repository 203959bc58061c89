"""Requests from several connections at once, and what became of each."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from wire import Caller


@dataclass
class Load:
    """``answers`` are (when it was asked, the status, the body)."""

    answers: list[tuple[float, int, Any]] = field(default_factory=list)

    def failed(self) -> list[tuple[int, Any]]:
        """Those that were not answered with 200."""
        return [(status, body) for _, status, body in self.answers if status != 200]


@contextmanager
def load(caller: Caller, path: str, rows: Any, connections: int = 4, pause: float = 0.02) -> Iterator[Load]:
    """Ask as long as the block runs, each connection again and again."""
    said, over = Load(), threading.Event()

    def ask() -> None:
        place = urlsplit(caller.url)
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=60)
        headers = {"Authorization": f"Bearer {caller.token}", "Content-Type": "application/json"}
        while not over.is_set():
            asked = time.monotonic()
            connection.request("POST", path, json.dumps(rows), headers)
            answer = connection.getresponse()
            said.answers.append((asked, answer.status, json.loads(answer.read())))
            over.wait(pause)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(connections)]
    for thread in threads:
        thread.start()
    try:
        yield said
    finally:
        over.set()
        for thread in threads:
            thread.join()
