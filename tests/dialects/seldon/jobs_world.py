"""A deployment whose jobs are tried: the calls of the API, and the folder that its server opens."""

import json
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import requests

from running import RunningServer, eventually
from wire import Caller, administrator

MODELS = Path(__file__).parents[3] / "examples" / "models"
BASE = "/seldon-deploy/api/v1alpha1/namespaces"
UNFINISHED = ("Pending", "Running")
ROW = [round(0.1 * at, 1) for at in range(29)]


@dataclass(frozen=True)
class Site:
    """``folder`` is what the namespace may read and write; ``name`` that of the deployment."""

    server: RunningServer
    caller: Caller
    folder: Path
    workspace_id: int
    namespace: str
    name: str
    infer: str

    def uri(self, name: str) -> str:
        """A file in the folder."""
        return f"file://{self.folder}/{name}"

    def file(self, name: str, *lines: Any) -> str:
        """A new file of JSON lines (texts are taken as they are); its URI."""
        self.folder.mkdir(parents=True, exist_ok=True)
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        (self.folder / name).write_text("".join(f"{text}\n" for text in texts))
        return self.uri(name)

    def lines(self, name: str) -> list[Any]:
        """The JSON lines of a file."""
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]

    def call(self, method: str, path: str, **request: Any) -> requests.Response:
        """A call about the deployment."""
        return self.caller.call(method, f"{BASE}/{self.namespace}/seldondeployments/{self.name}{path}", **request)

    def create(self, **definition: Any) -> requests.Response:
        """Ask for a batch job."""
        return self.call("POST", "/batchjobs", json=definition)

    def batch(self, **definition: Any) -> str:
        """A batch job that was taken on; its name."""
        answer = self.create(**definition)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["workflowName"])

    def seen(self, job: str) -> dict[str, Any]:
        """The description of a batch job."""
        return dict(self.call("GET", f"/batchjobs/{job}").json()["Description"])

    def ended(self, job: str, seconds: float = 40) -> dict[str, Any]:
        """The same, once it has ended."""
        assert eventually(lambda: self.seen(job)["workflowStatus"] not in UNFINISHED, seconds), self.seen(job)
        return self.seen(job)

    def load(self, body: Any = None, **form: str) -> requests.Response:
        """Ask for a load test."""
        payload = {"data": {"ndarray": [ROW]}} if body is None else body
        return self.call("POST", "/loadtestjobs", files={"loadFile": ("load.json", json.dumps(payload))}, data=form)

    def load_tests(self) -> list[dict[str, Any]]:
        """What the one message says."""
        return list(json.loads(self.call("GET", "/loadtestjobs").json()["message"]))

    def expected(self, *rows: list[float]) -> list[list[float]]:
        """What the deployment itself answers."""
        answer = self.caller.post(self.infer, [{"tensor": row} for row in rows])
        return [row["out"]["dense_1"] for row in answer]


def site(server: RunningServer, root: Path, caller: Caller | None = None, name: str = "fraud") -> Site:
    """A workspace with a running deployment that Wallaroo's API made; its data lies below ``root``."""
    caller = caller or administrator(server)
    title = f"seldon-{uuid.uuid4().hex[:8]}"
    workspace = caller.post("/v1/api/workspaces/create", {"workspace_name": title})["workspace_id"]
    made = Site(server, caller, root / title, workspace, title, name, "")
    return replace(made, infer=f"/v1/api/pipelines/infer/{_deployed(made)}/{name}")


def _deployed(made: Site) -> str:
    caller, name, workspace = made.caller, made.name, made.workspace_id
    query = {"name": "model", "filename": "ccfraud.onnx", "workspace_id": workspace, "visibility": "private"}
    data = (MODELS / "ccfraud.onnx").read_bytes()
    uploaded = caller.call("POST", "/v1/api/models/upload_stream", params=query, data=data).json()
    version = uploaded["insert_models"]["returning"][0]["models"][0]["id"]
    shown = caller.post("/v1/api/models/get_version_by_id", {"model_version_id": version})
    info = shown["model_version"]["model_version"]["file_info"]
    model = {"name": "model", "version": info["version"], "sha": info["sha"]}
    definition = {"id": name, "steps": [{"ModelInference": {"models": [model]}}]}
    body = {"pipeline_id": name, "workspace_id": workspace, "definition": definition}
    variant = caller.post("/v1/api/pipelines/create", body)["pipeline_variant_pk_id"]
    number = caller.post("/v1/api/pipelines/deploy", {"deploy_id": name, "pipeline_version_pk_id": variant})["id"]
    namespace = f"{name}-{number}"

    def running() -> bool:
        answer = caller.call("POST", "/v1/api/status/get_deployment", json={"name": namespace})
        return answer.status_code == 200 and bool(answer.json()["status"] == "Running")

    assert eventually(running, 30)
    return namespace
