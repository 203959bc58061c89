"""Inference over HTTP: what fits is answered, what does not is refused with what was expected and what was given."""

import json
import struct
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from served import FRAUD, Served, fraud, tensor

from dialects.wallaroo import deploying
from wire import Caller

VALUES: dict[str, list[Any]] = {
    "BOOL": [True, False],
    "UINT8": [0, 255],
    "UINT16": [0, 65_535],
    "UINT32": [0, 2**32 - 1],
    "UINT64": [0, 2**64 - 1],
    "INT8": [-128, 127],
    "INT16": [-(2**15), 2**15 - 1],
    "INT32": [-(2**31), 2**31 - 1],
    "INT64": [-(2**63), 2**63 - 1],
    "FP16": [0.5, -2.0],
    "FP32": [0.1, -3e38],
    "FP64": [0.1, 1e300],
    "BYTES": ["", "Grüße"],
}


def every(values: dict[str, list[Any]] = VALUES, **more: Any) -> dict[str, Any]:
    inputs = [tensor(name.lower(), [1, 2], name, data) for name, data in values.items()]
    return {"inputs": inputs, **more}


def expected(row: list[float]) -> float:
    session = ort.InferenceSession(str(deploying.MODELS / "ccfraud.onnx"), providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {"tensor": np.array([row], dtype=np.float32)})
    return float(output[0, 0])


def refused(served: Served, body: Any, status: int = 400, model: str = "ccfraud", **request: Any) -> str:
    answer = served.infer(model, body, **request)
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    assert answer.headers["x-request-id"]
    return str(answer.json()["error"])


def test_a_row_is_answered_with_what_the_model_gives(served: Served) -> None:
    answer = served.infer("ccfraud", fraud(id="42"))
    assert answer.status_code == 200
    said = answer.json()
    assert {key: said[key] for key in ("model_name", "id")} == {"model_name": "ccfraud", "id": "42"}
    assert said["outputs"] == [{"name": "dense_1", "datatype": "FP32", "shape": [1, 1], "data": [said_value(said)]}]
    assert said_value(said) == pytest.approx(expected(FRAUD), rel=1e-6)
    assert answer.headers["x-pipeline-version"] == said["model_version"]


def said_value(said: dict[str, Any]) -> float:
    return float(said["outputs"][0]["data"][0])


def test_nested_data_are_the_same_as_flat_ones(served: Served) -> None:
    rows = np.linspace(-1, 1, 58).reshape(2, 29).tolist()
    flat = [tensor("tensor", [2, 29], "FP32", [*rows[0], *rows[1]])]
    nested = [tensor("tensor", [2, 29], "FP32", rows)]
    answers = [served.infer("ccfraud", {"inputs": inputs}).json()["outputs"] for inputs in (flat, nested)]
    assert answers[0] == answers[1]
    assert answers[0][0]["shape"] == [2, 1]


def test_each_datatype_comes_back_as_it_went(served: Served) -> None:
    answer = served.infer("every", every())
    assert answer.status_code == 200, answer.text
    back = {output["datatype"]: output["data"] for output in answer.json()["outputs"]}
    assert back.keys() == VALUES.keys()
    for datatype, values in VALUES.items():
        wanted = values if datatype != "FP32" else [float(np.float32(value)) for value in values]
        assert back[datatype] == (pytest.approx(wanted) if datatype == "FP32" else wanted), datatype


def test_one_address_or_another_is_the_same_deployment(served: Served) -> None:
    version = served.infer("ccfraud", fraud()).json()["model_version"]
    root, below = "/v2/models", f"/seldon/{served.namespace}/ccfraud/v2"
    paths = [
        f"{root}/ccfraud/versions/{version}/infer",
        f"{root}/{served.namespace}.ccfraud/infer",
        f"{root}/{served.namespace}.ccfraud.pipeline/infer",
        f"{root}/ccfraud.pipeline/infer",
        "/v2/pipelines/ccfraud/infer",
        f"{below}/models/ccfraud/infer",
        f"{below}/models/infer",
        f"{below}/models/ccfraud/versions/{version}/infer",
    ]
    answers = [served.post(path, json.dumps(fraud()).encode()) for path in paths]
    assert [answer.status_code for answer in answers] == [200] * len(paths)
    assert len({json.dumps(answer.json()["outputs"]) for answer in answers}) == 1
    named = served.infer("whatever", fraud(), headers={"Seldon-Model": "ccfraud"})
    assert named.json()["outputs"] == answers[0].json()["outputs"]


