"""Models in processes of their own together with others, with texts and JSON values, in every protocol."""

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pytest

import real_clients
import uploading_models
from dialects.wallaroo import deploying
from trying_models import Tried

STEP = '''"""Decide by a score, and say why."""

import numpy as np


def predict(inputs):
    scores = inputs["dense_1"][:, 0].astype(float)
    reasons = [{"above": bool(score > 0.5), "scores": [score]} if score < 0.9 else None for score in scores]
    answers = np.empty(len(scores), dtype=object)
    answers[:] = reasons
    return {"score": scores, "decision": np.where(scores > 0.5, "HIGH", "LOW"), "reasons": answers}
'''
TELLS = '''"""Says what it was given."""

import numpy as np


def predict(inputs):
    given = inputs["thing"]
    told = np.empty(len(given), dtype=object)
    told[:] = [{"given": one} for one in given]
    names = np.array([type(one).__name__ for one in given], dtype=object)
    return {"kind": names, "text": np.char.upper(inputs["text"].astype(str)), "told": told}
'''
THINGS = [{"a": [1, None]}, [1, [2]], "words", 3.5]


def tensor(name: str, dtype: str, *sizes: int) -> dict[str, Any]:
    return {"name": name, "dtype": dtype, "shape": [None, *sizes]}


def step(folder: Path, text: str, inputs: list[dict[str, Any]], outputs: list[dict[str, Any]]) -> dict[str, Any]:
    """A Python step, as examples are described."""
    path = folder / "step.py"
    path.write_text(text)
    return {"framework": "python", "requirements": [], "path": str(path), "inputs": inputs, "outputs": outputs}


