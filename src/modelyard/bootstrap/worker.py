"""A worker: the ASGI application, and what it holds in memory."""

import asyncio
import gc
import importlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import numpy as np
from starlette.responses import JSONResponse
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from modelyard.artifacts.local import LocalArtifacts
from modelyard.bootstrap.data_folder import open_store, server_id
from modelyard.bootstrap.issuers import bearer_verifiers
from modelyard.core.audit.bounded import PERIOD_SECONDS, BoundedRecorder
from modelyard.core.identity.sessions import Lifetimes
from modelyard.core.kernel.store import Topic
from modelyard.core.serving.reconcile import Reconciler
from modelyard.core.serving.routes import RouteTable
from modelyard.core.serving.workers import heartbeat, register_worker, remove_workers
from modelyard.dialects.mlflow import canonical_path, mlflow
from modelyard.dialects.native import native
from modelyard.dialects.open_inference import open_inference
from modelyard.dialects.open_inference.protocol import Expectations, OpenInference
from modelyard.dialects.openid import openid
from modelyard.dialects.openid.dialect import without_last_slash
from modelyard.dialects.seldon import seldon
from modelyard.dialects.wallaroo import wallaroo
from modelyard.dialects.wallaroo.inference.protocol import WallarooInference
from modelyard.engines import onnx
from modelyard.engines.onnx_check import check_model
from modelyard.engines.onnx_fold import fold
from modelyard.issuers.embedded.issuer import EmbeddedIssuer
from modelyard.issuers.embedded.keys import KeyRing
from modelyard.issuers.embedded.passwords import Passwords
from modelyard.issuers.verifiers import Verifiers
from modelyard.segments.reader import SegmentReader
from modelyard.segments.writer import SegmentWriter
from modelyard.settings import Settings
from modelyard.storage.store import SqlStore
from modelyard.web.authentication import TokenAuthenticator
from modelyard.web.basic import BasicAuthenticator
from modelyard.web.health import health
from modelyard.web.inference.admission import Admission
from modelyard.web.inference.app import InferenceApp, Response
from modelyard.web.inference.keeping import Keeper
from modelyard.web.proxies import TrustedProxies
from modelyard.web.routing import access_table, direct_routes
from modelyard.web.services import Limits, Services, Serving
from modelyard.web.watcher import Watcher, every

if TYPE_CHECKING:
    from modelyard.dialects.open_inference.grpc_service.server import GrpcServer

_HEARTBEAT_SECONDS = 2.0
_KEYS_SECONDS = 0.25
_USES_SECONDS = 60.0
_GRPC_DRAIN_SECONDS = 5.0
"""Comes after the requests over HTTP were drained, within the time that the supervisor leaves for closing."""


