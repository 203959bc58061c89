"""The floor: the least that answers the same request. Bare ASGI, orjson, onnxruntime; no token, no log."""

import os
from typing import Any

import numpy as np
import onnxruntime as ort
import orjson

_OPTIONS = ort.SessionOptions()
_OPTIONS.intra_op_num_threads = 1
_OPTIONS.inter_op_num_threads = 1
_SESSION = ort.InferenceSession(os.environ["FLOOR_MODEL"], _OPTIONS, providers=["CPUExecutionProvider"])
_HEADERS = [(b"content-type", b"application/json")]


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer ``[{"tensor": […]}]`` with ``[{"dense_1": […]}]``."""
    if scope["type"] != "http":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    message = await receive()
    body = message["body"]
    while message.get("more_body"):
        message = await receive()
        body += message["body"]
    tensor = np.array([row["tensor"] for row in orjson.loads(body)], dtype=np.float32)
    (output,) = _SESSION.run(None, {"tensor": tensor})
    answer = orjson.dumps([{"dense_1": row} for row in output], option=orjson.OPT_SERIALIZE_NUMPY)
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": answer})
