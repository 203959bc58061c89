"""Models of examples, uploaded by Wallaroo's own call and made ready."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from running import eventually
from wire import Caller

_READY_SECONDS = 400


def schema_text(tensors: list[dict[str, Any]]) -> str:
    """Tensors as uploads declare them."""
    return base64.b64encode(pa.schema([(one["name"], _kind(one)) for one in tensors]).serialize()).decode()


def upload(caller: Caller, workspace_id: int, name: str, made: Mapping[str, Any], **conversion: Any) -> None:
    """A new version of an example; keywords are said of its conversion."""
    said = {"framework": made["framework"], "requirements": made["requirements"], **conversion}
    metadata = {"name": name, "workspace_id": workspace_id, "visibility": "private", "conversion": said}
    for kind in ("inputs", "outputs"):
        if made[kind] is not None:
            metadata[f"{kind[:-1]}_schema"] = schema_text(made[kind])
    path = Path(made["path"])
    parts = {
        "metadata": (None, json.dumps(metadata), "application/json"),
        "file": (path.name, path.read_bytes()),
    }
    answer = caller.call("POST", "/v1/api/models/upload_and_convert", files=parts)
    assert answer.status_code == 202, answer.text


def shown(caller: Caller, workspace_id: int, name: str) -> dict[str, Any]:
    """The newest version as the server shows it."""
    answer = caller.call("GET", f"/api/v1/models/{workspace_id}/{name}/versions/latest")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ready(caller: Caller, workspace_id: int, name: str) -> dict[str, Any]:
    """The newest version, once it is ready."""
    ended = ("ready", "error")
    assert eventually(lambda: shown(caller, workspace_id, name)["status"] in ended, _READY_SECONDS), "it takes too long"
    found = shown(caller, workspace_id, name)
    assert found["status"] == "ready", f"{found['error']}\n{found['stages']}"
    return found


def step(version: Mapping[str, Any]) -> dict[str, str]:
    """How steps of pipelines name a version that was shown."""
    return {"name": version["name"], "version": version["version"], "sha": version["file"]["sha256"]}


def _kind(tensor: Mapping[str, Any]) -> pa.DataType:
    found = pa.struct([]) if tensor["dtype"] == "json" else pa.type_for_alias(tensor["dtype"])
    for size in reversed(tensor["shape"][1:]):
        found = pa.list_(found, -1 if size is None else size)
    return found
