"""Batch jobs against a running server: lines in, lines out, in their order."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jobs_world import BASE, ROW, Site, site

from running import StartServer, eventually
from wire import invite, sign_in


@pytest.fixture(scope="module")
def here(start_module_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Site:
    root = tmp_path_factory.mktemp("roots")
    return site(start_module_server(data_roots=f"{root}/{{namespace}}"), root)


def _rows(count: int) -> list[list[float]]:
    return [[value + at / 100 for value in ROW] for at in range(count)]


@pytest.mark.parametrize(("size", "workers"), [(1, 1), (1, 8), (7, 3), (1000, 2)])
def test_answers_come_in_the_order_of_the_lines(here: Site, size: int, workers: int) -> None:
    rows = _rows(50)
    source = here.file("in.jsonl", *([row] for row in rows))
    name = here.batch(inputData=source, outputData=here.uri("out.jsonl"), batchSize=size, batchWorkers=workers)
    assert here.ended(name) | {"linesDone": 50, "linesFailed": 0, "message": ""} == here.seen(name)
    lines = here.lines("out.jsonl")
    answers = [line["data"]["ndarray"][0] for line in lines]
    assert answers == [pytest.approx(row, rel=1e-5) for row in here.expected(*rows)]
    assert [line["meta"]["tags"]["batch_index"] for line in lines] == list(range(50))


def test_a_line_may_have_several_rows_and_every_manner_of_request(here: Site) -> None:
    rows = _rows(2)
    tensor = {"name": "tensor", "shape": [2, 29], "datatype": "FP32", "data": [*rows[0], *rows[1]]}
    source = here.file(
        "mixed.jsonl",
        rows,
        {"data": {"tensor": {"shape": [2, 29], "values": [*rows[0], *rows[1]]}}},
        {"inputs": [tensor]},
        {"jsonData": [{"tensor": row} for row in rows]},
        [{"tensor": row} for row in rows],
    )
    name = here.batch(inputData=source, outputData=here.uri("mixed-out.jsonl"), batchSize=3, batchDataType="data")
    assert here.ended(name)["workflowStatus"] == "Succeeded"
    first, second, third, fourth, fifth = here.lines("mixed-out.jsonl")
    expected = here.expected(*rows)
    assert first["data"] == second["data"] == fourth["data"] == {"names": ["dense_1"], "ndarray": expected}
    flat = [value for row in expected for value in row]
    output = {"name": "dense_1", "shape": [2, 1], "datatype": "FP32", "data": flat}
    assert third["outputs"] == [output]
    assert fifth == [{"dense_1": row} for row in expected]


def test_a_csv_file_with_a_header_is_read_too(here: Site) -> None:
    rows = _rows(3)
    header = ",".join(f"v{at}" for at in range(29))
    source = here.file("rows.csv", header, *(",".join(map(str, row)) for row in rows))
    name = here.batch(inputData=source, outputData=here.uri("csv-{{workflow.name}}.jsonl"), batchSize=2)
    assert here.ended(name)["workflowStatus"] == "Succeeded"
    answers = [line["data"]["ndarray"][0] for line in here.lines(f"csv-{name}.jsonl")]
    assert answers == [pytest.approx(row, rel=1e-5) for row in here.expected(*rows)]


def test_a_line_that_is_wrong_fails_alone_and_says_why(here: Site) -> None:
    lines: list[Any] = [[ROW], "{not json", [[1, 2]], "", {"data": {"ndarray": "x"}}, '["\x00', [ROW], "[" * 5000]
    name = here.batch(inputData=here.file("bad.jsonl", *lines), outputData=here.uri("bad-out.jsonl"), batchSize=4)
    ended = here.ended(name)
    assert (ended["workflowStatus"], ended["linesDone"], ended["linesFailed"]) == ("Succeeded", 8, 6)
    answers = here.lines("bad-out.jsonl")
    good = [at for at, answer in enumerate(answers) if "data" in answer]
    assert good == [0, 6]
    assert "not valid JSON" in answers[1]["status"]["info"]
    assert "29" in answers[2]["status"]["info"]
    assert "line 4" in answers[3]["status"]["info"]


def test_a_job_of_which_no_line_goes_well_has_failed(here: Site) -> None:
    name = here.batch(inputData=here.file("none.jsonl", [[1]], [[2]]), outputData=here.uri("none-out.jsonl"))
    ended = here.ended(name)
    assert ended["workflowStatus"] == "Failed"
    assert ended["message"].startswith("not one of 2 lines went well")
    assert len(here.lines("none-out.jsonl")) == 2


def test_an_empty_file_gives_an_empty_file(here: Site) -> None:
    name = here.batch(inputData=here.file("empty.jsonl"), outputData=here.uri("deep/er/empty-out.jsonl"))
    assert here.ended(name)["workflowStatus"] == "Succeeded"
    assert here.lines("deep/er/empty-out.jsonl") == []


def test_a_job_is_shown_as_it_was_asked_for(here: Site) -> None:
    definition = {
        "inputData": here.file("kept.jsonl", [ROW]),
        "outputData": here.uri("kept-out.jsonl"),
        "limitsCpu": "500m",
        "pvcSize": "1Gi",
        "somethingNew": {"a": 1},
    }
    name = here.batch(**definition)
    here.ended(name)
    shown = here.call("GET", f"/batchjobs/{name}").json()
    assert shown["Definition"] == definition
    assert shown["Description"]["StartedAt"] <= shown["Description"]["FinishedAt"]


def test_pages_count_from_nought(here: Site) -> None:
    names = [here.batch(inputData=here.file("p.jsonl", [ROW]), outputData=here.uri("p-out.jsonl")) for _ in range(3)]
    total = here.call("GET", "/batchjobs?limit=100").json()["batchJobs"]
    assert [job["workflowName"] for job in total[:3]] == names[::-1]
    page = here.call("GET", "/batchjobs?limit=2&Page=0").json()
    assert [job["workflowName"] for job in page["batchJobs"]] == names[:0:-1]
    assert (page["limit"], page["page"], page["pagesCount"]) == (2, 0, -(-len(total) // 2))
    assert here.call("GET", "/batchjobs?limit=2&Page=1").json()["batchJobs"][0]["workflowName"] == names[0]
    for query in ("limit=0", "limit=x", "Page=-1", "limit=101"):
        assert here.call("GET", f"/batchjobs?{query}").status_code == 400


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"inputData": ""}, "inputData"),
        ({"outputData": "nowhere"}, "outputData"),
        ({"inputData": "gs://bucket/in.jsonl"}, "gs://"),
        ({"inputData": "s3://bucket"}, "whole bucket"),
        ({"inputData": "s3://bucket/"}, "empty part"),
        ({"inputData": "s3://bucket/../in.jsonl"}, "does not name an object"),
        ({"inputData": "s3://b_d/in.jsonl"}, "not the name of an S3 bucket"),
        ({"inputData": "s3://bucket/in.jsonl", "objectStoreSecretName": 3}, "objectStoreSecretName"),
        ({"batchTransportProtocol": "grpc"}, "grpc_port"),
        ({"inputData": "file:///etc/passwd"}, "outside"),
        ({"outputData": "file:///etc/cron.d/job"}, "outside"),
        ({"outputData": "file://elsewhere/srv/x"}, "machine"),
        ({"batchMethod": "explain"}, "batchMethod"),
        ({"batchDataType": "avro"}, "batchDataType"),
        ({"batchPayloadType": "tftensor"}, "batchPayloadType"),
        ({"batchTransportProtocol": "kafka"}, "batchTransportProtocol"),
        ({"batchWorkers": 0}, "batchWorkers"),
        ({"batchWorkers": 1000}, "batchWorkers"),
        ({"batchSize": "2"}, "batchSize"),
        ({"batchRetries": -1}, "batchRetries"),
        ({"batchInterval": 1e9}, "batchInterval"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_definition_is_said_at_once(here: Site, wrong: dict[str, Any], said: str) -> None:
    right = {"inputData": here.file("right.jsonl", [ROW]), "outputData": here.uri("right-out.jsonl")}
    answer = here.create(**(right | wrong))
    assert answer.status_code == 400
    assert said in answer.json()["message"]


def test_no_path_leads_out_of_the_folder(here: Site) -> None:
    inside = here.file("inside.jsonl", [ROW])
    outside = here.folder.parent / "outside.jsonl"
    outside.write_text("[]\n")
    neighbour = here.folder.with_name(f"{here.folder.name}-other")
    neighbour.mkdir(exist_ok=True)
    (neighbour / "theirs.jsonl").write_text("[]\n")
    (here.folder / "link.jsonl").unlink(missing_ok=True)
    (here.folder / "link.jsonl").symlink_to(outside)
    ways = [
        "../outside.jsonl",
        "%2e%2e/outside.jsonl",
        "link.jsonl",
        f"../{neighbour.name}/theirs.jsonl",
        "",
        ".",
        "a%00b",
    ]
    for way in ways:
        answer = here.create(inputData=here.uri(way), outputData=here.uri("x.jsonl"))
        assert answer.status_code == 400, f"{way}: {answer.text}"
        answer = here.create(inputData=inside, outputData=here.uri(way))
        assert answer.status_code == 400, f"{way}: {answer.text}"
    assert outside.read_text() == "[]\n"
    assert here.create(inputData=inside, outputData=inside).status_code == 400


def test_others_do_not_see_it_and_cannot_use_it(here: Site) -> None:
    name = here.batch(inputData=here.file("mine.jsonl", [ROW]), outputData=here.uri("mine-out.jsonl"))
    person = invite(here.server, "stranger")
    stranger = sign_in(here.server, person.email, person.password)
    path = f"{BASE}/{here.namespace}/seldondeployments/{here.name}/batchjobs"
    unknown = stranger.call("GET", path.replace(here.namespace, "never-was"))
    for method, way in (("GET", path), ("GET", f"{path}/{name}"), ("POST", path), ("DELETE", f"{path}/{name}")):
        answer = stranger.call(method, way, json={})
        assert answer.status_code == 404
        assert answer.json()["message"] == unknown.json()["message"].replace("never-was", here.namespace)
    here.ended(name)


def test_a_job_that_is_deleted_while_it_runs_stops_and_leaves_nothing(here: Site) -> None:
    source = here.file("long.jsonl", *([ROW] for _ in range(500)))
    name = here.batch(inputData=source, outputData=here.uri("long/out.jsonl"), batchInterval=0.1)
    assert eventually(lambda: here.seen(name)["linesDone"] > 0, 20)
    assert here.call("DELETE", f"/batchjobs/{name}").status_code == 200
    assert here.call("GET", f"/batchjobs/{name}").status_code == 404
    assert eventually(lambda: list((here.folder / "long").iterdir()) == [])
    assert not _tokens(here, name)


def test_a_job_fails_when_its_owner_may_not_infer_any_longer(here: Site) -> None:
    person = invite(here.server, "helper")
    member = {"workspace_id": here.workspace_id, "user_id": person.id, "user_type": "COLLABORATOR"}
    here.caller.post("/v1/api/workspaces/add_user", member)
    helper = replace(here, caller=sign_in(here.server, person.email, person.password))
    source = here.file("helped.jsonl", *([ROW] for _ in range(500)))
    name = helper.batch(inputData=source, outputData=here.uri("helped-out.jsonl"), batchInterval=0.1)
    assert eventually(lambda: here.seen(name)["linesDone"] > 0, 20)
    here.caller.post("/v1/api/workspaces/remove_user", member)
    ended = here.ended(name)
    assert ended["workflowStatus"] == "Failed"
    assert "rights of its owner" in ended["message"]
    assert not (here.folder / "helped-out.jsonl").exists()


def test_a_job_of_a_user_who_is_gone_is_not_done(here: Site) -> None:
    person = invite(here.server, "gone")
    member = {"workspace_id": here.workspace_id, "user_id": person.id, "user_type": "COLLABORATOR"}
    here.caller.post("/v1/api/workspaces/add_user", member)
    helper = replace(here, caller=sign_in(here.server, person.email, person.password))
    source = here.file("busy.jsonl", *([ROW] for _ in range(40)))
    before = here.batch(inputData=source, outputData=here.uri("busy-out.jsonl"), batchInterval=0.1)
    name = helper.batch(inputData=source, outputData=here.uri("gone-out.jsonl"))
    here.caller.post("/v1/api/users/deactivate", {"email": person.email})
    assert here.ended(before)["workflowStatus"] == "Succeeded"
    assert here.ended(name)["workflowStatus"] == "Failed"
    assert "disabled" in here.seen(name)["message"]
    assert not (here.folder / "gone-out.jsonl").exists()


def test_the_lent_token_is_worthless_afterwards_and_was_good_for_inference_alone(here: Site) -> None:
    name = here.batch(inputData=here.file("token.jsonl", [ROW]), outputData=here.uri("token-out.jsonl"))
    here.ended(name)
    with closing(sqlite3.connect(f"file:{here.server.data}/modelyard.db?mode=ro", uri=True)) as database:
        query = "select scopes, revoked_at is not null from access_tokens where name = ?"
        assert database.execute(query, (f"job {name}",)).fetchall() == [('["infer"]', 1)]
    assert not _tokens(here, name)


def test_the_audit_log_says_who_asked_and_what_the_server_lent(here: Site) -> None:
    name = here.batch(inputData=here.file("told.jsonl", [ROW]), outputData=here.uri("told-out.jsonl"))
    here.ended(name)
    entries = here.caller.call("GET", "/api/v1/audit?limit=100").json()["items"]
    (made,) = [e for e in entries if e["action"] == "job.create" and e["details"]["name"] == name]
    assert (made["actor_name"], made["details"]["kind"]) == ("admin", "batch")
    (lent,) = [e for e in entries if e["action"] == "token.create" and e["details"]["name"] == f"job {name}"]
    assert (lent["actor_name"], lent["details"]["scopes"]) == ("server", ["infer"])
    assert next(e["object_id"] for e in entries if e["action"] == "token.revoke") == lent["object_id"]


def test_jobs_run_on_postgresql(start_server: StartServer, fresh_postgres_url: str, tmp_path: Path) -> None:
    server = start_server(database=fresh_postgres_url, data_roots=f"{tmp_path}/roots/{{namespace}}", job_runners=3)
    there = site(server, tmp_path / "roots")
    source = there.file("in.jsonl", *([ROW] for _ in range(20)))
    names = [there.batch(inputData=source, outputData=there.uri(f"out-{at}.jsonl")) for at in range(6)]
    assert [there.ended(name)["workflowStatus"] for name in names] == ["Succeeded"] * 6
    assert all(len(there.lines(f"out-{at}.jsonl")) == 20 for at in range(6))


def test_a_pipeline_is_deleted_with_its_jobs(here: Site) -> None:
    other = site(here.server, here.folder.parent, name="short-lived")
    job = other.batch(inputData=other.file("in.jsonl", [ROW]), outputData=other.uri("out.jsonl"))
    assert other.ended(job)["workflowStatus"] == "Succeeded"
    body = {"pipeline_id": other.name, "workspace_id": other.workspace_id}
    other.caller.post("/v1/api/pipelines/undeploy", {"deployment_id": int(other.infer.split("/")[-2].split("-")[-1])})
    gone = lambda: other.caller.call("POST", "/v1/api/pipelines/delete_pipeline", json=body).status_code == 200  # noqa: E731
    assert eventually(gone)
    assert other.call("GET", f"/batchjobs/{job}").status_code == 404


def _tokens(here: Site, job: str) -> list[Any]:
    tokens = here.caller.call("GET", "/api/v1/tokens").json()
    return [token for token in tokens["tokens"] if token["name"] == f"job {job}"]
