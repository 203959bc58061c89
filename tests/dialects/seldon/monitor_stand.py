"""What tests of monitoring share: a namespace with a pipeline of Wallaroo's and a SeldonDeployment, both asked."""

from dataclasses import dataclass
from typing import Any

from seldon_stand import BASE, create, manifest, namespace, predictor, unit, until, upload

from running import eventually
from wire import Caller

COLUMN = "tensor"
WIDTH = 29


@dataclass(frozen=True)
class Space:
    """A namespace, the number of its workspace, and who made it."""

    caller: Caller
    name: str
    workspace_id: int

    def path(self, name: str, kind: str = "seldondeployments") -> str:
        """The API's path of a deployment or pipeline."""
        return f"{BASE}/namespaces/{self.name}/{kind}/{name}"

    def wallaroo(self, name: str, model: str = "one") -> str:
        """Deploy a pipeline as Wallaroo's clients do; returns the path of its inference."""
        query = (
            "query ($w: bigint!, $n: String!) {model(where: {model: {workspace: {id: {_eq: $w}}}, "
            "model_id: {_eq: $n}}) {model_version sha}}"
        )
        found = self.caller.ask(query, w=self.workspace_id, n=model)["model"][-1]
        step = {"name": model, "version": found["model_version"], "sha": found["sha"]}
        definition = {"id": name, "steps": [{"ModelInference": {"models": [step]}}]}
        body = {"pipeline_id": name, "workspace_id": self.workspace_id, "definition": definition}
        made = self.caller.post("/v1/api/pipelines/create", body)
        deploy = {"deploy_id": name, "pipeline_version_pk_id": made["pipeline_variant_pk_id"]}
        number = self.caller.post("/v1/api/pipelines/deploy", deploy)["id"]
        assert eventually(lambda: self._state(f"{name}-{number}") == "Running", seconds=30)
        return f"/v1/api/pipelines/infer/{name}-{number}/{name}"

    def seldon(self, name: str, *predictors: dict[str, Any]) -> str:
        """Deploy predictors; returns the path of its predictions."""
        create(self.caller, self.name, manifest(name, *(predictors or (predictor("main", unit("classifier", "one")),))))
        until(self.caller, self.name, name)
        return f"/seldon/{self.name}/{name}/api/v1.0/predictions"

    def ask(self, path: str, rows: list[list[float]]) -> Any:
        """Infer in the protocol that the path is of."""
        wallaroo = path.startswith("/v1")
        body = [{COLUMN: row} for row in rows] if wallaroo else {"data": {"ndarray": rows}}
        return self.caller.post(path, body)

    def _state(self, name: str) -> str:
        return str(self.caller.post("/v1/api/status/get_deployment", {"name": name})["status"])


def space(caller: Caller) -> Space:
    """A new namespace with two models, ``one`` and ``two``."""
    name, workspace_id = namespace(caller)
    upload(caller, workspace_id, "one", "ccfraud.onnx")
    upload(caller, workspace_id, "two", "ccfraud_v2.onnx")
    return Space(caller, name, workspace_id)


def row(value: float) -> list[float]:
    """One row that the models take."""
    return [value] * WIDTH
