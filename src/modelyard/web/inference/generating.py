"""Text that deployments generate, as bare ASGI: streamed while it is made, or whole.

In the order of ``app``; only where the body names the deployment it is read before that is known. The model works on a
thread of the deployment's lane, which has a deadline: for a whole answer, or from one piece of a stream to the next.
"""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

from starlette.types import Receive, Scope, Send

from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid
from modelyard.core.serving.deadlines import Deadline
from modelyard.core.serving.generation import Ending
from modelyard.core.serving.routes import Route
from modelyard.web.inference.admission import Admission
from modelyard.web.inference.bodies import read_body
from modelyard.web.inference.channel import Channel
from modelyard.web.inference.generated import Generated
from modelyard.web.inference.generation_protocol import Asked, GenerationProtocol
from modelyard.web.inference.lane import Job
from modelyard.web.inference.lanes import Gone, gone
from modelyard.web.inference.patience import deadline_of
from modelyard.web.refusals import as_told
from modelyard.web.services import Serving

_KEEP_ALIVE_SECONDS = 10.0
_KEEP_ALIVE = b": still at it\n\n"
"""A comment, which clients leave out and which proxies see as life (https://html.spec.whatwg.org, 9.2.6)."""
_GRACE_SECONDS = 0.5
"""So much later than the model's own thread the event loop says that the time is over."""
_STREAM = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]

Items = AsyncIterator[str | Ending | None]


class GenerationApp:
    """Answers the requests for text of one protocol with what ``serving`` holds, and has them kept."""

    def __init__(self, protocol: GenerationProtocol, serving: Serving, admission: Admission, body_limit: int) -> None:
        self._protocol = protocol
        self._routes = serving.routes
        self._keeper = serving.keeper
        self._lanes = serving.lanes
        self._admission = admission
        self._body_limit = body_limit
        self.claims = protocol.claims

    def at_once(self, scope: Scope, body: bytes) -> None:
        """Nothing is answered at once."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        try:
            actor = await self._admission.caller(self._admission.credential(headers, scope), scope)
            route, body = await self._admitted(actor, scope, headers.get(b"content-length"), receive)
            asked = self._protocol.read(route, body, scope)
            deadline = deadline_of(headers, self._lanes.seconds)
            await self._run(route, asked, deadline, len(body), receive, send)
        except Gone:
            return
        except Exception as error:  # noqa: BLE001  # the edge: no inner detail leaves
            refusal = self._protocol.refusal(as_told(error, f"inference failed: {scope['path']}"), scope)
            fields = {**refusal.headers, "content-length": str(len(refusal.body))}
            await _start(send, refusal.status, [(n.encode(), v.encode()) for n, v in fields.items()])
            await _send(send, refusal.body, more=False)

    async def _admitted(
        self, actor: Actor, scope: Scope, declared: bytes | None, receive: Receive
    ) -> tuple[Route, bytes]:
        """(the deployment, once it is known that the actor may ask it, the body)."""
        if scope["method"] != "POST":
            raise invalid("text is asked for by POST")
        placed = self._protocol.placed(scope, self._routes)
        if placed is not None:
            route = await self._admission.meant(actor, placed, self._protocol.shown(scope), scope)
            return route, await read_body(declared, receive, self._body_limit)
        body = await read_body(declared, receive, self._body_limit)
        named, shown = self._protocol.named(body, self._routes)
        return await self._admission.meant(actor, named, shown, scope), body

    async def _run(  # a request and where its answer goes
        self, route: Route, asked: Asked, deadline: Deadline, size: int, receive: Receive, send: Send
    ) -> None:
        channel: Channel[str | Ending] = Channel()
        made = Generated(route, asked, self._keeper)
        job = Job(partial(made.run, channel, deadline), deadline, size)
        lane = self._lanes.offer(route, job)
        job.future.add_done_callback(channel.complete)
        left = asyncio.ensure_future(gone(receive))
        left.add_done_callback(channel.leave)
        items = self._items(route, channel, job)
        try:
            await (_stream(asked, items, send) if asked.streamed else _whole(asked, items, send))
        finally:
            channel.is_left = True
            left.cancel()
            lane.leave(job)

    async def _items(self, route: Route, channel: Channel[str | Ending], job: Job[Ending]) -> Items:
        """What comes, to the ending; None where nothing came for a while."""
        while True:
            item = await channel.get(min(_KEEP_ALIVE_SECONDS, job.deadline.remaining() + _GRACE_SECONDS))
            if item is None and job.deadline.is_over():
                error = job.deadline.error()
                if not job.begun:
                    self._keeper.failed(route, error)
                raise error
            yield item
            if isinstance(item, Ending):
                return


async def _stream(asked: Asked, items: Items, send: Send) -> None:
    """Send pieces as they come; what goes wrong before the first of them is an error with a status as any other."""
    form = asked.form
    began = False
    try:
        async for item in items:
            if item is None and not began:
                continue
            if not began:
                began = True
                await _start(send, 200, _STREAM)
                await _send(send, form.first(), more=True)
            if isinstance(item, Ending):
                await _send(send, form.last(item), more=False)
            else:
                await _send(send, _KEEP_ALIVE if item is None else form.piece(item), more=True)
    except Gone:
        raise
    except Exception as error:
        if not began:
            raise
        await _send(send, form.broken(as_told(error, "inference failed: a stream")), more=False)


async def _whole(asked: Asked, items: Items, send: Send) -> None:
    texts: list[str] = []
    async for item in items:
        if isinstance(item, Ending):
            body = asked.form.whole("".join(texts), item)
            length = (b"content-length", b"%d" % len(body))
            await _start(send, 200, [(b"content-type", b"application/json"), length])
            await _send(send, body, more=False)
        elif item is not None:
            texts.append(item)


async def _start(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _send(send: Send, body: bytes, *, more: bool) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})