class Application:
    """Inference before any framework; everything else through declared routes."""

    def __init__(self, settings: Settings, worker_id: str) -> None:
        np.seterr(over="ignore", invalid="ignore")  # a request's number beyond float32 becomes infinite without a word
        self._settings = settings
        self._worker_id = worker_id
        self._proxies = TrustedProxies(settings.trusted_proxies)
        self._services: Services | None = None
        self._inference: list[InferenceApp] = []
        dialects = (health, openid, native, wallaroo, mlflow, seldon, open_inference)
        self.router = Router(
            [route for dialect in dialects for route in dialect.routes(self._ready_services)],
            redirect_slashes=False,
            default=_no_such_route,
            lifespan=self._lifespan,
        )
        access_table(self.router.routes)  # refuses a route that declares no permission
        self._direct = direct_routes(self.router.routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.router(scope, receive, send)
            return
        for inference in self._inference:
            if inference.claims(scope):
                await inference(scope, receive, send)
                break
        else:
            scope = self._proxies.seen_through(scope)
            path = scope["path"] = without_last_slash(canonical_path(scope["path"]))
            endpoint = self._direct.get((scope["method"], path), self.router)
            await endpoint(scope, receive, send)

    def at_once(self, scope: Scope, body: bytes) -> Response | None:
        """The response where it takes no waiting, see ``InferenceApp.at_once``."""
        for inference in self._inference:
            if inference.claims(scope):
                return inference.at_once(scope, body)
        return None

    def _ready_services(self) -> Services:
        if self._services is None:
            raise RuntimeError("the application has not started")
        return self._services

    @asynccontextmanager
    async def _lifespan(self, _: object) -> AsyncIterator[None]:
        settings, store = self._settings, open_store(self._settings)
        keys = KeyRing.open(settings.data / "keys")
        verifiers = bearer_verifiers(settings, keys, store)
        authenticator = TokenAuthenticator(store, verifiers)
        audit = BoundedRecorder(store)
        issuer = EmbeddedIssuer(
            store,
            keys,
            Passwords(),
            settings.realms,
            _lifetimes(settings),
            audit,
            password_grant=settings.password_grant,
        )
        basic = BasicAuthenticator(store, issuer.check_credentials, authenticator.authenticate)
        artifacts = LocalArtifacts(settings.data / "blobs")
        logs = settings.data / "logs"
        writer, routes = SegmentWriter(logs, self._worker_id), RouteTable()
        serving = Serving(routes, Admission(authenticator, audit), Keeper(writer))
        self._services = Services(
            store=store,
            authenticator=authenticator,
            basic=basic,
            limits=Limits(settings.max_body_bytes, settings.max_upload_bytes),
            public_url=settings.public_url,
            issuer=issuer,
            artifacts=artifacts,
            check_model=check_model,
            fold_model=fold,
            logs=SegmentReader(logs),
            serving=serving,
            audit=audit,
        )
        self._inference = [
            InferenceApp(protocol, routes, serving.admission, serving.keeper, settings.max_body_bytes)
            for protocol in (WallarooInference(), OpenInference(Expectations()))
        ]
        reconciler = Reconciler(store, artifacts, onnx.load, routes, self._worker_id)
        await store.write(register_worker, self._worker_id, server_id(settings), os.getpid())
        async with (
            self._background(store, keys, authenticator, basic, reconciler, verifiers, audit),
            _grpc(settings, self._services),
        ):
            gc.collect()
            gc.freeze()  # what is there now stays: the collector need not look at it again and again
            yield
        serving.keeper.close()
        writer.close()
        audit.flush()
        store.run_write(remove_workers, [self._worker_id])
        store.close()

    @asynccontextmanager
    async def _background(
        self,
        store: SqlStore,
        keys: KeyRing,
        authenticator: TokenAuthenticator,
        basic: BasicAuthenticator,
        reconciler: Reconciler,
        verifiers: Verifiers,
        audit: BoundedRecorder,
    ) -> AsyncIterator[None]:
        """Hold what the store says, and say that this worker is alive, as long as it serves."""

        def forget() -> None:
            authenticator.forget()
            basic.forget()

        def forget_at_once(topics: set[Topic]) -> None:
            if Topic.ACCESS in topics:
                forget()

        def beat() -> None:
            if not store.run_write(heartbeat, self._worker_id):
                store.run_write(register_worker, self._worker_id, server_id(self._settings), os.getpid())
                reconciler.reconcile()

        known_keys = keys.all

        def look_at_keys() -> None:
            nonlocal known_keys
            keys.reload()
            if known_keys is not keys.all:  # whoever made it look again
                known_keys = keys.all
                authenticator.forget_tokens()
                basic.forget()

        store.on_touch(forget_at_once)
        watcher = Watcher(store, {Topic.ACCESS: forget, Topic.ROUTES: reconciler.reconcile})
        await watcher.load()
        tasks = [
            asyncio.create_task(watcher.run()),
            asyncio.create_task(every(_HEARTBEAT_SECONDS, beat, "the heartbeat")),
            asyncio.create_task(every(_KEYS_SECONDS, look_at_keys, "looking for new keys")),
            asyncio.create_task(every(PERIOD_SECONDS, audit.flush, "recording refusals")),
            asyncio.create_task(every(_USES_SECONDS, authenticator.keep_uses, "noting the use of access tokens")),
            asyncio.create_task(verifiers.keep_looking()),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _grpc(settings: Settings, services: Services) -> AsyncIterator[None]:
    """Serve gRPC, too, where a port is set for it."""
    if not settings.grpc_port:
        yield
        return
    module = importlib.import_module("modelyard.dialects.open_inference.grpc_service.server")  # grpcio is an extra
    server: GrpcServer = module.GrpcServer(settings.host, settings.grpc_port, services, asyncio.get_running_loop())
    server.start()
    try:
        yield
    finally:
        await server.stop(min(settings.drain_seconds, _GRPC_DRAIN_SECONDS))


async def _no_such_route(scope: Scope, receive: Receive, send: Send) -> None:
    message = f"there is nothing at {scope['path'][:200]}"
    if scope["path"].startswith("/api/2.0/"):
        await JSONResponse({"error_code": "ENDPOINT_NOT_FOUND", "message": message}, 404)(scope, receive, send)
        return
    body = {"code": 404, "msg": message, "error": message, "status": "error", "source": "platform"}
    await JSONResponse(body, 404)(scope, receive, send)


def _lifetimes(settings: Settings) -> Lifetimes:
    return Lifetimes(
        settings.access_token_seconds,
        settings.refresh_token_seconds,
        settings.offline_token_seconds,
        settings.refresh_grace_seconds,
        settings.browser_session_seconds,
        settings.browser_session_idle_seconds,
    )
