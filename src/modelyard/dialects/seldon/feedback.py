"""``POST /seldon/{namespace}/{deployment}/api/v1.0/feedback``: what an answer was worth."""

from typing import Any, Final

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid
from modelyard.core.kernel.ids import new_uuid
from modelyard.core.serving.feedback import Said, give_feedback
from modelyard.dialects.seldon.data_plane import place_of, reply, seldon_data
from modelyard.dialects.seldon.inference.message import Message, Meta, puid_of, unreadable
from modelyard.dialects.seldon.inference.payload import rows_in
from modelyard.web.call import Call

_PREFIX: Final = "/seldon/{namespace}/{deployment}/api"
_TRUTH_BYTES: Final = 256 * 1024
_TRUTH_DEPTH: Final = 100


class _Feedback(msgspec.Struct):
    """Seldon's Feedback; ``truth`` is a message and kept as it was sent."""

    reward: float = 0.0
    request: Message | None = None
    response: Message | None = None
    truth: msgspec.Raw = msgspec.Raw(b"null")


_DECODER = msgspec.json.Decoder(_Feedback)


@seldon_data.post(f"{_PREFIX}/v1.0/feedback", Permission.PIPELINE_INFER)
async def feedback(call: Call) -> Response:
    """Keep it, count it for the routers that led to the answer, and say so."""
    return await _keep(call)


@seldon_data.post(f"{_PREFIX}/v0.1/feedback", Permission.PIPELINE_INFER)
async def old_feedback(call: Call) -> Response:
    """The same by its older name."""
    return await _keep(call)


async def _keep(call: Call) -> Response:
    given = _read(await call.body())
    answered = _meta(given.response)
    known = puid_of(answered.puid) or puid_of(_meta(given.request).puid)
    said = Said(
        given.reward,
        _rows(given),
        known,
        answered.routing or {},
        frozenset(answered.request_path or ()),
        _truth(bytes(given.truth)),
    )
    await call.services.store.write(give_feedback, call.actor, *place_of(call), said)
    puid = known or new_uuid()
    meta = {"puid": puid, "tags": {}, "routing": said.routing, "requestPath": {}, "metrics": []}
    return reply({"meta": meta}, puid)


def _read(body: bytes) -> _Feedback:
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(error) from error


def _meta(message: Message | None) -> Meta:
    return (message and message.meta) or Meta()


def _rows(given: _Feedback) -> int:
    """Those of the request, else of the answer, else one; ``INVALID`` for data without any."""
    for message in (given.request, given.response):
        rows = rows_in(message)
        if rows == 0:
            raise invalid("the feedback is about data without a row")
        if rows is not None:
            return rows
    return 1


def _truth(given: bytes) -> Any:
    """Any JSON, but not too much of it, nor nested so deep that it could not be written down again."""
    if len(given) > _TRUTH_BYTES:
        message = f"truth is larger than {_TRUTH_BYTES} bytes; send feedback for fewer rows at once"
        raise DomainError(ErrorKind.TOO_LARGE, message)
    try:
        truth = msgspec.json.decode(given)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid(f"truth cannot be kept: {error}") from error
    if _nests(truth, _TRUTH_DEPTH):
        raise invalid(f"truth nests deeper than {_TRUTH_DEPTH} lists and objects")
    return truth


def _nests(value: Any, levels: int) -> bool:
    """Whether lists and objects nest deeper than that."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return inner is not None and (levels == 0 or any(_nests(each, levels - 1) for each in inner))
