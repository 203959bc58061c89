"""A worker: the ASGI application, and what it holds in memory."""

import asyncio
import gc
import importlib
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from modelyard.archive.reader import LogArchiveReader
from modelyard.artifacts.local import LocalArtifacts
from modelyard.bootstrap.archiving import ARCHIVE, SEGMENT_SECONDS
from modelyard.bootstrap.data_folder import SEALING_KEYS, open_store, server_id
from modelyard.bootstrap.isolation import code_refusal
from modelyard.bootstrap.issuers import bearer_verifiers
from modelyard.bootstrap.job_files import job_files
from modelyard.bootstrap.model_uris import model_uris
from modelyard.bootstrap.protocols import admissions, inference_protocols
from modelyard.bootstrap.registries import model_registries
from modelyard.bootstrap.remembering import Remembering
from modelyard.core.audit.bounded import PERIOD_SECONDS, BoundedRecorder
from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.identity.sessions import Lifetimes
from modelyard.core.kernel.store import Topic
from modelyard.core.serving.deadlines import current_deadline
from modelyard.core.serving.events import COUNTING_SECONDS, FailureCounter
from modelyard.core.serving.graph.nodes import LoadedModel
from modelyard.core.serving.reconcile import Engines, Reconciler
from modelyard.core.serving.rewards import RewardTable
from modelyard.core.serving.rollout.counting import RolloutCounter
from modelyard.core.serving.routes import RouteTable
from modelyard.core.serving.signature import Signature
from modelyard.core.serving.workers import heartbeat, register_worker, remove_workers
from modelyard.dialects.mlflow import canonical_path, mlflow
from modelyard.dialects.native import native
from modelyard.dialects.open_inference import open_inference
from modelyard.dialects.openai import openai
from modelyard.dialects.openai.protocol import OpenAi
from modelyard.dialects.openid import openid
from modelyard.dialects.openid.dialect import without_last_slash
from modelyard.dialects.seldon import seldon, seldon_data
from modelyard.dialects.wallaroo import wallaroo
from modelyard.dialects.wallaroo.models import description
from modelyard.engines.onnx_check import check_model
from modelyard.engines.onnx_fold import fold
from modelyard.engines.process.client import ProcessModel
from modelyard.engines.shap_explainer import ShapExplainer
from modelyard.issuers.embedded.issuer import EmbeddedIssuer
from modelyard.issuers.embedded.keys import KeyRing
from modelyard.issuers.embedded.passwords import Passwords
from modelyard.issuers.verifiers import Verifiers
from modelyard.log_search.processes import LogSearchProcesses
from modelyard.segments.writer import SegmentWriter
from modelyard.settings import Settings
from modelyard.storage.sealing import KeyFolder
from modelyard.storage.store import SqlStore
from modelyard.web.authentication import TokenAuthenticator
from modelyard.web.basic import BasicAuthenticator
from modelyard.web.health import health
from modelyard.web.inference.admission import Admission
from modelyard.web.inference.app import InferenceApp, Response
from modelyard.web.inference.generating import GenerationApp
from modelyard.web.inference.keeping import Keeper
from modelyard.web.inference.lanes import Lanes
from modelyard.web.inference.pending import Pending
from modelyard.web.inference.rounds import Rounds
from modelyard.web.paths import path_of_segments
from modelyard.web.proxies import TrustedProxies
from modelyard.web.routing import NoSuchRoute, access_table, direct_routes
from modelyard.web.services import Limits, Services, Serving
from modelyard.web.session_cookie import SessionCookie
from modelyard.web.watcher import Watcher, every

if TYPE_CHECKING:
    from modelyard.dialects.open_inference.grpc_service.app import GrpcApp
    from modelyard.web.grpc.server import GrpcServer

_HEARTBEAT_SECONDS = 2.0
_KEYS_SECONDS = 0.25
_USES_SECONDS = 60.0
_ROLL_SECONDS = 30.0
"""Nothing of the log stays in a segment for long."""
_DOZE_SECONDS = 0.5
_GRPC_DRAIN_SECONDS = 5.0
"""Comes after the requests over HTTP were drained, within the time that the supervisor leaves for closing."""


