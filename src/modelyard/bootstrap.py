"""The only place that chooses implementations: from settings to a prepared data folder, application and controller."""

import asyncio
import contextlib
import gc
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
from starlette.responses import JSONResponse
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from modelyard.artifacts.local import LocalArtifacts
from modelyard.core.identity.sessions import Lifetimes, sweep_sessions
from modelyard.core.kernel.ids import new_uuid
from modelyard.core.kernel.store import Topic
from modelyard.core.serving.reconcile import Reconciler
from modelyard.core.serving.routes import RouteTable
from modelyard.core.serving.workers import forget_server, heartbeat, register_worker, remove_worker, sweep_workers
from modelyard.dialects.openid import openid
from modelyard.dialects.wallaroo import wallaroo
from modelyard.dialects.wallaroo.inference.app import PREFIX, InferenceApp
from modelyard.engines import onnx
from modelyard.engines.onnx_check import check_model
from modelyard.issuers.embedded.first_start import first_start
from modelyard.issuers.embedded.issuer import EmbeddedIssuer
from modelyard.issuers.embedded.keys import KeyRing
from modelyard.issuers.embedded.passwords import Passwords
from modelyard.issuers.embedded.tokens import verify_access_now
from modelyard.segments.reader import SegmentReader
from modelyard.segments.writer import SegmentWriter
from modelyard.settings import Settings
from modelyard.storage.store import SqlStore, sqlite_url
from modelyard.web.authentication import TokenAuthenticator
from modelyard.web.health import health
from modelyard.web.routing import access_table
from modelyard.web.services import Limits, Services
from modelyard.web.watcher import Watcher, every

_HEARTBEAT_SECONDS = 2.0
_ABANDONED = timedelta(hours=6)
_SWEEP_ROUNDS = 600


def open_store(settings: Settings) -> SqlStore:
    """The store that the settings name; a SQLite file in the data folder by default."""
    return SqlStore(settings.database or sqlite_url(settings.data / "modelyard.db"))


def prepare(settings: Settings) -> None:
    """Bring the data folder and the database to where this program expects them, and show what was made up."""
    from modelyard.storage.migrate import migrate  # noqa: PLC0415  # only the controller pays for Alembic's memory

    store = open_store(settings)
    migrate(store)
    KeyRing.open(settings.data / "keys")
    made_up = first_start(store, Passwords(), settings.admin_email, settings.admin_password, settings.api_client_secret)
    if made_up:
        _show_once(settings.data / "credentials.json", made_up)
    store.run_write(forget_server, _server_id(settings))
    store.close()


def build_application(settings: Settings, worker_id: str) -> "Application":
    """The ASGI application of one worker."""
    np.seterr(over="ignore", invalid="ignore")  # a request's number beyond float32 becomes infinite without a word
    return Application(settings, worker_id)


def build_controller(settings: Settings) -> "Controller":
    """The periodic work that one process does for all."""
    return Controller(settings)


