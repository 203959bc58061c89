"""Ids of one's own mixed with somebody else's: what is foreign stays out of reach, and looks as if it never was."""

from dataclasses import replace
from typing import Any

import pytest
from settling import ROW, definition
from things import UNKNOWN, Things
from world import World


def _mixed(path: str, body: Any) -> Any:
    return pytest.param(path, body, id=path.removeprefix("/v1/api/"))


def _copy(own: Things, foreign: Things) -> dict[str, Any]:
    return {"name": "stolen", "workspace_id": own.workspace_id, "source_pipeline": foreign.pipeline_id}


def _create(own: Things, foreign: Things) -> dict[str, Any]:
    steps = definition("stolen", foreign)
    return {"pipeline_id": "stolen", "workspace_id": own.workspace_id, "definition": steps}


def _deploy(own: Things, foreign: Things) -> dict[str, Any]:
    configs = [foreign.config_id]
    return {"deploy_id": "stolen", "pipeline_version_pk_id": own.pipeline_version_id, "model_configs": configs}


_REQUESTS = [
    _mixed("/v1/api/pipelines/create", _create),
    _mixed("/v1/api/pipelines/copy", _copy),
    _mixed("/v1/api/pipelines/deploy", _deploy),
    _mixed("/v1/api/models/delete_model_versions", lambda o, f: {"model_versions": [o.version_uuid, f.version_uuid]}),
    _mixed(
        "/v1/api/pipelines/delete_pipeline_versions",
        lambda o, f: {"pipeline_versions": [o.pipeline_version_uuid, f.pipeline_version_uuid]},
    ),
    _mixed(
        "/v1/api/pipelines/get_pipeline_by_name",
        lambda o, f: {"workspace_id": o.workspace_id, "pipeline_name": f.pipeline_name},
    ),
    _mixed(
        "/v1/api/pipelines/get_logs",
        lambda o, f: {"workspace_id": o.workspace_id, "pipeline_name": f.pipeline_name},
    ),
    _mixed(
        "/v1/api/plateau/get_topic_name",
        lambda o, f: {"workspace_id": o.workspace_id, "pipeline_name": f.pipeline_name},
    ),
    _mixed("/v1/api/models/delete_model", lambda o, f: {"workspace_id": o.workspace_id, "model_id": f.model_name}),
    _mixed(
        "/v1/api/pipelines/delete_pipeline",
        lambda o, f: {"workspace_id": o.workspace_id, "pipeline_id": f.pipeline_name},
    ),
]


@pytest.mark.parametrize(("path", "body"), _REQUESTS)
def test_an_own_id_opens_nothing_foreign(world: World, path: str, body: Any) -> None:
    before = world.state()
    foreign = world.call("other owner", "POST", path, json=body(world.theirs, world.ours))
    unknown = world.call("other owner", "POST", path, json=body(world.theirs, UNKNOWN))
    assert 400 <= foreign.status_code < 500, foreign.text
    assert foreign.status_code == unknown.status_code
    assert world.ours.hidden_in(foreign.text) == UNKNOWN.hidden_in(unknown.text)
    assert world.state() == before


@pytest.mark.parametrize(
    ("namespace", "pipeline"), [("ours", "theirs"), ("theirs", "ours"), ("ours", "ours"), ("never-was", "theirs")]
)
def test_inference_reaches_only_what_is_named_right_and_ones_own(world: World, namespace: str, pipeline: str) -> None:
    places = {"ours": world.ours, "theirs": world.theirs, "never-was": UNKNOWN}
    path = f"/v1/api/pipelines/infer/{places[namespace].namespace}/{places[pipeline].pipeline_name}"
    before = world.state()
    assert world.call("other owner", "POST", path, json=ROW).status_code == 404
    assert world.state() == before


def test_a_foreign_tag_cannot_be_borrowed(world: World) -> None:
    document = """mutation ($tag: bigint!, $model: bigint!) {
      insert_model_tag(objects: {tag_id: $tag, model_id: $model}) {returning {tag_id}}}"""
    texts = set()
    for tag in (world.ours.tag_id, UNKNOWN.tag_id):
        variables = {"tag": tag, "model": world.theirs.version_id}
        answer = world.call("other owner", "POST", "/v1/graphql", json={"query": document, "variables": variables})
        texts.add(replace(UNKNOWN, tag_id=tag).hidden_in(answer.text))
    assert len(texts) == 1
    assert "not-found" in texts.pop()