class Application:
    """Inference before any framework; everything else through declared routes."""

    def __init__(self, settings: Settings, worker_id: str) -> None:
        np.seterr(over="ignore", invalid="ignore")  # the numbers of a request are no matter for the server's log
        self._settings = settings
        self._worker_id = worker_id
        self._proxies = TrustedProxies(settings.trusted_proxies)
        self._services: Services | None = None
        self._inference: list[InferenceApp | GenerationApp] = []
        self._dialects = dialects = (
            health,
            openid,
            native,
            wallaroo,
            mlflow,
            seldon,
            seldon_data,
            open_inference,
            openai,
        )
        self.router = Router(
            [route for dialect in dialects for route in dialect.routes(self._ready_services)],
            redirect_slashes=False,
            default=NoSuchRoute(dialects),
            lifespan=self._lifespan,
        )
        access_table(self.router.routes)  # refuses a route that declares no permission
        self._direct = direct_routes(self.router.routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.router(scope, receive, send)
            return
        scope = self._proxies.seen_through(scope)
        for inference in self._inference:
            if inference.claims(scope):
                await inference(scope, receive, send)
                break
        else:
            path = scope["path"] = self._path(scope)
            endpoint = self._direct.get((scope["method"], path), self.router)
            await endpoint(scope, receive, send)

    def _path(self, scope: Scope) -> str:
        """The path under which a route is declared."""
        path = without_last_slash(canonical_path(scope["path"]))
        owner = next((dialect for dialect in self._dialects if dialect.owns(path)), None)
        return path if owner is None or not owner.segments else path_of_segments(scope)

    def at_once(self, scope: Scope, body: bytes) -> Response | Pending[Response] | None:
        """The response where it takes little waiting, see ``InferenceApp.at_once``."""
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
        lifetimes = _lifetimes(settings)
        verifiers = bearer_verifiers(settings, keys, store, lifetimes)
        authenticator = TokenAuthenticator(store, verifiers.access)
        identity_authenticator = TokenAuthenticator(store, verifiers.identity)
        session_cookie = SessionCookie(settings.public_url)
        audit = BoundedRecorder(store)
        issuer = EmbeddedIssuer(
            store,
            keys,
            Passwords(),
            settings.realms,
            lifetimes,
            audit,
            password_grant=settings.password_grant,
        )
        basic = BasicAuthenticator(store, issuer.check_credentials, authenticator.authenticate)
        artifacts = LocalArtifacts(settings.data / "blobs")
        sealer = KeyFolder.open(settings.data / SEALING_KEYS)
        logs = settings.data / "logs"
        writer, routes = SegmentWriter(logs, self._worker_id), RouteTable()
        failures, rollouts = FailureCounter(store, self._worker_id), RolloutCounter(store, routes)
        admission = Admission(authenticator, audit)
        identity_admission = Admission(identity_authenticator, audit, session_cookie.credential)
        protocols = inference_protocols(settings)
        keeper = Keeper(writer, failures)
        lanes = Lanes(routes, settings.inference_queue, settings.inference_timeout_seconds, keeper.failed)
        serving = Serving(routes, admission, identity_admission, keeper, lanes, protocols)
        log_search = LogSearchProcesses(store, logs, settings.data / ARCHIVE, settings.data / "search")
        self._services = Services(
            store=store,
            authenticator=authenticator,
            identity_authenticator=identity_authenticator,
            session_cookie=session_cookie,
            basic=basic,
            limits=Limits(settings.max_body_bytes, settings.max_upload_bytes),
            public_url=settings.public_url,
            issuer=issuer,
            artifacts=artifacts,
            check_model=check_model,
            fold_model=fold,
            code_refusal=code_refusal(settings),
            logs=LogArchiveReader(store, logs, settings.data / ARCHIVE),
            log_search=log_search,
            serving=serving,
            audit=audit,
            files=job_files(settings),
            explainer=ShapExplainer(),
            model_uris=model_uris(settings, store, artifacts, sealer),
            registries=model_registries(settings),
            sealer=sealer,
            s3_endpoints=frozenset({*settings.s3_endpoints, settings.s3_endpoint or ""} - {""}),
            grpc=bool(settings.grpc_port),
            alerted=settings.alert_webhook_url is not None,
        )
        let_in = admissions(admission, identity_admission, authenticator, basic, audit)
        rounds = Rounds()
        limit = settings.max_body_bytes
        self._inference = [
            GenerationApp(OpenAi(), serving, admission, limit),  # before the one below whose URLs it answers
            *(InferenceApp(each, serving, let_in[name], rounds, limit) for name, each in serving.protocols.items()),
        ]
        rewards = RewardTable(store)
        engines = Engines(_load, partial(_reach, settings.data.absolute()))
        reconciler = Reconciler(
            store, artifacts, engines, routes, self._worker_id, rewards=rewards.of, describe=description
        )

        def reload_routes() -> None:
            rollouts.reload()  # before: it must know what was served until now
            reconciler.reconcile()

        reload = {Topic.ROUTES: reload_routes, Topic.ROUTERS: rewards.reload}
        await store.write(register_worker, self._worker_id, server_id(settings), os.getpid())
        remembering = Remembering((authenticator, identity_authenticator), basic)
        async with (
            self._background(store, keys, remembering, reload, verifiers.access, audit, failures),
            _repeating(_ROLL_SECONDS, partial(writer.roll, SEGMENT_SECONDS), "ending log segments"),
            _repeating(_DOZE_SECONDS, reconciler.doze, "dropping models that nobody asks"),
            _repeating(COUNTING_SECONDS, rollouts.flush, "counting requests of rollouts"),
            _grpc(settings, self._services, admission, rounds),
        ):
            gc.collect()
            gc.freeze()  # what is there now stays: the collector need not look at it again and again
            yield
        await log_search.close()
        serving.keeper.close()
        writer.close()
        audit.flush()
        failures.flush()
        rollouts.close()
        store.run_write(remove_workers, [self._worker_id])
        store.close()

    @asynccontextmanager
    async def _background(
        self,
        store: SqlStore,
        keys: KeyRing,
        remembering: Remembering,
        reload: Mapping[Topic, Callable[[], None]],
        verifiers: Verifiers,
        audit: BoundedRecorder,
        failures: FailureCounter,
    ) -> AsyncIterator[None]:
        """Hold what the store says, and say that this worker is alive, as long as it serves."""

        def forget_at_once(topics: set[Topic]) -> None:
            if Topic.ACCESS in topics:
                remembering.forget()

        def beat() -> None:
            if not store.run_write(heartbeat, self._worker_id):
                store.run_write(register_worker, self._worker_id, server_id(self._settings), os.getpid())
                reload[Topic.ROUTES]()

        known_keys = keys.all

        def look_at_keys() -> None:
            nonlocal known_keys
            keys.reload()
            if known_keys is not keys.all:  # whoever made it look again
                known_keys = keys.all
                remembering.forget_tokens()

        store.on_touch(forget_at_once)
        topics = {Topic.ACCESS: remembering.forget, **reload}
        watcher = Watcher(store, topics, patient=frozenset({Topic.ROUTERS}))
        await watcher.load()
        tasks = [
            asyncio.create_task(watcher.run()),
            asyncio.create_task(every(_HEARTBEAT_SECONDS, beat, "the heartbeat")),
            asyncio.create_task(every(_KEYS_SECONDS, look_at_keys, "looking for new keys")),
            asyncio.create_task(every(PERIOD_SECONDS, audit.flush, "recording refusals")),
            asyncio.create_task(every(COUNTING_SECONDS, failures.flush, "noting what failed")),
            asyncio.create_task(every(_USES_SECONDS, remembering.keep_uses, "noting the use of access tokens")),
            asyncio.create_task(verifiers.keep_looking()),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _repeating(seconds: float, work: Callable[[], None], name: str) -> AsyncIterator[None]:
    """Do it again and again."""
    task = asyncio.create_task(every(seconds, work, name))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _load(path: Path) -> LoadedModel:
    """The ONNX model in the file."""
    from modelyard.engines import onnx  # noqa: PLC0415  # only who serves one pays for onnxruntime

    return onnx.load(path)


def _reach(data: Path, version: ModelVersion, signature: Signature) -> ProcessModel:
    """The model behind the sockets of its processes."""
    return ProcessModel(version.name, signature, data, current_deadline)


@asynccontextmanager
async def _grpc(settings: Settings, services: Services, admission: Admission, rounds: Rounds) -> AsyncIterator[None]:
    """Serve gRPC, too, where a port is set for it."""
    if not settings.grpc_port:
        yield
        return
    listening = importlib.import_module("modelyard.web.grpc.server")  # what it needs is an extra
    answering = importlib.import_module("modelyard.dialects.open_inference.grpc_service.app")
    application: GrpcApp = answering.GrpcApp(services, admission, rounds)
    server: GrpcServer = listening.GrpcServer(application, settings.max_body_bytes)
    await server.start(settings.host, settings.grpc_port)
    try:
        yield
    finally:
        await server.stop(min(settings.drain_seconds, _GRPC_DRAIN_SECONDS))


def _lifetimes(settings: Settings) -> Lifetimes:
    return Lifetimes(
        settings.access_token_seconds,
        settings.refresh_token_seconds,
        settings.offline_token_seconds,
        settings.refresh_grace_seconds,
        settings.browser_session_seconds,
        settings.browser_session_idle_seconds,
    )
