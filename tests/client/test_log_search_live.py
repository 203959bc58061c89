"""Searching, taking out and replaying the logs of a running server: by the client and by the command line."""

import io
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelyard.cli import run
from modelyard.client import (
    Client,
    ExportFormat,
    InvalidRequestError,
    LogCondition,
    LogQuery,
    LogScope,
    NotFoundError,
    Order,
    Pipeline,
    ReplayOf,
)
from running import RunningServer
from wire import invite

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True)
class Scene:
    """A pipeline that answered 40 rows in two requests, and its administrator."""

    client: Client
    pipeline: Pipeline
    scope: LogScope


@pytest.fixture(scope="module")
def scene(live_server: RunningServer) -> Iterator[Scene]:
    with Client(
        live_server.url, username=live_server.admin_username, password=live_server.admin_password, environ={}
    ) as client:
        workspace = client.workspaces.create(f"search-{uuid.uuid4().hex[:8]}")
        version = client.models.upload(workspace, "ccfraud", EXAMPLES / "models" / "ccfraud.onnx")
        pipeline = client.pipelines.create(workspace, "fraud", [version])
        client.deployments.wait_running(client.deployments.deploy(pipeline))
        pipeline = client.pipelines.get(workspace, "fraud")
        with pa.ipc.open_file(EXAMPLES / "data" / "ccfraud_1k.arrow") as reader:
            rows = reader.read_all()
        for low in (0, 20):
            client.inference.table(pipeline.deployment, rows[low : low + 20])
        yield Scene(client, pipeline, LogScope(workspace, ("fraud",)))


def test_a_search_finds_the_answered_rows_by_their_values(scene: Scene) -> None:
    search = scene.client.log_search
    everything = search.search(scene.scope, limit=1000)
    assert (len(everything.rows), everything.more) == (40, False)
    values = [row["out.dense_1"][0] for row in everything.rows]
    high = LogQuery((LogCondition("out.dense_1", ">", 0.01),), ("out.dense_1",), Order.OLDEST_FIRST)
    found = search.search(scene.scope, high, limit=1000)
    assert [row["out.dense_1"][0] for row in found.rows] == [value for value in reversed(values) if value > 0.01]
    assert found.columns == ("out.dense_1",)
    one = everything.rows[0]["metadata.request_id"]
    assert len(search.search(LogScope(scene.scope.workspace_id, request_id=one), limit=100).rows) == 20


def test_sql_counts_what_is_logged(scene: Scene) -> None:
    found = scene.client.log_search.sql("select pipeline, count(*) as n from logs group by all", scene.scope)
    assert found.rows == [{"pipeline": "fraud", "n": 40}]
    with pytest.raises(InvalidRequestError, match="there is no table"):
        scene.client.log_search.sql("from '/etc/passwd'", scene.scope)


def test_who_may_not_read_the_log_finds_nothing(scene: Scene, live_server: RunningServer) -> None:
    person = invite(live_server, "stranger")
    with Client(live_server.url, username=person.email, password=person.password, environ={}) as stranger:
        assert stranger.log_search.search(LogScope(scene.scope.workspace_id)).rows == []
        assert stranger.log_search.sql("select count(*) as n from logs").rows == [{"n": 0}]
        with pytest.raises(NotFoundError):
            stranger.log_search.search(scene.scope)
        with pytest.raises(NotFoundError):
            b"".join(stranger.log_search.export(scene.scope))
        with pytest.raises(NotFoundError):
            stranger.replays.create(scene.pipeline)


def test_an_export_is_a_file_of_all_rows(scene: Scene) -> None:
    pieces = scene.client.log_search.export(scene.scope, LogQuery(), ExportFormat.PARQUET)
    table = pq.read_table(io.BytesIO(b"".join(pieces)))
    assert table.num_rows == 40
    assert table.column("in.tensor").type.value_type == pa.float32()


def test_the_same_version_answers_a_replay_the_same(scene: Scene) -> None:
    replays = scene.client.replays
    ended = replays.wait(scene.pipeline, replays.create(scene.pipeline), 60)
    assert (ended.state, ended.error) == ("Succeeded", None)
    assert ended.report is not None
    assert [ended.report[name] for name in ("rows", "equal", "changed", "failed")] == [40, 40, 0, 0]
    assert ended.report["latencyMilliseconds"]["logged"]["mean"] > 0
    assert ended.report["examples"] == []


def test_a_replay_by_another_version_says_which_rows_differ_and_logs_nothing(scene: Scene) -> None:
    client, pipeline = scene.client, scene.pipeline
    other = client.models.upload(scene.pipeline.workspace_id, "other", EXAMPLES / "models" / "ccfraud_v2.onnx")
    client.pipelines.create(pipeline.workspace_id, pipeline.name, [other])
    newest = client.pipelines.get(pipeline.workspace_id, pipeline.name).versions[0].version
    ended = client.replays.wait(pipeline, client.replays.create(pipeline, ReplayOf(limit=30)), 60)
    assert ended.report is not None, ended.error
    assert ended.report["version"] == newest
    assert ended.report["rows"] == 30
    assert ended.report["changed"] == 30
    assert client.log_search.sql("select count(*) as n from logs", scene.scope).rows == [{"n": 40}]


def test_the_command_line_searches_exports_and_replays(
    scene: Scene,
    live_server: RunningServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in {
        "URL": live_server.url,
        "USERNAME": live_server.admin_username,
        "PASSWORD": live_server.admin_password,
        "WORKSPACE": next(w.name for w in scene.client.workspaces.list() if w.id == scene.scope.workspace_id),
    }.items():
        monkeypatch.setenv(f"MODELYARD_{name}", value)
    monkeypatch.delenv("MODELYARD_TOKEN", raising=False)
    assert run(["logs", "query", "fraud", "--where", "out.dense_1 >= 0", "-n", "5", "-o", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 5
    assert run(["logs", "sql", "select count(*) as n from fraud", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"n": 40}]
    file = tmp_path / "rows.csv"
    assert run(["logs", "export", "fraud", "--format", "csv", "--out", str(file)]) == 0
    assert len(file.read_text().splitlines()) == 41
    first = scene.pipeline.versions[0].version
    capsys.readouterr()
    report = tmp_path / "report.json"
    assert run(["logs", "replay", "fraud", "--version", first, "--out", str(report)]) == 0
    assert "Changed" in capsys.readouterr().out
    assert json.loads(report.read_text())["equal"] == 40
