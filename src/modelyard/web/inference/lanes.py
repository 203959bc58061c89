"""The lanes of all deployments of a worker, and waiting for what runs in them.

A request goes through a lane when its deployment's models do not run on the event loop, or when it is too large for it.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from starlette.types import Receive

from modelyard.core.kernel.errors import DomainError
from modelyard.core.serving.deadlines import Deadline
from modelyard.core.serving.routes import Route, RouteTable
from modelyard.web.inference.lane import Job, Lane

T = TypeVar("T")

_SHORT_SECONDS = 0.02
"""Nobody listens whether the client is still there for an answer that comes sooner: that would cost a task."""


class Gone(Exception):  # noqa: N818  # no error: the client left
    """The client went away before it was answered."""


class Lanes:
    """One lane for each deployment, kept over its revisions.

    ``queue`` is how many requests may wait in one beside two for each that may run; ``seconds`` how long a request may
    take; ``failed`` is told what was refused or not answered in time.
    """

    def __init__(
        self, routes: RouteTable, queue: int, seconds: float, failed: Callable[[Route, Exception], None]
    ) -> None:
        self.seconds = seconds
        self._routes = routes
        self._queue = queue
        self._failed = failed
        self._lanes: dict[int, Lane] = {}
        self._lock = threading.Lock()

    def of(self, route: Route) -> Lane:
        """The deployment's lane."""
        lane = self._lanes.get(route.deployment_id)
        if lane is None:
            with self._lock:
                self._forget()
                lane = Lane(route.namespace, route.concurrency, self._depth(route))
                lane = self._lanes.setdefault(route.deployment_id, lane)
        lane.resize(route.concurrency, self._depth(route))
        return lane

    async def run(self, route: Route, job: Job[T], receive: Receive) -> T:
        """What the job gives; ``RATE_LIMITED``, ``TIMED_OUT``, or ``Gone`` when the client left."""
        lane, done = self.offer(route, job), _Done(asyncio.get_running_loop())
        job.future.add_done_callback(done.tell)
        try:
            await self._settled(done.future, job.deadline, receive)
        except BaseException:
            lane.leave(job)
            raise
        return self._result(route, lane, job)

    def require_room(self, route: Route, size: int) -> None:
        """Tell at once what would be refused anyway, before anything is made for it."""
        try:
            self.of(route).require_room(size)
        except DomainError as error:
            self._failed(route, error)
            raise

    def offer(self, route: Route, job: Job[Any]) -> Lane:
        """Have the job run; ``RATE_LIMITED`` when too much waits already."""
        lane = self.of(route)
        try:
            lane.offer(job)
        except DomainError as error:
            self._failed(route, error)
            raise
        return lane

    def _result(self, route: Route, lane: Lane, job: Job[T]) -> T:
        """What became of the job when its time was over: the loop's clock may wake up a little before."""
        if job.future.done():
            return job.future.result()
        lane.leave(job)
        error = job.deadline.error()
        self._failed(route, error)
        raise error

    async def _settled(self, done: "asyncio.Future[None]", deadline: Deadline, receive: Receive) -> None:
        """Return when the job is done or its time is over; ``Gone`` when nobody waits for it."""
        await asyncio.wait([done], timeout=min(_SHORT_SECONDS, deadline.remaining()))
        if done.done() or deadline.is_over():
            return
        left = asyncio.ensure_future(gone(receive))
        try:
            await asyncio.wait([done, left], timeout=deadline.remaining(), return_when=asyncio.FIRST_COMPLETED)
            if left.done() and not done.done():
                raise Gone
        finally:
            left.cancel()

    def _depth(self, route: Route) -> int:
        return self._queue + 2 * route.concurrency

    def _forget(self) -> None:
        """Drop the lanes of deployments that are no more."""
        served = {route.deployment_id for route in self._routes.all()}
        for key in [key for key, lane in self._lanes.items() if key not in served and lane.is_empty]:
            del self._lanes[key]


class _Done:
    """A future of the event loop that another thread may complete."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.future: asyncio.Future[None] = loop.create_future()

    def tell(self, _: object) -> None:
        self._loop.call_soon_threadsafe(self._complete)

    def _complete(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


async def gone(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
