"""Where workers reach a model's process: a socket that stays when the process ends."""

import selectors
import socket
from collections.abc import Callable
from pathlib import Path

from modelyard.engines.process.addresses import address

_WAITING = 512


class Door:
    """A listening socket that only the server's user may reach; whoever comes waits for a process that accepts."""

    def __init__(self, path: Path, events: selectors.BaseSelector) -> None:
        self._path, self._events = path, events
        self._is_watched = False
        path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(address(path))
        path.chmod(0o600)
        self.listener.listen(_WAITING)

    def watch(self, on_knock: Callable[[], None]) -> None:
        """While there is no process: call this once when somebody waits."""

        def knocked() -> None:
            self._ignore()
            on_knock()

        if not self._is_watched:
            self._events.register(self.listener, selectors.EVENT_READ, knocked)
            self._is_watched = True

    def hide(self) -> None:
        """Let nobody come any more; who waits already still does."""
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Send away who waits, too."""
        self._ignore()
        self.listener.close()
        self.hide()

    def _ignore(self) -> None:
        if self._is_watched:
            self._events.unregister(self.listener)
            self._is_watched = False
