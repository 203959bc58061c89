"""The smallest application the process tree can serve: what the tests of the tree ask about, and nothing else."""

import asyncio
import os
import time
from pathlib import Path

from modelyard.core.kernel.errors import failed_precondition
from modelyard.settings import Settings


def load_controller() -> None:
    """There is nothing to import."""


def prepare(settings: Settings) -> None:
    if (settings.data / "broken").exists():
        raise failed_precondition("the data folder is from a newer version; upgrade the program")
    if (settings.data / "buggy").exists():
        raise ZeroDivisionError("nobody expected this")
    if (settings.data / "thorough").exists():
        (settings.data / "preparing").write_text(str(os.getpid()))
        while not (settings.data / "built").exists():
            time.sleep(0.01)
    (settings.data / "prepared").write_text(settings.admin_password or "")


def build_application(settings: Settings, worker_id: str) -> object:
    if (settings.data / "unservable").exists():
        raise failed_precondition("route GET /x declares no permission")
    if not (settings.data / "idle").exists():
        (settings.data / "built").touch()
    return Application(settings, worker_id)


class Application:
    def __init__(self, settings: Settings, worker_id: str) -> None:
        self._data = settings.data
        self._answers = {
            "/pid": str(os.getpid()),
            "/worker": worker_id,
            "/secrets": repr((settings.admin_password, settings.api_client_secret)),
            "/environment": " ".join(sorted(os.environ)),
            "/arenas": os.environ["MALLOC_ARENA_MAX"],
        }

    async def __call__(self, scope: dict, receive: object, send: object) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["path"] == "/slow":
            _leave_sign(scope["query_string"].decode())
            await asyncio.sleep(2.5)
        body = self._answers.get(scope["path"], "ok").encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})

    async def _live(self, receive: object, send: object) -> None:
        assert (self._data / "prepared").exists(), "the gate opened too early"
        for word in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{word}.complete"})


def _leave_sign(path: str) -> None:
    Path(path).touch()


def build_controller(settings: Settings) -> "Rounds":
    return Rounds(settings.data / "rounds")


class Rounds:
    def __init__(self, file: Path) -> None:
        self._file = file

    def run_once(self) -> None:
        with self._file.open("a") as file:
            file.write(f"{os.getpid()}\n")
        if (self._file.parent / "stumble").exists():
            raise RuntimeError("two\nlines")

    def wanted_runners(self, running: int) -> int:
        return running

    def bury_runners(self, names: object, *, blamed: bool = True) -> None:
        raise AssertionError(f"there was no runner {names} {blamed}")

    def wants_models(self) -> bool:
        return False

    def abandon_models(self) -> None:
        """There are none."""

    def has_workers(self) -> bool:
        return False