class Application:
    """Inference before any framework; everything else through declared routes."""

    def __init__(self, settings: Settings, worker_id: str) -> None:
        self._settings = settings
        self._worker_id = worker_id
        self._services: Services | None = None
        self._inference: InferenceApp | None = None
        dialects = (health, openid, wallaroo)
        self.router = Router(
            [route for dialect in dialects for route in dialect.routes(self._ready_services)],
            redirect_slashes=False,
            default=_no_such_route,
            lifespan=self._lifespan,
        )
        access_table(self.router.routes)  # refuses a route that declares no permission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._inference is not None and scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self._inference(scope, receive, send)
        else:
            await self.router(scope, receive, send)

    def _ready_services(self) -> Services:
        if self._services is None:
            raise RuntimeError("the application has not started")
        return self._services

    @asynccontextmanager
    async def _lifespan(self, _: object) -> AsyncIterator[None]:
        settings, store = self._settings, open_store(self._settings)
        keys = KeyRing.open(settings.data / "keys")
        authenticator = TokenAuthenticator(store, partial(verify_access_now, keys, settings.realms))
        artifacts = LocalArtifacts(settings.data / "blobs")
        logs = settings.data / "logs"
        writer, routes = SegmentWriter(logs, self._worker_id), RouteTable()
        self._services = Services(
            store=store,
            authenticator=authenticator,
            limits=Limits(settings.max_body_bytes, settings.max_upload_bytes),
            public_url=settings.public_url,
            issuer=EmbeddedIssuer(store, keys, Passwords(), settings.realms, _lifetimes(settings)),
            artifacts=artifacts,
            check_model=check_model,
            logs=SegmentReader(logs),
        )
        self._inference = InferenceApp(routes, authenticator, writer, settings.max_body_bytes)
        reconciler = Reconciler(store, artifacts, onnx.load, routes, self._worker_id)
        await store.write(register_worker, self._worker_id, _server_id(settings), os.getpid())
        async with self._background(store, authenticator, reconciler):
            gc.collect()
            gc.freeze()  # what is there now stays: the collector need not look at it again and again
            yield
        writer.close()
        store.run_write(remove_worker, self._worker_id)
        store.close()

    @asynccontextmanager
    async def _background(
        self, store: SqlStore, authenticator: TokenAuthenticator, reconciler: Reconciler
    ) -> AsyncIterator[None]:
        """Hold what the store says, and say that this worker is alive, as long as it serves."""

        def forget_at_once(topics: set[Topic]) -> None:
            if Topic.ACCESS in topics:
                authenticator.forget()

        def beat() -> None:
            if not store.run_write(heartbeat, self._worker_id):
                store.run_write(register_worker, self._worker_id, _server_id(self._settings), os.getpid())
                reconciler.reconcile()

        store.on_touch(forget_at_once)
        watcher = Watcher(store, {Topic.ACCESS: authenticator.forget, Topic.ROUTES: reconciler.reconcile})
        await watcher.load()
        tasks = [
            asyncio.create_task(watcher.run()),
            asyncio.create_task(every(_HEARTBEAT_SECONDS, beat, "the heartbeat")),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class Controller:
    """Sweeps what dead processes left behind."""

    def __init__(self, settings: Settings) -> None:
        self._store = open_store(settings)
        self._artifacts = LocalArtifacts(settings.data / "blobs")
        self._rounds = 0

    def run_once(self) -> None:
        """Give up silent workers; now and then also abandoned uploads and ended sessions."""
        self._store.run_write(sweep_workers)
        if self._rounds % _SWEEP_ROUNDS == 0:
            self._artifacts.sweep(_ABANDONED)
            self._store.run_write(sweep_sessions)
        self._rounds += 1


async def _no_such_route(scope: Scope, receive: Receive, send: Send) -> None:
    message = f"there is nothing at {scope['path'][:200]}"
    body = {"code": 404, "msg": message, "error": message, "status": "error", "source": "platform"}
    await JSONResponse(body, 404)(scope, receive, send)


def _lifetimes(settings: Settings) -> Lifetimes:
    return Lifetimes(
        settings.access_token_seconds,
        settings.refresh_token_seconds,
        settings.offline_token_seconds,
        settings.refresh_grace_seconds,
    )


def _server_id(settings: Settings) -> str:
    """The name of this data folder's server among those that share a database."""
    path = settings.data / "server-id"
    with contextlib.suppress(FileExistsError), path.open("x") as file:
        file.write(new_uuid())
    return path.read_text()


def _show_once(path: Path, made_up: dict[str, str]) -> None:
    """Print the credentials, and keep them for the server's user alone."""
    known = json.loads(path.read_text()) if path.exists() else {}
    temporary = path.with_suffix(".new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump({**known, **made_up}, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    lines = "".join(f"  {name}: {value}\n" for name, value in made_up.items())
    sys.stdout.write(f"First start. These credentials are shown once and kept in {path}:\n{lines}")
    sys.stdout.flush()
