"""Every operation of the unmodified ``seldon-deploy-sdk`` 2.4.0 answers with its type, or says clearly why not."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from seldon_operations import ROWS, Row
from seldon_operations.row import VALUES
from seldon_stand import namespace, upload

from running import RunningServer, StartServer, environment
from wire import Caller, administrator

_SCRIPT = Path(__file__).parent / "catalogue_sdk" / "replay.py"
_API = Path(__file__).parents[3] / "docs" / "reference" / "seldon-api.md"
_SECONDS = 170
_KUBERNETES = {"metadata", "conditions", "readyReplicas"}
_OURS = {"Action", "Message", "linesDone", "linesFailed", "message", "reason", "result", *_KUBERNETES}
"""Members that the published API does not have: of revisions, jobs and detectors, and as Kubernetes itself has them."""
_TITLES = [f"{at}-{row.title}" for at, row in enumerate(ROWS)]


class _Channel(BaseHTTPRequestHandler):
    """Takes every alert."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is the base's
        """Alerts are not worth a line in the output of tests."""


@pytest.fixture(scope="module")
def channel() -> Iterator[str]:
    """Where alerts go."""
    with HTTPServer(("127.0.0.1", 0), _Channel) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/alerts"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("operations")


@pytest.fixture(scope="module")
def server(start_module_server: StartServer, folder: Path, channel: str) -> RunningServer:
    return start_module_server(data_roots=f"{folder}/{{namespace}}", alert_webhook_url=channel)


@pytest.fixture(scope="module")
def replayed(server: RunningServer, folder: Path, seldon_python: Path) -> dict[str, Any]:
    """What came of all rows, one after another, and what operations the SDK has."""
    caller = administrator(server)
    space, workspace_id = namespace(caller)
    for name, file in (("one", "ccfraud.onnx"), ("two", "ccfraud_v2.onnx")):
        upload(caller, workspace_id, name, file)
    return _replay(seldon_python, caller, folder / space, {"$space": space, **_files(folder / space)})


def _replay(python: Path, caller: Caller, folder: Path, values: dict[str, str]) -> dict[str, Any]:
    rows = [asdict(row) for row in ROWS]
    given = {"url": caller.url, "token": caller.token, "values": values, "rows": rows}
    (folder / "given.json").write_text(json.dumps(given))
    command = [python, _SCRIPT, folder / "given.json", folder / "result.json"]
    done = subprocess.run(command, env=environment(), capture_output=True, check=False, text=True, timeout=_SECONDS)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return found


def _files(own: Path) -> dict[str, str]:
    """What the rows upload, read and write, by name; in a new folder."""
    own.mkdir()
    tensor = {"name": "tensor", "shape": [1, len(VALUES)], "datatype": "FP32", "data": VALUES}
    (own / "question.json").write_text(json.dumps({"data": {"ndarray": [VALUES]}}))
    (own / "tensors.json").write_text(json.dumps({"inputs": [tensor]}))
    (own / "input.jsonl").write_text("".join(f"{json.dumps([VALUES])}\n" for _ in range(3)))
    uri = partial("file://{}/{}".format, own)
    uploads = {"$question": str(own / "question.json"), "$tensors": str(own / "tensors.json")}
    return {**uploads, "$input": uri("input.jsonl"), "$output": uri("output.jsonl")}


def test_the_table_has_every_operation_of_the_sdk_and_no_other(replayed: dict[str, Any]) -> None:
    known = {tuple(each) for each in replayed["operations"]}
    assert {(row.api, row.operation) for row in ROWS} == known
    assert (len(known), len({api for api, _ in known})) == (124, 22)


@pytest.mark.parametrize("at", range(len(ROWS)), ids=_TITLES)
def test_it_answers_as_the_table_says(replayed: dict[str, Any], at: int) -> None:
    row, found = ROWS[at], replayed["outcomes"][at]
    assert found["content_type"] == "application/json", found
    if status := _refusal(row):
        assert found["status"] == status, found
        _assert_clear(json.loads(found["body"]), status)
    else:
        assert found["status"] == 200, found
        _assert_typed(row, found)


def _refusal(row: Row) -> int | None:
    """The status of the error that is documented here, if there is one."""
    missing = row.needs is not None and find_spec(row.needs) is None
    return 424 if missing else row.refused


def _assert_clear(body: dict[str, Any], status: int) -> None:
    assert body["code"] == status
    assert len(body["message"]) > 10
    assert body["requestId"]
    assert body["details"] == []


def _assert_typed(row: Row, found: dict[str, Any]) -> None:
    item = row.gives.removeprefix("list[").removesuffix("]")
    if item != row.gives:
        assert (found["type"], found["items"]) == ("list", [item]), found
        return
    assert found["type"] == row.gives, found
    if row.gives not in ("dict", "str"):
        assert found["answer"], "an object without any member is what the SDK makes of a page"


@pytest.mark.parametrize("at", range(len(ROWS)), ids=_TITLES)
def test_what_is_sent_reaches_the_user_but_for_what_is_documented_as_ours(replayed: dict[str, Any], at: int) -> None:
    found = replayed["outcomes"][at]
    if found["status"] == 200:
        assert set(_lost(found["sent"], found["answer"])) <= _OURS


def _lost(sent: Any, got: Any) -> Iterator[str]:
    """The members that are not in the SDK's object."""
    if isinstance(sent, dict):
        for name, value in sent.items():
            if value is not None:
                yield from _lost(value, got[name]) if name in got else [name]
    elif isinstance(sent, list):
        for value, other in zip(sent, got, strict=True):
            yield from _lost(value, other)


def test_every_operation_turns_nobody_away_with_an_error_in_json(
    server: RunningServer, seldon_python: Path, folder: Path
) -> None:
    values = {"$space": "nowhere", **_files(folder / "nobody")}
    found = _replay(seldon_python, Caller(server.url, "wrong"), folder / "nobody", values)
    for row, outcome in zip(ROWS, found["outcomes"], strict=True):
        assert (outcome["status"], outcome["content_type"]) == (401, "application/json"), (row, outcome)
        _assert_clear(json.loads(outcome["body"]), 401)


def test_the_reference_tells_of_every_operation() -> None:
    told = [line.split("`")[1] for line in _API.read_text().splitlines() if line.startswith("| `") and "| `" in line]
    assert {row.operation for row in ROWS} <= set(told)