@pytest.mark.parametrize(
    "path",
    [
        "/v2/models/nothing/infer",
        "/v2/models/nowhere.ccfraud/infer",
        "/v2/models/ccfraud/versions/00000000-0000-4000-8000-000000000000/infer",
        "/seldon/nowhere/ccfraud/v2/models/ccfraud/infer",
    ],
)
def test_what_is_not_there_is_not_found(served: Served, path: str) -> None:
    answer = served.post(path, json.dumps(fraud()).encode())
    assert answer.status_code == 404
    assert "not found" in answer.json()["error"]


def test_a_node_that_the_graph_does_not_have_is_not_found(served: Served) -> None:
    path = f"/seldon/{served.namespace}/ccfraud/v2/models/other/infer"
    assert served.post(path, json.dumps(fraud()).encode()).status_code == 404


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (tensor("tensro", [1, 29], "FP32", FRAUD), ["'tensro'", "tensor: FP32 [-1, 29]"]),
        (tensor("tensor", [1, 28], "FP32", FRAUD[1:]), ["expected shape [-1, 29]", "got [1, 28]"]),
        (tensor("tensor", [29], "FP32", FRAUD), ["expected shape [-1, 29]", "got [29]"]),
        (tensor("tensor", [1, 1, 29], "FP32", FRAUD), ["expected shape [-1, 29]", "got [1, 1, 29]"]),
        (tensor("tensor", [], "FP32", []), ["expected shape [-1, 29]", "got []"]),
        (tensor("tensor", [1, 29], "FP64", FRAUD), ["expected datatype FP32", "got FP64"]),
        (tensor("tensor", [1, 29], "BF16", FRAUD), ["expected datatype FP32", "got BF16"]),
        (tensor("tensor", [1, 29], "FP32", FRAUD[1:]), ["expected 29 values", "got 28"]),
        (tensor("tensor", [2, 29], "FP32", FRAUD), ["expected 58 values", "got 29"]),
        (tensor("tensor", [1, 29], "FP32", ["1"] * 29), ["FP32 values", "got `str`"]),
        (tensor("tensor", [1, 29], "FP32", [None] * 29), ["FP32 values", "got `null`"]),
        (tensor("tensor", [1, 29], "FP32", [True] * 29), ["FP32 values", "got `bool`"]),
        (tensor("tensor", [1, 29], "FP32", [[1.0] * 28]), ["data of shape [1, 29]", "got [1, 28]"]),
        (tensor("tensor", [0, 29], "FP32", []), ["no rows"]),
        (tensor("tensor", [-1, 29], "FP32", FRAUD), ["sizes of 0 or more", "got [-1, 29]"]),
        (tensor("tensor", [10**9, 29], "FP32", FRAUD), ["expected 29000000000 values", "got 29"]),
        ({"name": "tensor", "shape": [1, 29], "datatype": "FP32"}, ["'tensor' has no data"]),
        ({"name": "tensor", "shape": "1,29", "datatype": "FP32", "data": FRAUD}, ["shape", "Expected `array`"]),
    ],
)
def test_a_tensor_that_does_not_fit_is_refused_with_both_sides(
    served: Served, given: dict[str, Any], words: list[str]
) -> None:
    message = refused(served, {"inputs": [given]})
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"[]", "Expected `object`"),
        (b"{}", "inputs"),
        (b'{"inputs": []}', "'tensor' is missing"),
        (b'{"inputs": [{"name": "tensor", "shape": [1, 29], "datatype": "FP32", "data": [NaN]}]}', "not valid JSON"),
        (b'{"inputs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "inputs"),
        (b'{"inputs": [{"name": "tensor", "shape": [1, 29], "datatype": "FP32", "data": ' + b"[" * 5000, "JSON"),
        (b"\xff\xfe", "not valid JSON"),
    ],
)
def test_a_body_that_is_no_request_is_refused(served: Served, body: bytes, word: str) -> None:
    assert word in refused(served, body)


def test_numbers_beyond_their_type_are_refused(served: Served) -> None:
    whole = (("UINT8", 256), ("INT8", -129), ("UINT64", -1), ("INT64", 2**63), ("INT32", 0.5))
    for datatype, value in (*whole, ("FP16", -7e4), ("FP32", 1e39)):
        message = refused(served, every(VALUES | {datatype: [0, value]}), model="every")
        assert datatype.lower() in message


def test_two_tensors_of_one_name_are_refused(served: Served) -> None:
    assert "two input tensors" in refused(served, {"inputs": fraud()["inputs"] * 2})


def test_only_the_outputs_asked_for_are_answered(served: Served) -> None:
    answer = served.infer("every", every(outputs=[{"name": "same_bool"}, {"name": "same_bytes"}]))
    assert [output["name"] for output in answer.json()["outputs"]] == ["same_bool", "same_bytes"]
    message = refused(served, fraud(outputs=[{"name": "dense_2"}]))
    assert "'dense_2'" in message
    assert "'dense_1'" in message


