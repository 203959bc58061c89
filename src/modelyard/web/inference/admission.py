"""Who may infer with which deployment."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

from starlette.types import Scope

from modelyard.core.access.check import ask, require
from modelyard.core.access.permissions import Permission
from modelyard.core.audit.bounded import BoundedRecorder
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid, not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.pipelines import own_pipeline
from modelyard.core.serving.routes import Route
from modelyard.web.basic import BasicAuthenticator, is_basic
from modelyard.web.inference.protocol import Headers
from modelyard.web.refusals import record_route_refusal


class CallerChecks(Protocol):
    """Who is asking, and whether they may: at once when it is known, else by asking the store."""

    def cached(self, authorization: bytes | None) -> Actor | None:
        """The caller, when this process has verified the header before."""

    async def resolve(self, authorization: bytes | None) -> Actor:
        """The caller; ``UNAUTHENTICATED`` when there is none."""

    def allowed(self, actor: Actor, permission: Permission, pipeline_id: int) -> bool | None:
        """True when this process knows that the actor holds the permission on the pipeline, else None."""

    async def require(
        self, actor: Actor, permission: Permission, pipeline_id: int, ask: Callable[[Tx, Actor], None]
    ) -> None:
        """Decide by what ``ask`` finds in the store and raises, and remember a yes."""


def _header(headers: Headers, scope: Scope) -> bytes | None:
    """Most protocols know nothing but the Authorization header."""
    del scope
    return headers.get(b"authorization")


class Admission:
    """Who may infer with which deployment; ``audit`` records who may not, ``basic`` knows who uses HTTP Basic.

    ``credential`` finds in a request's headers what ``callers`` take for an Authorization header.
    """

    def __init__(
        self,
        callers: CallerChecks,
        audit: BoundedRecorder,
        credential: Callable[[Headers, Scope], bytes | None] = _header,
        basic: BasicAuthenticator | None = None,
    ) -> None:
        self.credential = credential
        self._callers = callers
        self._audit = audit
        self._basic = basic

    def known(self, authorization: bytes | None) -> Actor | None:
        """The caller, when this process knows already who asks and that they may infer somewhere."""
        actor = self._callers.cached(authorization)
        return actor if actor is not None and actor.in_scope(Permission.PIPELINE_INFER) else None

    def may(self, actor: Actor, route: Route) -> bool | None:
        """True when this process knows already that the actor may infer with the deployment."""
        return self._callers.allowed(actor, Permission.PIPELINE_INFER, route.pipeline_id)

    async def caller(self, authorization: bytes | None, scope: Scope) -> Actor:
        """Who asks, for someone who may infer somewhere."""
        actor = self._callers.cached(authorization) or await self._resolved(authorization, scope)
        async with self._recording(actor, scope):
            ask(actor, Permission.PIPELINE_INFER)
        return actor

    async def require(self, actor: Actor, route: Route, shown: str, scope: Scope) -> None:
        """The actor may infer with the deployment; that they may not is recorded."""
        if not self.may(actor, route):
            decide = partial(_may_infer, route=route, shown=shown)
            async with self._recording(actor, scope):
                await self._callers.require(actor, Permission.PIPELINE_INFER, route.pipeline_id, decide)

    async def _resolved(self, authorization: bytes | None, scope: Scope) -> Actor:
        text = (authorization or b"").decode("latin-1")
        if self._basic is not None and is_basic(text):
            return await self._basic.authenticate(text, scope["client"][0] if scope.get("client") else None)
        return await self._callers.resolve(authorization)

    async def meant(self, actor: Actor, routes: Sequence[Route], shown: str, scope: Scope) -> Route:
        """The one of the deployments that a name may mean; ``NOT_FOUND`` when there is none for the actor."""
        if len(routes) > 1:
            return await self.choose(actor, routes, shown)
        if not routes:
            raise not_found("deployment", shown)
        await self.require(actor, routes[0], shown, scope)
        return routes[0]

    async def choose(self, actor: Actor, routes: Sequence[Route], shown: str) -> Route:
        """The one among deployments of the same name that the actor may infer with.

        ``INVALID`` names those when there are more of them; the others are not told of.
        """
        refusals: list[DomainError] = []
        mine = [route for route in routes if await self._lets(actor, route, shown, refusals)]
        if len(mine) == 1:
            return mine[0]
        if mine:
            names = ", ".join(sorted(f"{route.workspace}.{route.pipeline_name}" for route in mine))
            raise invalid(f"several deployments are named {shown}: say which one of {names}")
        raise next((error for error in refusals if error.kind is ErrorKind.FORBIDDEN), not_found("deployment", shown))

    async def _lets(self, actor: Actor, route: Route, shown: str, refusals: list[DomainError]) -> bool:
        decide = partial(_may_infer, route=route, shown=shown)
        try:
            if not self.may(actor, route):
                await self._callers.require(actor, Permission.PIPELINE_INFER, route.pipeline_id, decide)
        except DomainError as error:
            if error.kind not in (ErrorKind.FORBIDDEN, ErrorKind.NOT_FOUND):
                raise
            refusals.append(error)
            return False
        return True

    @asynccontextmanager
    async def _recording(self, actor: Actor, scope: Scope) -> AsyncIterator[None]:
        """Records that what is asked inside was refused; a deployment that is not there does not belong inside."""
        try:
            yield
        except DomainError as error:
            who = actor.for_request(scope["client"][0] if scope.get("client") else None)
            route = f"{scope['method']} {scope['path']}"
            await record_route_refusal(self._audit, who, route, Permission.PIPELINE_INFER, error)
            raise


def _may_infer(tx: Tx, actor: Actor, route: Route, shown: str) -> None:
    own = own_pipeline(route.workspace_id, route.pipeline_name)
    require(tx, actor, Permission.PIPELINE_INFER, route.workspace_id, "deployment", shown, own)
