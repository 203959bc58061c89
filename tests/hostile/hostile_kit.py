"""Hostile uploads, made where they are needed, and the way from a file to what became of it."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import model_stand as stand
from dialects.wallaroo import deploying
from model_environments import environment
from running import RunningServer, eventually
from wire import Caller

ATTACKS = Path(__file__).parents[1] / "attacks.py"
TEXTS = """
INPUTS = [{"name": "attack", "dtype": "string", "shape": [None]}]
OUTPUTS = [{"name": "outcome", "dtype": "string", "shape": [None]}]
"""
_SECONDS = 120


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """An archive of these files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def custom(program: str) -> bytes:
    """A model that brings this program, and the attacks of the sandbox's own tests beside it."""
    return zipped({"model.py": TEXTS + program, "attacks.py": ATTACKS.read_text()})


def send(caller: Caller, space: int, name: str, file: str, content: bytes, **conversion: Any) -> Any:
    """Upload it; the answer."""
    said = {"framework": "custom", "requirements": [], "options": {"convert": False}, **conversion}
    metadata = {"name": name, "workspace_id": space, "visibility": "private", "conversion": said}
    parts = {"metadata": (None, json.dumps(metadata), "application/json"), "file": (file, content)}
    return caller.call("POST", "/v1/api/models/upload_and_convert", files=parts)


def uploaded(caller: Caller, space: int, name: str, content: bytes, file: str = "m.zip", **conversion: Any) -> None:
    """Upload what is taken, at first."""
    answer = send(caller, space, name, file, content, **conversion)
    assert answer.status_code == 202, answer.text


def details(caller: Caller, space: int, name: str) -> Any:
    """What is known of the newest version."""
    answer = caller.call("GET", f"/api/v1/models/{space}/{name}/versions/latest")
    assert answer.status_code == 200, answer.text
    return answer.json()


def outcome(caller: Caller, space: int, name: str, seconds: float = _SECONDS) -> Any:
    """The same, once it is ready or never will be."""
    assert eventually(lambda: details(caller, space, name)["status"] in ("ready", "error"), seconds), name
    return details(caller, space, name)


def step(ready: Mapping[str, Any]) -> dict[str, str]:
    """How steps name a version that is ready."""
    assert ready["status"] == "ready", ready
    return {"name": ready["name"], "version": ready["version"], "sha": ready["file"]["sha256"]}


def deployed(caller: Caller, space: int, ready: Mapping[str, Any], name: str, **engine: Any) -> str:
    """A running deployment of it; its namespace."""
    namespace = stand.deploy(caller, space, step(ready), name, **engine)
    deploying.wait(caller, namespace, "Running", 60)
    return namespace


def asked(caller: Caller, namespace: str, *attack: str) -> Any:
    """What the model answers to a row with this attack."""
    rows = [{"attack": json.dumps(attack)}]
    return caller.call("POST", deploying.path(namespace), json=rows)


def sidekick(caller: Caller, namespace: str) -> Any:
    """How its process is shown."""
    shown = caller.post("/v1/api/status/get_deployment", {"name": namespace})
    return shown["sidekicks"][0]


def share_environments(data: Path) -> None:
    """Have the server with this data folder find the environments that tests built before."""
    stand.use_environments(data)
    environment(("numpy", "pyarrow"))


def said_by(server: RunningServer) -> str:
    """All that the server wrote."""
    return server.out + server.err