def test_bytes_go_and_come_behind_the_json(served: Served) -> None:
    raw = np.array(FRAUD, dtype="<f4").tobytes()
    given = {"name": "tensor", "shape": [1, 29], "datatype": "FP32", "parameters": {"binary_data_size": len(raw)}}
    head = json.dumps({"inputs": [given], "parameters": {"binary_data_output": True}}).encode()
    answer = served.infer("ccfraud", head + raw, headers={"Inference-Header-Content-Length": str(len(head))})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/octet-stream"
    length = int(answer.headers["inference-header-content-length"])
    (output,) = json.loads(answer.content[:length])["outputs"]
    assert output["parameters"] == {"binary_data_size": 4}
    assert "data" not in output
    assert struct.unpack("<f", answer.content[length:])[0] == pytest.approx(expected(FRAUD), rel=1e-6)


@pytest.mark.parametrize("length", ["-1", "1e3", "99999999999999999999999999", "1000000", "0x10", "", "²"])
def test_a_header_length_that_cannot_be_is_refused(served: Served, length: str) -> None:
    header = {"Inference-Header-Content-Length": length.encode("utf-8")}
    assert "Inference-Header-Content-Length" in refused(served, fraud(), headers=header)


@pytest.mark.parametrize("size", [0, 115, 117, 10**18, -1, 1.5, True, "116"])
def test_binary_data_of_another_size_are_refused(served: Served, size: Any) -> None:
    given = {"name": "tensor", "shape": [1, 29], "datatype": "FP32", "parameters": {"binary_data_size": size}}
    head = json.dumps({"inputs": [given]}).encode()
    header = {"Inference-Header-Content-Length": str(len(head))}
    assert "byte" in refused(served, head + bytes(116), headers=header)


def test_binary_numbers_that_are_none_are_refused(served: Served) -> None:
    raw = np.full(29, np.nan, dtype="<f4").tobytes()
    given = {"name": "tensor", "shape": [1, 29], "datatype": "FP32", "parameters": {"binary_data_size": len(raw)}}
    head = json.dumps({"inputs": [given]}).encode()
    assert "NaN" in refused(served, head + raw, headers={"Inference-Header-Content-Length": str(len(head))})


def test_the_request_id_is_the_clients_or_a_new_one(served: Served) -> None:
    given = served.infer("ccfraud", fraud(), headers={"x-request-id": "mine-1"})
    assert given.headers["x-request-id"] == given.json()["id"] == "mine-1"
    both = served.infer("ccfraud", fraud(id="7"), headers={"x-request-id": "mine-1"})
    assert (both.headers["x-request-id"], both.json()["id"]) == ("mine-1", "7")
    made = {served.infer("ccfraud", fraud()).headers["x-request-id"] for _ in range(3)}
    assert len(made) == 3
    wrong = served.infer("ccfraud", {}, headers={"x-request-id": "mine-2"})
    assert (wrong.status_code, wrong.headers["x-request-id"]) == (400, "mine-2")


def test_without_a_token_nothing_is_told(served: Served) -> None:
    below = f"/seldon/{served.namespace}/ccfraud/v2/models/infer"
    for path in ("/v2/models/ccfraud/infer", "/v2/models/nothing/infer", below):
        answer = Caller(served.server.url).call("POST", path, json=fraud())
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert "ccfraud" not in answer.text


def test_large_batches_are_answered_too(served: Served) -> None:
    rows = np.random.default_rng(0).normal(size=(2000, 29)).astype(np.float32)
    answer = served.infer("ccfraud", {"inputs": [tensor("tensor", [2000, 29], "FP32", rows.ravel().tolist())]})
    assert answer.json()["outputs"][0]["shape"] == [2000, 1]
    one = served.infer("ccfraud", {"inputs": [tensor("tensor", [1, 29], "FP32", rows[7].tolist())]})
    assert answer.json()["outputs"][0]["data"][7] == pytest.approx(one.json()["outputs"][0]["data"][0], rel=1e-5)


def test_what_was_answered_is_logged(served: Served) -> None:
    value = 0.123046875
    said = served.infer("ccfraud", {"inputs": [tensor("tensor", [1, 29], "FP32", [value] * 29)]}).json()
    body = {"pipeline_name": "ccfraud", "workspace_id": served.workspace_id, "order": "Desc", "page_size": 1}
    (row,) = served.caller.post("/v1/api/pipelines/get_logs", body)
    assert row["in"]["tensor"] == [value] * 29
    assert row["out"]["dense_1"] == said["outputs"][0]["data"]
