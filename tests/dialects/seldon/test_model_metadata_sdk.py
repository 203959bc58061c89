"""Metadata of models through the real SDK: kept, found, changed and removed, by project; and where models run."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from sdk_calls import SdkCalls
from seldon_stand import BASE, create, manifest, namespace, predictor, unit, until, upload

from running import RunningServer
from wire import Caller, administrator, invite, sign_in

API = "ModelMetadataServiceApi"
CREATE = "model_metadata_service_create_model_metadata"
UPDATE = "model_metadata_service_update_model_metadata"
LIST = "model_metadata_service_list_model_metadata"
DELETE = "model_metadata_service_delete_model_metadata"
RUNTIME = "model_metadata_service_list_runtime_metadata_for_model"
PATH = f"{BASE}/model/metadata"


@pytest.fixture
def calls(seldon_python: Path, tmp_path: Path) -> SdkCalls:
    return SdkCalls(seldon_python, tmp_path)


@pytest.fixture(scope="module")
def caller(live_server: RunningServer) -> Caller:
    return administrator(live_server)


@pytest.fixture
def project() -> str:
    return f"project-{uuid.uuid4().hex[:8]}"


def model(uri: str, **fields: Any) -> dict[str, Any]:
    return {"model": "V1Model", "uri": uri, **fields}


def uris(found: dict[str, Any]) -> list[str]:
    return [each["URI"] for each in found["answer"]["models"]]


def test_an_entry_comes_back_as_it_was_written(calls: SdkCalls, caller: Caller, project: str) -> None:
    schema = {
        "model": "V1PredictionSchema",
        "requests": [
            {
                "model": "V1FeatureSchema",
                "name": "kind",
                "type": "CATEGORICAL",
                "data_type": "INT",
                "n_categories": "2",
                "category_map": {"0": "no", "1": "yes"},
            },
            {"model": "V1FeatureSchema", "name": "image", "type": "TENSOR", "shape": ["3", "3"]},
        ],
        "responses": [{"model": "V1FeatureSchema", "name": "score", "type": "PROBA", "data_type": "FLOAT"}],
    }
    said = {
        "name": "iris",
        "version": "v2",
        "artifact_type": "ONNX",
        "task_type": "classification",
        "tags": {"team": "fraud"},
        "metrics": {"accuracy": 0.5},
        "project": project,
    }
    runtime = {"model": "V1RuntimeDefaults", "default_protocol": "PROTOCOL_V2"}
    body = model("s3://b/iris", **said, prediction_schema=schema, runtime_defaults=runtime)
    created, listed = calls.all(caller, (API, CREATE, [body], {}), (API, LIST, [], {"project": project}))
    assert created["answer"] in ({}, None)
    assert listed["type"] == "V1ModelMetadataListResponse"
    (entry,) = listed["answer"]["models"]
    assert entry.pop("creationTime").startswith("20")
    assert entry == {
        "URI": "s3://b/iris",
        "name": "iris",
        "version": "v2",
        "artifactType": "ONNX",
        "taskType": "classification",
        "tags": {"team": "fraud"},
        "metrics": {"accuracy": 0.5},
        "project": project,
        "predictionSchema": {
            "requests": [
                {
                    "name": "kind",
                    "type": "CATEGORICAL",
                    "dataType": "INT",
                    "nCategories": "2",
                    "categoryMap": {"0": "no", "1": "yes"},
                },
                {"name": "image", "type": "TENSOR", "shape": ["3", "3"]},
            ],
            "responses": [{"name": "score", "type": "PROBA", "dataType": "FLOAT"}],
        },
        "runtimeDefaults": {"defaultProtocol": "PROTOCOL_V2"},
    }


def test_an_entry_is_there_once_and_can_be_changed_and_removed(calls: SdkCalls, caller: Caller, project: str) -> None:
    first, second = model("s3://b/a", name="old", project=project), model("s3://b/a", name="new", project=project)
    found = calls.all(
        caller,
        (API, UPDATE, [first], {}),
        (API, CREATE, [first], {}),
        (API, CREATE, [second], {}),
        (API, UPDATE, [second], {}),
        (API, LIST, [], {"project": project}),
        (API, DELETE, ["s3://b/a"], {"project": project}),
        (API, DELETE, ["s3://b/a"], {"project": project}),
        (API, LIST, [], {"project": project}),
    )
    assert [each.get("status") for each in found] == [404, None, 409, None, None, None, 404, None]
    assert [entry["name"] for entry in found[4]["answer"]["models"]] == ["new"]
    assert found[7]["answer"] == {"models": [], "nextPageToken": ""}


def test_lists_are_filtered_ordered_paged_and_masked(calls: SdkCalls, caller: Caller, project: str) -> None:
    bodies = [
        model(
            f"s3://b/{number}",
            name=name,
            version=f"v{number}",
            artifact_type=kind,
            tags={"team": name},
            metrics={"f1": number},
            project=project,
        )
        for number, (name, kind) in enumerate([("b", "ONNX"), ("a", "SKLEARN"), ("b", "SKLEARN"), ("c", "ONNX")])
    ]
    asked: list[dict[str, Any]] = [
        {"name": "b"},
        {"artifact_type": "ONNX", "version": "v3"},
        {"query": f"project={project} AND (metrics[f1] >= 2 OR tags[team]=a)", "name": "ignored beside a query"},
        {"order_by": "name desc, version"},
        {"order_by": "artifact_type,name DESC"},
        {"page_size": 3},
        {"page_size": 3, "page_token": "3"},
        {"uri": "s3://b/1", "list_mask": "name,task_type"},
        {"uri": "s3://b/none"},
        {"tags": {"team": "c"}},
        {"metrics": {"f1": 2}},
    ]
    found = calls.all(
        caller,
        *((API, CREATE, [body], {}) for body in bodies),
        *((API, LIST, [], {"project": project, **each}) for each in asked),
    )[4:]
    numbers = [[uri[-1] for uri in uris(each)] for each in found]
    assert numbers[:9] == [
        ["0", "2"],
        ["3"],
        ["1", "2", "3"],
        ["3", "0", "2", "1"],
        ["3", "0", "2", "1"],
        ["0", "1", "2"],
        ["3"],
        ["1"],
        [],
    ]
    assert (found[5]["answer"]["nextPageToken"], found[6]["answer"]["nextPageToken"]) == ("3", "")
    (masked,) = found[7]["answer"]["models"]
    masked.pop("version")  # the SDK fills it in
    assert masked == {"URI": "s3://b/1", "name": "a", "taskType": ""}
    assert numbers[9:] == [["3"], ["2"]]
    answers = [
        caller.call("GET", PATH, params={"project": project, **params}).json()["models"]
        for params in ({"tags[team]": "c"}, {"metrics[f1]": "2"}, {"tags[team]": "b", "metrics[f1]": "0"})
    ]
    assert [[each["URI"][-1] for each in models] for models in answers] == [["3"], ["2"], ["0"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "URI"),
        ({"URI": "s3://b/" + "x" * 200}, "URI"),
        ({"URI": "s3://b/a b"}, "URI"),
        ({"URI": "s3://b/%zz"}, "URI"),
        ({"URI": "javascript:<script>"}, "URI"),
        ({"URI": "s3://b", "name": "x" * 201}, "name"),
        ({"URI": "s3://b", "name": "a\x00b"}, "name"),
        ({"URI": "s3://b", "version": "x" * 51}, "version"),
        ({"URI": "s3://b", "taskType": "x" * 51}, "taskType"),
        ({"URI": "s3://b", "artifactType": "PICKLE"}, "artifactType"),
        ({"URI": "s3://b", "tags": {"k" * 101: "v"}}, "tags"),
        ({"URI": "s3://b", "tags": {"k": "v" * 501}}, "tags"),
        ({"URI": "s3://b", "tags": {f"k{n}": "v" for n in range(101)}}, "tags"),
        ({"URI": "s3://b", "tags": {"k": 1}}, "tags"),
        ({"URI": "s3://b", "metrics": {"k" * 101: 1}}, "metrics"),
        ({"URI": "s3://b", "metrics": {"k": "1"}}, "metrics"),
        ({"URI": "s3://b", "project": "x*"}, "project"),
        ({"URI": "s3://b", "predictionSchema": {"requests": []}}, "responses"),
        ({"URI": "s3://b", "predictionSchema": {"requests": [{"name": "a"}], "responses": []}}, "type"),
        (
            {"URI": "s3://b", "predictionSchema": {"requests": [{"name": "a", "type": "ODD"}], "responses": []}},
            "predictionSchema.requests[0].type",
        ),
        (
            {
                "URI": "s3://b",
                "predictionSchema": {
                    "requests": [{"name": f"{n}", "type": "REAL"} for n in range(2001)],
                    "responses": [],
                },
            },
            "predictionSchema",
        ),
        ({"URI": "s3://b", "runtimeDefaults": {"defaultProtocol": "soap"}}, "defaultProtocol"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_field(caller: Caller, body: dict[str, Any], field: str) -> None:
    for method in ("POST", "PUT"):
        answer = caller.call(method, PATH, json=body)
        assert answer.status_code == 400, answer.text
        assert field in answer.json()["message"]


@pytest.mark.parametrize(
    "params",
    [
        {"query": "name=x; DROP TABLE users) OR (1=1"},
        {"query": "password=x"},
        {"orderBy": "name; DROP TABLE users"},
        {"orderBy": "created_by"},
        {"orderBy": "(select 1)"},
        {"orderBy": "name sideways"},
        {"pageSize": "-1"},
        {"pageSize": "many"},
        {"pageToken": "1 OR 1=1"},
        {"listMask": "created_by"},
        {"metrics[a]": "inf"},
        {"tags": "team"},
        {"tags": "__import__('os').system('true')"},
        {"tags": "[" * 2500},
        {"metrics": "{'a': 'high'}"},
    ],
)
def test_a_wrong_question_is_refused(caller: Caller, params: dict[str, str]) -> None:
    answer = caller.call("GET", PATH, params=params)
    assert answer.status_code == 400, answer.text
    assert next(iter(params)).partition("[")[0] in answer.json()["message"]


def test_projects_are_for_those_who_have_rights_on_them(
    live_server: RunningServer, caller: Caller, project: str
) -> None:
    people = [invite(live_server, name) for name in ("maker", "other")]
    maker, other = (sign_in(live_server, person.email, person.password) for person in people)
    body = {"URI": "s3://b/mine", "project": project}
    maker.post(PATH, body, 404)
    grant = {"subject": people[0].email, "object": f"project:{project}", "role": "EDIT"}
    assert caller.call("PUT", "/api/v1/grants", json=grant).status_code == 200
    maker.post(PATH, body)
    assert [each["URI"] for each in maker.call("GET", PATH, params={"project": project}).json()["models"]] == [
        "s3://b/mine"
    ]
    assert other.call("GET", PATH).json()["models"] == [
        each for each in maker.call("GET", PATH).json()["models"] if each["project"] != project
    ]
    assert other.call("GET", PATH, params={"query": f"project={project}"}).json()["models"] == []
    refused = [
        other.call("POST", PATH, json={**body, "URI": "s3://b/theirs"}),
        other.call("PUT", PATH, json=body),
        other.call("DELETE", PATH, params={"URI": "s3://b/mine", "project": project}),
    ]
    assert [answer.status_code for answer in refused] == [404, 404, 404]
    assert [answer.json()["message"] for answer in refused] == [f"project {project} not found"] * 3


def test_the_default_project_is_read_by_all_and_written_by_those_who_may(
    live_server: RunningServer, caller: Caller
) -> None:
    uri = f"s3://b/{uuid.uuid4().hex}"
    caller.post(PATH, {"URI": uri})
    person = invite(live_server, "reader")
    reader = sign_in(live_server, person.email, person.password)
    assert [each["URI"] for each in reader.call("GET", PATH, params={"URI": uri}).json()["models"]] == [uri]
    assert reader.call("PUT", PATH, json={"URI": uri, "name": "mine now"}).status_code == 403


def test_runtime_metadata_joins_deployments_units_and_metadata(
    calls: SdkCalls, caller: Caller, live_server: RunningServer
) -> None:
    space, workspace = namespace(caller)
    for name in ("one", "two"):
        upload(caller, workspace, name)
    document = manifest(
        "split",
        predictor("a", unit("first", "one", unit("second", "two")), traffic=30),
        predictor("b", unit("only", f"modelyard://{space}/two"), traffic=70),
        predictor("c", unit("copy", "one"), shadow=True),
    )
    document["spec"]["predictors"][0]["graph"]["children"] = []
    create(caller, space, document)
    shown = until(caller, space, "split")
    caller.call("DELETE", PATH, params={"URI": "one"})
    caller.post(PATH, {"URI": "one", "name": "the first"})
    everything, stopped, only, masked = calls.all(
        caller,
        (API, RUNTIME, [], {"deployment_namespace": space}),
        (API, RUNTIME, [], {"deployment_namespace": space, "deployment_status": "Stopped"}),
        (API, RUNTIME, [], {"deployment_namespace": space, "model_uri": f"modelyard://{space}/two"}),
        (API, RUNTIME, [], {"deployment_namespace": space, "predictor_name": "b", "list_mask": "nodeName,replicas"}),
    )
    caller.call("DELETE", PATH, params={"URI": "one"})
    entries = everything["answer"]["runtimeMetadata"]
    told = [(e["predictorName"], e["nodeName"], e["traffic"], e["shadow"], e["deploymentStatus"]) for e in entries]
    assert told == [
        ("a", "first", "30", False, "Running"),
        ("b", "only", "70", False, "Running"),
        ("c", "copy", "0", True, "Running"),
    ]
    assert {e["deploymentKubernetesUid"] for e in entries} == {shown["metadata"]["uid"]}
    assert {(e["deploymentName"], e["deploymentType"], e["replicas"]) for e in entries} == {
        ("split", "SeldonDeployment", "1")
    }
    assert [e.get("model", {}).get("name") for e in entries] == ["the first", None, "the first"]
    assert stopped["answer"]["runtimeMetadata"] == []
    assert [e["nodeName"] for e in only["answer"]["runtimeMetadata"]] == ["only"]
    assert masked["answer"]["runtimeMetadata"] == [{"nodeName": "only", "replicas": "1"}]
    person = invite(live_server, "stranger")
    stranger = sign_in(live_server, person.email, person.password)
    seen = stranger.call("GET", f"{PATH}/runtime", params={"DeploymentNamespace": space})
    assert (seen.status_code, seen.json()["runtimeMetadata"]) == (200, [])
