"""Logged requests as Seldon's messages, and pages of them."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import orjson

from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.monitoring.features import REQUEST, RESPONSE, features
from modelyard.core.monitoring.inference_log import Cursor, LoggedRequest
from modelyard.core.serving.tensors import Array
from modelyard.dialects.seldon.dialect import exactly
from modelyard.web.call import decode, json_bytes

_DOUBLE: Final = 8
"""Bytes of a float of Python's."""


def payload(request: LoggedRequest) -> dict[str, Any]:
    """What was asked and what was answered, as ``{"data": {"names", "ndarray"}}``."""
    meta: dict[str, Any] = {"puid": request.request_id}
    if request.routing:
        meta["routing"] = dict(request.routing)
    return {
        "requestId": request.request_id,
        "timestamp": exactly(request.time),
        "request": {"data": _data(request.columns, REQUEST)},
        "response": {"meta": meta, "data": _data(request.columns, RESPONSE)},
    }


def _data(columns: Mapping[str, Array | list[Any]], prefix: str) -> dict[str, Any]:
    single = features(columns, prefix)
    rows = [list(row) for row in zip(*(_cells(array) for array in single.values()), strict=True)]
    return {"names": list(single), "ndarray": rows}


def _cells(array: Array) -> list[Any]:
    """The values; of floats shorter than Python's those with as few digits as the answer to the request had."""
    if array.dtype.kind != "f" or array.dtype.itemsize >= _DOUBLE:
        return list(array.tolist())
    return list(orjson.loads(orjson.dumps(np.ascontiguousarray(array), option=orjson.OPT_SERIALIZE_NUMPY)))


def page_token(cursor: Cursor) -> str:
    """The place to go on from, as clients send it back."""
    return base64.urlsafe_b64encode(json_bytes(cursor)).decode()


def page_cursor(token: str | None) -> Cursor | None:
    """The place that a page token names; ``INVALID`` for one that this server did not give."""
    if not token:
        return None
    try:
        return decode(base64.urlsafe_b64decode(token), Cursor)
    except (binascii.Error, ValueError, DomainError) as error:
        raise invalid("pageToken is not one that this server gave; leave it out to begin anew") from error
