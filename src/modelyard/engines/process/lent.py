"""A model's process for one piece of work: started for it, asked by nobody else, ended with it."""

import contextlib
import json
import os
import selectors
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelyard.core.kernel.errors import failed_precondition, timed_out
from modelyard.core.serving.signature import Signature
from modelyard.core.serving.starting import Startable
from modelyard.engines.process.addresses import address
from modelyard.engines.process.client import ProcessModel
from modelyard.engines.process.launching import Launcher, Running

_SOCKET = "model"
_SHOWN = 400
_PIECE = 65536


@contextmanager
def lent(launcher: Launcher, wanted: Startable, folder: Path) -> Iterator[ProcessModel]:
    """The model in a process of its own, in a new folder below ``folder``.

    ``FAILED_PRECONDITION`` with the reason when it cannot be loaded, ``TIMED_OUT`` when that takes too long.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    own = Path(tempfile.mkdtemp(dir=folder))
    try:
        with _listening(own / _SOCKET) as listener:
            running = launcher.launch(wanted, listener, own / "scratch")
            heard = _Heard(running)
            try:
                heard.wait_until_loaded(wanted)
                yield _asked(wanted, own)
            finally:
                _end(running)
                heard.join()
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _asked(wanted: Startable, folder: Path) -> ProcessModel:
    signature = Signature.from_json(wanted.version.signature or {"inputs": [], "outputs": []})
    model = ProcessModel(wanted.version.name, signature, folder)
    model.use([_SOCKET])
    return model


@contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(address(path))
        path.chmod(0o600)
        listener.listen()
        yield listener


def _end(running: Running) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(running.process.pid, signal.SIGKILL)
    running.process.wait()


class _Heard:
    """Listens to a process as long as it lives, so that it never waits for somebody to listen."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._lines = b""
        self._reason = ""
        self._is_loaded = False
        self._decided = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="lent", daemon=True)
        self._thread.start()

    def wait_until_loaded(self, wanted: Startable) -> None:
        """Until the model can be asked."""
        name, seconds = wanted.version.name, wanted.resources.load_seconds
        if not self._decided.wait(seconds):
            raise timed_out(f"model {name} was not loaded within {seconds:g} s")
        if not self._is_loaded:
            raise failed_precondition(f"model {name} cannot be loaded: {self._reason or 'its process ended'}")

    def join(self) -> None:
        """Once the process has ended."""
        self._thread.join()
        self._running.control.close()
        os.close(self._running.output)

    def _listen(self) -> None:
        with selectors.DefaultSelector() as events:
            events.register(self._running.control, selectors.EVENT_READ)
            events.register(self._running.output, selectors.EVENT_READ)
            while events.get_map():
                for key, _ in events.select():
                    if not self._took(key.fd):
                        events.unregister(key.fileobj)
        self._decided.set()

    def _took(self, descriptor: int) -> bool:
        """Whether there may come more."""
        try:
            data = os.read(descriptor, _PIECE)
        except BlockingIOError:
            return True
        except OSError:  # the other end of a socket was reset
            return False
        if descriptor == self._running.control.fileno():
            *lines, self._lines = (self._lines + data).split(b"\n")
            self._lines = self._lines[-_PIECE:]
            for line in lines:
                with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
                    self._told(json.loads(line))
        return bool(data)

    def _told(self, event: dict[str, object]) -> None:
        if event["event"] == "loaded":
            self._is_loaded = True
            self._decided.set()
        elif event["event"] == "failed":
            self._reason = str(event["message"])[:_SHOWN]
            self._decided.set()
