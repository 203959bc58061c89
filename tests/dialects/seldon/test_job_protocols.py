"""Batch jobs ask a deployment in its own protocol; what they sent is found in the log."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import requests
from flow_stand import add_model, add_pipeline, pipeline, step
from jobs_world import ROW, Site
from seldon_stand import BASE, create, expected, manifest, namespace, predictor, unit, until, upload

from dialects.open_inference.served import free_port
from running import StartServer, eventually
from s3_server import S3Server, s3_server
from wire import administrator, invite, sign_in

ROWS = [[value + at / 100 for value in ROW] for at in range(5)]
KEYS = {"s3AccessKeyId": "AKIDEXAMPLE", "s3SecretAccessKey": "wJalr-canary"}
V2 = {"name": "tensor", "shape": [1, 29], "datatype": "FP32", "data": ROWS[0]}
DEPLOYMENTS = ("seldon", "v2", "flow")


@dataclass(frozen=True)
class Stand:
    """One namespace with a deployment of each kind, on a server with a gRPC port and an S3 server beside it."""

    site: Site
    s3: S3Server

    def of(self, name: str) -> Site:
        """The jobs of one deployment."""
        return replace(self.site, name=name)

    def object(self, key: str) -> requests.Response:
        """What lies in the bucket ``data``, which is public."""
        return requests.get(f"{self.s3.endpoint}/data/{key}", timeout=10)


@pytest.fixture(scope="module")
def stand(start_module_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    root = tmp_path_factory.mktemp("roots")
    with s3_server(root) as s3:
        s3.bucket("data", "public-read-write")
        s3.bucket("closed", "private")
        s3.put("closed", "secret.jsonl", b"[]\n", "private")
        server = start_module_server(data_roots=f"{root}/{{namespace}}", grpc_port=free_port(), s3_endpoint=s3.endpoint)
        caller = administrator(server)
        space, workspace = namespace(caller)
        upload(caller, workspace, "fraud")
        graph = predictor("main", unit("m", "fraud"))
        create(caller, space, manifest("seldon", graph))
        create(caller, space, manifest("v2", graph, protocol="v2"))
        for name in ("seldon", "v2"):
            until(caller, space, name)
        add_model(caller, space, "one", "fraud")
        add_pipeline(caller, space, pipeline("flow", [step("one")], "one"))
        caller.post(f"{BASE}/secrets/{space}/bucket/s3/lake", KEYS)
        yield Stand(Site(server, caller, root / space, workspace, space, "seldon", ""), s3)


def _wanted(rows: list[list[float]] = ROWS) -> list[float]:
    return [float(value) for value in expected("ccfraud.onnx", rows)[0].ravel()]


def _logged(site: Site) -> set[str]:
    """The ids of all requests in the log of the deployment."""
    path = f"{BASE}/inference-logs/namespace/{site.namespace}/seldondeployments/{site.name}"
    answer = site.caller.post(path, {"predictorName": "", "containerName": "", "limit": 1000})
    return {request["requestId"] for request in answer["payloads"]}


@pytest.mark.parametrize("transport", ["rest", "grpc"])
@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_every_manner_of_line_is_answered_by_every_protocol(stand: Stand, name: str, transport: str) -> None:
    site = stand.of(name)
    lines = [[ROWS[0]], {"data": {"ndarray": [ROWS[0]]}}, {"inputs": [V2]}, [{"tensor": ROWS[0]}], [ROWS[1]]]
    definition = {"inputData": site.file("in.jsonl", *lines), "outputData": site.uri("out.jsonl"), "batchSize": 10}
    job = site.batch(**definition, batchTransportProtocol=transport)
    assert site.ended(job)["linesFailed"] == 0, site.lines("out.jsonl")
    rows, message, tensors, records, more = site.lines("out.jsonl")
    found = [
        rows["data"]["ndarray"][0],
        message["data"]["ndarray"][0],
        tensors["outputs"][0]["data"],
        np.ravel(next(iter(records[0].values()))).tolist(),
        more["data"]["ndarray"][0],
    ]
    for answer in found[:4]:
        assert answer == pytest.approx(_wanted()[:1], rel=1e-5)
    assert found[4] == pytest.approx(_wanted()[1:2], rel=1e-5)
    assert [line["meta"]["tags"]["batch_index"] for line in (rows, message, more)] == [0, 1, 4]
    assert tensors["parameters"]["batch_index"] == 2


def test_a_message_goes_to_a_seldon_deployment_and_comes_back_as_it_is(stand: Stand) -> None:
    message = {"meta": {"puid": "mine", "tags": {"who": "me"}}, "data": {"tensor": {"shape": [1, 29], "values": ROW}}}
    job = stand.site.batch(
        inputData=stand.site.file("whole.jsonl", message), outputData=stand.site.uri("whole-out.jsonl")
    )
    assert stand.site.ended(job)["workflowStatus"] == "Succeeded"
    (line,) = stand.site.lines("whole-out.jsonl")
    assert line["meta"]["puid"] == line["meta"]["tags"]["request_id"] == "mine"
    assert line["meta"]["tags"]["who"] == "me"
    assert list(line["meta"]["requestPath"]) == ["m"]
    assert line["data"]["tensor"]["shape"] == [1, 1]


def test_a_request_in_v2_keeps_its_id_and_its_outputs(stand: Stand) -> None:
    site = stand.of("v2")
    binary = {"inputs": [V2], "parameters": {"binary_data_output": True}}
    lines = [{"id": "mine", "inputs": [V2]}, {"inputs": [{**V2, "datatype": "FP64"}]}, binary]
    job = site.batch(inputData=site.file("v2.jsonl", *lines), outputData=site.uri("v2-out.jsonl"), batchSize=3)
    assert site.ended(job)["linesFailed"] == 2
    good, wrong, raw = site.lines("v2-out.jsonl")
    assert (good["id"], good["model_name"], good["outputs"][0]["datatype"]) == ("mine", "v2", "FP32")
    assert "expected datatype FP32, got FP64" in wrong["error"]
    assert "not JSON" in raw["error"]


@pytest.mark.parametrize("transport", ["rest", "grpc"])
@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_each_line_is_found_in_the_log_by_the_id_in_its_answer(stand: Stand, name: str, transport: str) -> None:
    site = stand.of(name)
    source = site.file("found.jsonl", *([row] for row in ROWS))
    job = site.batch(inputData=source, outputData=site.uri("found-out.jsonl"), batchTransportProtocol=transport)
    assert site.ended(job)["workflowStatus"] == "Succeeded"
    ids = [line["meta"]["tags"]["request_id"] for line in site.lines("found-out.jsonl")]
    uid = site.seen(job)["workflowUID"]
    assert ids == [f"{uid}-{at}" for at in range(len(ROWS))]
    assert eventually(lambda: set(ids) <= _logged(site), 10), (ids, _logged(site))


def test_a_load_test_sends_a_seldon_deployment_its_own_message(stand: Stand) -> None:
    name = stand.site.load({"data": {"ndarray": [ROW]}}, requestsNumber="3").json()["message"]

    def seen() -> dict[str, Any]:
        return next(test for test in stand.site.load_tests() if test["name"] == name)

    assert eventually(lambda: seen()["status"] == "Succeeded", 20), seen()
    path = f"/seldon/{stand.site.namespace}/seldon/api/v1.0/predictions"
    assert (seen()["path"], seen()["statuses"]) == (path, {"200": 3})


@pytest.mark.parametrize("scheme", ["s3", "lake"])
def test_objects_are_read_and_written_with_a_secret_of_the_workspace(stand: Stand, scheme: str) -> None:
    text = "".join(json.dumps([row]) + "\n" for row in ROWS)
    stand.s3.put("closed", f"in/rows-{scheme}.jsonl", text.encode(), "private")
    job = stand.site.batch(
        inputData=f"{scheme}://closed/in/rows-{scheme}.jsonl",
        outputData=f"{scheme}://data/out/{{{{workflow.name}}}}.jsonl",
        objectStoreSecretName="lake-bucket-envvars",
        batchSize=2,
    )
    ended = stand.site.ended(job)
    assert (ended["workflowStatus"], ended["linesDone"], ended["message"]) == ("Succeeded", 5, "")
    written = stand.object(f"out/{job}.jsonl")
    answers = [json.loads(line)["data"]["ndarray"][0][0] for line in written.text.splitlines()]
    assert answers == pytest.approx(_wanted(), rel=1e-5)
    assert "canary" not in stand.site.call("GET", f"/batchjobs/{job}").text


def test_a_csv_object_goes_through_a_flow_over_grpc(stand: Stand) -> None:
    header = ",".join(f"v{at}" for at in range(29))
    rows = "\n".join(",".join(map(str, row)) for row in ROWS)
    stand.s3.put("data", "rows.csv", f"{header}\n{rows}\n".encode())
    site = stand.of("flow")
    target = site.uri("from-object.jsonl")
    job = site.batch(inputData="s3://data/rows.csv", outputData=target, batchTransportProtocol="grpc", batchSize=9)
    assert site.ended(job)["message"] == ""
    answers = [line["data"]["ndarray"][0][0] for line in site.lines("from-object.jsonl")]
    assert answers == pytest.approx(_wanted(), rel=1e-5)


def test_a_job_that_does_not_come_to_its_end_writes_no_object(stand: Stand) -> None:
    stand.s3.put("data", "old.jsonl", b"as it was\n", "public-read-write")
    source = stand.site.file("long.jsonl", *([ROW] for _ in range(300)))
    job = stand.site.batch(inputData=source, outputData="s3://data/old.jsonl", batchInterval=0.1)
    assert eventually(lambda: stand.site.seen(job)["linesDone"] > 0, 20)
    assert stand.site.call("DELETE", f"/batchjobs/{job}").status_code == 200
    after = stand.site.batch(inputData="s3://data/rows.csv", outputData="s3://data/new.jsonl")
    assert stand.site.ended(after)["workflowStatus"] == "Succeeded"
    assert stand.object("old.jsonl").text == "as it was\n"


@pytest.mark.parametrize(
    ("source", "said"),
    [("s3://closed/secret.jsonl", "refuses"), ("s3://data/none.jsonl", "not found"), ("s3://data/out", "not found")],
)
def test_an_object_that_cannot_be_read_fails_the_job_with_the_reason(stand: Stand, source: str, said: str) -> None:
    job = stand.site.batch(inputData=source, outputData=stand.site.uri("never.jsonl"))
    ended = stand.site.ended(job)
    assert ended["workflowStatus"] == "Failed"
    assert said in ended["message"]
    assert not (stand.site.folder / "never.jsonl").exists()


def test_a_secret_that_is_not_there_or_not_the_callers_is_refused_at_once(stand: Stand) -> None:
    data = {"inputData": "s3://closed/in/rows.jsonl", "outputData": "s3://data/x.jsonl"}
    missing = stand.site.create(**data, objectStoreSecretName="other")
    assert missing.status_code == 424
    assert "no bucket secret 'other'" in missing.json()["message"]
    same = stand.site.create(inputData="s3://data/x", outputData="s3://data/x")
    assert same.status_code == 400
    person = invite(stand.site.server, "reader")
    reader = replace(stand.site, caller=sign_in(stand.site.server, person.email, person.password))
    assert reader.create(**data, objectStoreSecretName="lake-bucket-envvars").status_code == 404


def test_a_secret_that_is_deleted_meanwhile_opens_nothing(stand: Stand) -> None:
    stand.site.caller.post(f"{BASE}/secrets/{stand.site.namespace}/bucket/s3/brief", KEYS)
    slow = stand.site.file("slow.jsonl", *([ROW] for _ in range(25)))
    before = [stand.site.batch(inputData=slow, outputData=stand.site.uri("slow-out.jsonl"), batchInterval=0.1)]
    secret = "brief-bucket-envvars"
    data = {"inputData": "s3://closed/in/rows.jsonl", "outputData": "s3://data/x.jsonl"}
    job = stand.site.batch(**data, objectStoreSecretName=secret)
    gone = stand.site.caller.call("DELETE", f"{BASE}/secrets/{stand.site.namespace}/bucket/{secret}")
    assert gone.status_code == 200
    ended = stand.site.ended(job)
    assert ended["workflowStatus"] == "Failed"
    assert "no bucket secret" in ended["message"]
    assert stand.site.ended(before[0])["workflowStatus"] == "Succeeded"
