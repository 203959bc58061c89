"""Models of all frameworks tried on one server, by hand and by the Wallaroo SDK."""

from dataclasses import dataclass
from typing import Any

import uploading_models
from dialects.wallaroo import deploying
from dialects.wallaroo.scenarios import Scenario
from running import RunningServer
from wire import Caller


@dataclass(frozen=True)
class Tried:
    """The server, somebody on it by hand and by the Wallaroo SDK, and their workspace."""

    server: RunningServer
    caller: Caller
    sdk: Scenario
    workspace: str
    workspace_id: int
    grpc_port: int

    def ready(self, name: str, made: dict[str, Any], **conversion: Any) -> dict[str, Any]:
        """A version by Wallaroo's call, once it is ready: how it is shown."""
        uploading_models.upload(self.caller, self.workspace_id, name, made, **conversion)
        return uploading_models.ready(self.caller, self.workspace_id, name)

    def running(self, name: str, *steps: dict[str, Any]) -> str:
        """The namespace of a pipeline with these steps, deployed under its name."""
        definition = {"id": name, "steps": list(steps)}
        body = {"pipeline_id": name, "workspace_id": self.workspace_id, "definition": definition}
        namespace = deploying.deploy(self.caller, self.caller.post("/v1/api/pipelines/create", body), name)
        deploying.wait(self.caller, namespace, "Running", 60)
        return namespace

    def end(self, namespace: str) -> None:
        """Undeploy."""
        number = int(namespace.rpartition("-")[2])
        self.caller.post("/v1/api/pipelines/undeploy", {"deployment_id": number})
        deploying.wait(self.caller, namespace, "gone")

    def infer(self, namespace: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What the deployment answers to rows in JSON."""
        answered: list[dict[str, Any]] = self.caller.post(deploying.path(namespace), rows)
        return answered
