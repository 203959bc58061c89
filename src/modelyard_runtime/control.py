"""What a model's process tells the server of itself: lines of JSON on a descriptor that it was given."""

import json
import os
import threading
import time
from typing import Any

from modelyard_runtime.serving import Progress

HEARTBEAT_SECONDS = 0.25


class Control:
    """Writes lines. When nobody can read them any longer the process ends: nobody watches over it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def tell(self, event: str, **more: Any) -> None:
        """One line: ``{"event", …}``."""
        line = json.dumps({"event": event, **more}).encode() + b"\n"
        with self._lock:
            try:
                while line:
                    line = line[os.write(self._descriptor, line) :]
            except OSError:
                os._exit(1)

    def beat(self, progress: Progress) -> None:
        """From now on tell a few times a second what the process is at; ``since`` is told in seconds until now."""
        threading.Thread(target=self._beat, args=(progress,), daemon=True, name="heartbeat").start()

    def _beat(self, progress: Progress) -> None:
        while True:
            since = progress.since
            running = 0.0 if since is None else time.monotonic() - since
            self.tell(
                "beat", busy=since is not None, waiting=progress.waiting(), done=progress.done, since=round(running, 3)
            )
            time.sleep(HEARTBEAT_SECONDS)
