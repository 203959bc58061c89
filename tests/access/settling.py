"""A workspace with one of everything in it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from seldon_things import BASE, core_model, explainer, flow, manifest, trial
from things import UNKNOWN, Things, word
from tracked_things import track

from running import eventually
from wire import Caller

MODEL = (Path(__file__).parents[2] / "examples" / "models" / "ccfraud.onnx").read_bytes()
ROW = [{"tensor": [0.5] * 29}]


def settle(owner: Caller) -> Things:
    """A workspace with a deployed pipeline and one logged row."""
    canary = f"canary{word()}"
    name = f"{canary}-space"
    workspace_id = owner.post("/v1/api/workspaces/create", {"workspace_name": name})["workspace_id"]
    things = replace(UNKNOWN, canary=canary, workspace_id=workspace_id, workspace_name=name)
    things = with_model(owner, things, f"{canary}-model")
    things = with_pipeline(owner, things, f"{canary}-pipeline")
    things = deployed(owner, things)
    things = with_seldon(owner, things, f"{canary}-seldon")
    things = with_flow(owner, with_core_model(owner, things, f"{canary}-core"), f"{canary}-flow", "kept")
    things = with_detectors(owner, things, f"{canary}-detector")
    owner.post(f"/v1/api/pipelines/infer/{things.namespace}/{things.pipeline_name}", ROW)
    tag = owner.ask("mutation ($t: String!) {insert_tag(objects: {tag: $t}) {returning {id}}}", t=f"{canary}-tag")
    tag_id = tag["insert_tag"]["returning"][0]["id"]
    owner.ask(
        """mutation ($tag: bigint!, $model: bigint!, $pipeline: bigint!) {
          insert_model_tag(objects: {tag_id: $tag, model_id: $model}) {returning {tag_id}}
          insert_pipeline_tag(objects: {tag_pk_id: $tag, pipeline_pk_id: $pipeline}) {returning {tag_pk_id}}}""",
        tag=tag_id,
        model=things.version_id,
        pipeline=things.pipeline_id,
    )
    return replace(things, tag_id=tag_id, **track(owner, f"{canary}-tracked"))


def deployed(owner: Caller, things: Things, engine: dict[str, Any] | None = None) -> Things:
    """Their pipeline, deployed and running."""
    body: dict[str, Any] = {"deploy_id": things.pipeline_name, "pipeline_version_pk_id": things.pipeline_version_id}
    body |= {"engine_config": engine} if engine else {}
    deployment_id = owner.post("/v1/api/pipelines/deploy", body)["id"]
    namespace = f"{things.pipeline_name}-{deployment_id}"
    assert eventually(lambda: _status(owner, namespace) == "Running", seconds=30)
    return replace(things, deployment_id=deployment_id, namespace=namespace)


def with_model(owner: Caller, things: Things, name: str) -> Things:
    """A new model in their workspace."""
    made = owner.call("POST", "/v1/api/models/upload", files=upload(name, things.workspace_id))
    version_id = made.json()["insert_models"]["returning"][0]["models"][0]["id"]
    query = "query ($id: bigint!) {model_by_pk(id: $id) {model_version models_pk_id}}"
    version = owner.ask(query, id=version_id)["model_by_pk"]
    shown = owner.post("/v1/api/models/get_version_by_id", {"model_version_id": version_id})
    return replace(
        things,
        model_id=version["models_pk_id"],
        model_name=name,
        version_id=version_id,
        version_uuid=version["model_version"],
        config_id=shown["model_version"]["config"]["id"],
    )


def with_pipeline(owner: Caller, things: Things, name: str) -> Things:
    """A new pipeline of their model."""
    body = {"pipeline_id": name, "workspace_id": things.workspace_id, "definition": definition(name, things)}
    made = owner.post("/v1/api/pipelines/create", body)
    return replace(
        things,
        pipeline_id=made["pipeline_pk_id"],
        pipeline_name=name,
        pipeline_version_id=made["pipeline_variant_pk_id"],
        pipeline_version_uuid=made["pipeline_variant_version"],
        topic=f"workspace-{things.workspace_id}-pipeline-{name}-inference",
    )


def with_seldon(owner: Caller, things: Things, name: str) -> Things:
    """A SeldonDeployment of their model, available."""
    path = f"{BASE}/namespaces/{things.workspace_name}/seldondeployments"
    owner.post(path, manifest(things, name))

    def available() -> bool:
        return bool(owner.call("GET", f"{path}/{name}").json()["status"]["state"] == "Available")

    assert eventually(available, seconds=30)
    changed = owner.call("PUT", f"{path}/{name}", json={**manifest(things, name), "note": "changed"})
    assert changed.status_code == 200, changed.text
    newest = owner.call("GET", f"{path}/{name}/gitlogs").json()[0]["Hash"]
    return replace(things, seldon_name=name, revision=newest)


def with_core_model(owner: Caller, things: Things, name: str) -> Things:
    """A Model of Seldon Core 2."""
    owner.post(f"{BASE}/namespaces/{things.workspace_name}/models", core_model(things, name))
    return replace(things, core_model=name)


def with_flow(owner: Caller, things: Things, name: str, kind: str) -> Things:
    """A Pipeline of their Model; ``kind`` says what it has: a ``canary`` or ``shadow`` (``begun``), or all is kept."""
    path = f"{BASE}/namespaces/{things.workspace_name}/pipelines"
    things = replace(things, flow=name, trial=f"{name}-trial")
    owner.post(path, flow(things, name))
    what = next((word for word in ("canary", "shadow") if word in kind), None)
    if what:
        owner.post(path, flow(things, f"{name}-{what}"))
    if what and "begun" in kind:
        owner.post(f"{path}/{name}/experiment/{what}?weight=10", {})
    if "kept" in kind:
        owner.post(f"{path}/{name}/experiment", trial(things))
        owner.post(f"{path}/{name}/explainer", explainer(things))
    return things


def with_jobs(owner: Caller, things: Things, data: str) -> Things:
    """A new batch job, a new load test and a new replay of their pipeline."""
    place = f"{BASE}/namespaces/{things.workspace_name}/pipelines/{things.pipeline_name}"
    job = owner.post(f"{place}/batchjobs", batch(data))["workflowName"]
    test = owner.call("POST", f"{place}/loadtestjobs", **load_test()).json()["message"]
    replays = f"/api/v1/deployments/{things.workspace_name}/{things.pipeline_name}/replay"
    return replace(things, batch_job=job, load_test=test, replay=owner.post(replays, {}, 201)["name"])


def with_detectors(owner: Caller, things: Things, name: str) -> Things:
    """A new detector of each kind on their pipeline; none has enough rows to begin."""
    place = f"{BASE}/namespaces/{things.workspace_name}/seldondeployments/{things.pipeline_name}/monitor"
    for kind in ("drift-detector", "outlier-detector", "metrics-server"):
        owner.post(f"{place}/{kind}", {"name": name, "config": {"basic": {"drift_batch_size": "5000"}}})
    return replace(things, detector=name)


def batch(data: str) -> dict[str, str]:
    """A batch job of one line."""
    return {"inputData": f"{data}/in.jsonl", "outputData": f"{data}/{{{{workflow.name}}}}.jsonl"}


def load_test() -> dict[str, Any]:
    """A load test of one request."""
    return {"files": {"loadFile": ("row.json", json.dumps(ROW))}, "data": {"requestsNumber": "1"}}


def definition(name: str, things: Things) -> dict[str, Any]:
    """A pipeline of the one model."""
    model = {"name": things.model_name, "version": things.version_uuid, "sha": ""}
    return {"id": name, "steps": [{"ModelInference": {"models": [model]}}]}


def upload(name: str, workspace_id: int) -> dict[str, Any]:
    """The parts of a multipart upload."""
    metadata = json.dumps({"name": name, "workspace_id": workspace_id, "visibility": "private"})
    return {"metadata": (None, metadata, "application/json"), "file": ("model.onnx", MODEL)}


def _status(owner: Caller, namespace: str) -> str:
    return str(owner.post("/v1/api/status/get_deployment", {"name": namespace})["status"])
