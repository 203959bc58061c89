"""Models that generate text, from their files to running deployments."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialects.wallaroo import deploying
from running import RunningServer
from wire import Caller, administrator

SECONDS = 120

TOLD = '''
import time

OPEN = []

class Told:
    """The prompt is what it does: "count 5 0.1" says five numbers with pauses of seconds between them."""

    def generate(self, prompt, **parameters):
        text = prompt if isinstance(prompt, str) else prompt[-1]["content"]
        word, *rest = text.split() or [""]
        if word == "open":
            yield str(len(OPEN))
        elif word == "parameters":
            yield repr(sorted(parameters.items()))
        elif word == "fail":
            yield "so far "
            raise ValueError("it broke in /usr/lib/secret/place.py")
        elif word == "number":
            yield 5
        elif word == "long":
            yield "x" * 100_000
        elif word == "count":
            yield from self.count(int(rest[0]), float(rest[1]))
        else:
            yield text

    def count(self, most, seconds):
        OPEN.append(most)
        try:
            for number in range(most):
                yield f"{number} "
                time.sleep(seconds)
        finally:
            OPEN.remove(most)

def load(folder):
    return Told()
'''


@dataclass(frozen=True)
class Texts:
    """A server where ``words`` and ``told`` are namespaces of deployments, in the workspace of this name."""

    server: RunningServer
    caller: Caller
    space: int
    workspace: str
    words: str
    told: str

    def below(self, namespace: str, path: str = "completions") -> str:
        """Where the deployment answers."""
        return f"{deploying.path(namespace)}/openai/v1/{path}"

    def ask(self, prompt: str, status: int = 200, **more: Any) -> Any:
        """What the model says that does what it is told."""
        return self.caller.post(self.below(self.told), {"prompt": prompt, "max_tokens": 1000, **more}, status)

    def text(self, prompt: str, **more: Any) -> str:
        """The same, only the text."""
        return str(self.ask(prompt, **more)["choices"][0]["text"])

    def logged(self, namespace: str) -> list[dict[str, Any]]:
        """The rows of the inference log, newest first."""
        body = {"pipeline_name": namespace.rpartition("-")[0], "workspace_id": self.space, "order": "desc"}
        rows: list[dict[str, Any]] = self.caller.post("/v1/api/pipelines/get_logs", body)
        return rows


def deployed(server: RunningServer, words: Path, told: Path) -> Texts:
    """Both models, uploaded, prepared, configured and running."""
    caller = administrator(server)
    name = f"texts-{int(time.time() * 1000)}"
    space = int(caller.post("/v1/api/workspaces/create", {"workspace_name": name})["workspace_id"])
    defaults = {"completion_config": {"seed": 4, "guided_json": None}, "chat_completion_config": {"temperature": 0}}
    first = running(caller, space, "words", uploaded(caller, space, "words", words), **defaults)
    second = running(caller, space, "told", uploaded(caller, space, "told", told))
    return Texts(server, caller, space, name, first, second)


def uploaded(caller: Caller, space: int, name: str, file: Path) -> int:
    """A version that is ready."""
    metadata = {"name": name, "workspace_id": space, "visibility": "private"}
    metadata["conversion"] = {"framework": "custom", "requirements": []}
    form = [
        ("metadata", (None, json.dumps(metadata), "application/json")),
        ("file", (file.name, file.read_bytes())),
    ]
    answer = caller.call("POST", "/v1/api/models/upload_and_convert", files=form)
    assert answer.ok, answer.text
    version = int(answer.json()["insert_models"]["returning"][0]["models"][0]["id"])
    deadline = time.monotonic() + SECONDS
    while (shown := _shown(caller, version))["status"] != "ready":
        assert shown["status"] != "error", caller.post(
            "/v1/api/models/get_upload_logs", {"model_version_id": version, "lines": 20}
        )
        assert time.monotonic() < deadline, shown
        time.sleep(0.2)
    return version


def running(caller: Caller, space: int, name: str, version: int, *, enabled: bool = True, **defaults: Any) -> str:
    """A running deployment of the version alone; its namespace."""
    config = {"model_version_id": version, "openai_config": {"enabled": enabled, **defaults}}
    caller.post("/v1/api/models/insert_model_config", config)
    shown = _shown(caller, version)["file_info"]
    model = {"name": _shown(caller, version)["name"], "version": shown["version"], "sha": shown["sha"]}
    namespace = deploying.deploy(caller, deploying.pipeline(caller, space, model, name=name), name)
    deploying.wait(caller, namespace, "Running", SECONDS)
    return namespace


def _shown(caller: Caller, version: int) -> dict[str, Any]:
    answer = caller.post("/v1/api/models/get_version_by_id", {"model_version_id": version})
    shown: dict[str, Any] = answer["model_version"]["model_version"]
    return shown
