"""What watches over deployments on servers of its own: files, alerts that are sent, failures, and kill -9."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from monitor_stand import WIDTH, Space, row, space
from seldon_stand import BASE, predictor, unit, upload
from small_models import constant_router

from running import RunningServer, StartServer, eventually
from wire import administrator

RANDOM = np.random.default_rng(2)
NAMES = [f"tensor_{place}" for place in range(WIDTH)]


def usual(rows: int = 50) -> Any:
    return RANDOM.normal(size=(rows, WIDTH)).astype(np.float32)


def create(here: Space, name: str, kind: str = "drift-detector", status: int = 200, **basic: Any) -> Any:
    body = {"name": "mine", "config": {"basic": basic}}
    return here.caller.post(f"{here.path(name)}/monitor/{kind}", body, status)


def read(here: Space, name: str, kind: str = "drift-detector") -> Any:
    return here.caller.call("GET", f"{here.path(name)}/monitor/{kind}/mine").json()


def alerts(here: Space) -> list[str]:
    found = here.caller.call("GET", f"{BASE}/alerting/alerts").json()["firingAlerts"]
    return [alert["name"] for alert in found]


def lines(here: Space, **params: Any) -> list[str]:
    found = here.caller.post(f"{BASE}/applicationlogs", {"deployment_namespace": here.name, **params})
    return [line["message"] for line in found["logs"]]


@pytest.fixture(scope="module")
def reading(start_module_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunningServer, Path]:
    """A server that reads files of a folder."""
    folder = tmp_path_factory.mktemp("files")
    return start_module_server(data_roots=folder), folder


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_reference_data_comes_out_of_a_file(reading: tuple[RunningServer, Path], suffix: str) -> None:
    server, folder = reading
    here = space(administrator(server))
    path, file = here.seldon("known"), folder / f"known.{suffix}"
    table = pa.table(dict(zip(NAMES, usual(300).T, strict=True)) | {"note": ["text"] * 300})
    if suffix == "csv":
        pa.csv.write_csv(table, file)
    else:
        pa.parquet.write_table(table, file)
    made = create(here, "known", storage_uri=f"file://{file}", drift_batch_size="40")
    assert (made["status"], made["result"]) == ("Running", None)
    here.ask(path, usual(40).tolist())
    assert eventually(lambda: read(here, "known")["result"], seconds=15)
    first = read(here, "known")["result"]
    assert (first["firing"], first["rows"], set(first["features"])) == (False, 40, set(NAMES))
    here.ask(path, (usual(40) + 1).tolist())
    assert eventually(lambda: read(here, "known")["result"]["firing"], seconds=15)
    stats = f"{here.path('known')}/monitor/featurestatistics"
    of_reference = here.caller.post(stats, {"feature": "tensor_7", "reference_data": True})
    assert of_reference["stats"]["count"] == 300


def test_what_is_no_reference_file_is_refused_and_leaves_nothing(reading: tuple[RunningServer, Path]) -> None:
    server, folder = reading
    here = space(administrator(server))
    here.seldon("known")
    (folder / "words.csv").write_text("a,b\nx,y\n")
    (folder / "torn.parquet").write_bytes(b"PAR1 and no more")
    (folder / "empty.csv").write_text("")
    refused = create(here, "known", status=424, storage_uri="gs://models/drift/alibi")
    assert "alibi-detect" in refused["message"]
    for name, said in (("words.csv", "numbers"), ("torn.parquet", "table"), ("empty.csv", "table"), ("no.csv", "read")):
        assert said in create(here, "known", status=400, storage_uri=f"file://{folder / name}")["message"]
    outside = create(here, "known", status=400, storage_uri="file:///etc/passwd.csv")
    assert "data_roots" in outside["message"]
    assert "drift_batch_size" in create(here, "known", status=400, drift_batch_size="many")["message"]
    assert here.caller.call("GET", f"{here.path('known')}/monitor/drift-detector").json() == []


class Inbox:
    """An address that takes JSON, the first time with an error, and then with the ``statuses`` that it is told."""

    def __init__(self, *statuses: int) -> None:
        self.taken: list[Any] = []
        inbox, left = self, list(statuses)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                inbox.taken.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(left.pop(0) if left else 204)
                self.send_header("location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/alerts?key=secret"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    made = Inbox(500, 302)
    yield made
    made.close()


def test_alerts_are_sent_until_they_are_taken(start_server: StartServer, inbox: Inbox) -> None:
    server = start_server(alert_webhook_url=inbox.url)
    here = space(administrator(server))
    assert here.caller.post(f"{BASE}/alerting/test", True) == {}
    assert eventually(lambda: len(inbox.taken) == 3, seconds=15)
    assert len({json.dumps(body, sort_keys=True) for body in inbox.taken}) == 1
    first = inbox.taken[0]
    assert (first["name"], first["severity"]) == ("test", "info")
    path = here.seldon("drifting")
    create(here, "drifting", drift_batch_size="30")
    here.ask(path, usual(30).tolist())
    assert eventually(lambda: read(here, "drifting")["status"] == "Running", seconds=15)
    here.ask(path, (usual(30) + 3).tolist())
    assert eventually(lambda: len(inbox.taken) == 4, seconds=15)
    assert (inbox.taken[3]["name"], here.name in inbox.taken[3]["title"]) == ("drift-mine", True)
    assert inbox.taken[3]["id"] != first["id"]


def test_a_killed_server_goes_on_where_its_detectors_were(start_server: StartServer) -> None:
    server = start_server()
    here = space(administrator(server))
    path = here.seldon("kept")
    create(here, "kept", "outlier-detector", drift_batch_size="50")
    here.ask(path, usual(50).tolist())
    assert eventually(lambda: read(here, "kept", "outlier-detector")["status"] == "Running", seconds=15)
    for _ in range(5):
        here.ask(path, [row(500)])
    server.kill()
    again = start_server(data=server.data)
    here = Space(administrator(again), here.name, here.workspace_id)

    def outlying() -> int:
        body = {"feature": "tensor_0", "filters": [{"is_outlier": True}]}
        found = here.caller.post(f"{here.path('kept')}/monitor/featurestatistics", body)
        return int(found["total_instances"])

    assert eventually(lambda: outlying() == 5, seconds=20)
    logs = here.caller.post(
        f"{BASE}/inference-logs/namespace/{here.name}/seldondeployments/kept", {"predictorName": "main"}
    )
    assert logs["totalCount"] == 6


def test_failures_of_nodes_and_shadows_are_lines_of_the_log(live_server: RunningServer) -> None:
    here = space(administrator(live_server))
    upload(here.caller, here.workspace_id, "far", constant_router(7))
    lost = unit("lost", "far", unit("a", "one"), type="ROUTER")
    here.seldon("whole")
    shadowed = here.seldon("shadowed", predictor("main", unit("first", "one")), predictor("copy", lost, shadow=True))
    failing = here.seldon("failing", predictor("main", lost))
    for _ in range(3):
        here.ask(shadowed, usual(1).tolist())
        here.caller.post(failing, {"data": {"ndarray": usual(1).tolist()}}, 400)
    assert eventually(lambda: bool(said(here, "failing", "chose branch 7")), seconds=10)
    assert eventually(lambda: bool(said(here, "shadowed", "the shadow failed")), seconds=10)
    [worker] = {line.split("]")[0].strip("[") for line in lines(here) if "loaded revision" in line}
    assert said(here, "failing", f"[{worker} lost] node 'lost' chose branch 7")
    assert not said(here, "whole", "branch")
    assert not said(here, "failing", "branch", container_name="a")
    assert said(here, "failing", "loaded revision", container_name="a")
    assert lines(here, pod_name=f"failing-main-{worker}") == lines(here, pod_name="failing")
    assert lines(here, pod_name=worker) == lines(here)
    assert lines(here, pod_name="never") == []
    some = here.caller.post(f"{BASE}/applicationlogs", {"deployment_namespace": here.name, "size": 1})
    assert (len(some["logs"]), some["total"]) == (1, len(lines(here)))
    assert lines(here, **{"from": 1})[0] == lines(here)[1]
    assert here.caller.post(f"{BASE}/applicationlogs", {"from": -1}, 400)["code"] == 400


def said(here: Space, pod: str, words: str, **params: Any) -> list[str]:
    """The lines about a pod that say so."""
    return [line for line in lines(here, pod_name=pod, **params) if words in line]


def test_a_deployment_that_fails_is_an_alert(start_server: StartServer) -> None:
    server = start_server()
    here = space(administrator(server))
    here.seldon("broken")
    blobs = [file for file in (server.data / "blobs").rglob("*") if file.is_file()]
    server.kill()
    for blob in blobs:
        blob.chmod(0o600)
        blob.write_bytes(b"damaged")
    again = start_server(data=server.data)
    here = Space(administrator(again), here.name, here.workspace_id)
    assert eventually(lambda: "deployment-failed" in alerts(here), seconds=20)
    assert any("cannot load revision" in line for line in lines(here))