@pytest.fixture(scope="module")
def decides(tried: Tried, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """An ONNX model ``score``, and two Python steps behind it that decide differently; the first one's version."""
    inputs = [tensor("dense_1", "float32", 1)]
    outputs = [tensor("score", "float64"), tensor("decision", "string"), tensor("reasons", "json")]
    deploying.upload(tried.caller, tried.workspace_id, "ccfraud.onnx", "score")
    versions = [
        tried.ready(name, step(tmp_path_factory.mktemp("step"), text, inputs, outputs))
        for name, text in (
            ("decide", STEP.replace("HIGH", "refuse").replace("LOW", "accept")),
            ("decide-otherwise", STEP.replace("HIGH", "stop").replace("LOW", "go")),
        )
    ]
    return versions[0]


def reason(score: float) -> Any:
    return None if score >= 0.9 else {"above": score > 0.5, "scores": [pytest.approx(score)]}


def test_processes_and_models_of_the_server_work_together(tried: Tried, decides: dict[str, Any]) -> None:
    rows = [[0.01 * (row + column) for column in range(29)] for row in range(3)]
    done = tried.sdk("mixing", workspace=tried.workspace, rows=rows)
    chained = done["chained"]
    assert len(chained["score"]) == len(rows)
    assert chained["decision"] == ["refuse" if score > 0.5 else "accept" for score in chained["score"]]
    for way in ("reasons", "logged", "logged_in_arrow"):
        assert chained[way] == [reason(score) for score in chained["score"]], way
    decisions = {"decide": ["accept", "refuse"], "decide-otherwise": ["go", "stop"]}
    assert {name for name, *_ in done["split"]} == set(decisions)
    assert all(decision == decisions[name] for name, *decision in done["split"])
    assert done["shadow"] == [*decisions.values()]
    high = [score > 0.5 for score in chained["score"]]
    assert done["checked"] == {"count": [2 * each for each in high], "high": high, "refused": high}


@pytest.fixture(scope="module")
def tells(tried: Tried, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The namespace of a model that takes JSON values and texts."""
    inputs = [tensor("thing", "json"), tensor("text", "string")]
    outputs = [tensor("kind", "string"), tensor("text", "string"), tensor("told", "json")]
    version = tried.ready("tells", step(tmp_path_factory.mktemp("step"), TELLS, inputs, outputs))
    return tried.running("tells", {"ModelInference": {"models": [uploading_models.step(version)]}})


KINDS = ["dict", "list", "str", "float"]
TOLD = [{"given": thing} for thing in THINGS]


def test_json_values_and_texts_are_answered_as_json(tried: Tried, tells: str) -> None:
    answered = tried.infer(tells, [{"thing": thing, "text": "é"} for thing in THINGS])
    assert [row["out"]["kind"] for row in answered] == KINDS
    assert [row["out"]["text"] for row in answered] == ["É"] * 4
    assert [row["out"]["told"] for row in answered] == TOLD
    (alone,) = tried.infer(tells, [{"thing": THINGS[0], "text": "one row"}])
    assert alone["out"]["told"] == TOLD[0]


def test_json_values_are_answered_as_texts_in_arrow(tried: Tried, tells: str) -> None:
    table = pa.table({"thing": [{"a": 1}, {"a": 2}], "text": ["a", "b"]})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as file:
        file.write_table(table)
    kind = "application/vnd.apache.arrow.file"
    headers = {"content-type": kind, "accept": kind}
    answer = tried.caller.call("POST", deploying.path(tells), data=sink.getvalue().to_pybytes(), headers=headers)
    assert answer.status_code == 200, answer.text
    read = pa.ipc.open_file(answer.content).read_all()
    told = read["out"].combine_chunks().field("told") if "out" in read.column_names else read["out.told"]
    assert told.type == pa.string()
    assert [json.loads(each) for each in told.to_pylist()] == [{"given": {"a": 1}}, {"given": {"a": 2}}]


def test_json_values_are_bytes_in_the_open_inference_protocol(tried: Tried, tells: str) -> None:
    inputs = [
        {"name": "thing", "shape": [4], "datatype": "BYTES", "data": [json.dumps(thing) for thing in THINGS]},
        {"name": "text", "shape": [4], "datatype": "BYTES", "data": ["a"] * 4},
    ]
    answer = tried.caller.post(f"/v2/models/{tells.rpartition('-')[0]}/infer", {"inputs": inputs})
    outputs = {output["name"]: output for output in answer["outputs"]}
    assert outputs["kind"]["data"] == KINDS
    assert [json.loads(text) for text in outputs["told"]["data"]] == TOLD
    broken = [inputs[0] | {"data": ["{"] * 4}, inputs[1]]
    refused = tried.caller.call("POST", "/v2/models/tells/infer", json={"inputs": broken})
    assert refused.status_code == 400
    assert "a JSON value in each text" in refused.text


def test_json_values_are_answered_in_seldons_protocol(tried: Tried, tells: str) -> None:
    records = [{"thing": thing, "text": "a"} for thing in THINGS[:2]]
    rows = [list(each.values()) for each in records]
    message = {"data": {"names": ["thing", "text"], "ndarray": rows}}
    answer = tried.caller.post(f"/seldon/{slug(tried)}/tells/api/v1.0/predictions", message)
    assert answer["data"]["names"] == ["kind", "text", "told"]
    assert answer["data"]["ndarray"] == [[KINDS[at], "A", TOLD[at]] for at in range(2)]


@pytest.mark.parametrize("way", ["http", "grpc"])
def test_tritonclient_asks_a_process(tried: Tried, tells: str, way: str) -> None:
    addresses = {"http": urlsplit(tried.server.url).netloc, "grpc": f"127.0.0.1:{tried.grpc_port}"}
    given = {**addresses, "token": tried.caller.token, "things": [json.dumps(thing) for thing in THINGS]}
    script = Path(__file__).parents[1] / "dialects" / "open_inference" / "triton" / "texts.py"
    command = [str(real_clients.triton_python()), str(script), json.dumps(given), way]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    assert json.loads(done.stdout) == {"kind": KINDS, "told": TOLD}


def slug(tried: Tried) -> str:
    """The workspace's name in URLs."""
    spaces = tried.caller.call("GET", "/seldon-deploy/api/v1alpha1/cluster").json()["Namespaces"]
    return next(str(space["name"]) for space in spaces if space["uid"] == str(tried.workspace_id))
