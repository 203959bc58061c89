"""All that the client offers, over one of its ways (the second argument); asserts what comes back."""

import sys

import numpy as np
from sides import FRAUD, GIVEN, VALUES, Side, text

side = Side(sys.argv[2])

# health and metadata
assert side.call("is_server_live")
assert side.call("is_server_ready")
assert side.call("is_model_ready", "ccfraud")
assert not side.call("is_model_ready", "nothing")
assert side.json("get_server_metadata")["name"] == "modelyard"
metadata = side.json("get_model_metadata", "ccfraud")
(given,), (taken,) = metadata["inputs"], metadata["outputs"]
assert (metadata["name"], given["name"], given["datatype"]) == ("ccfraud", "tensor", "FP32"), metadata
assert [int(size) for size in given["shape"]] == [-1, 29]
assert (taken["name"], [int(size) for size in taken["shape"]]) == ("dense_1", [-1, 1])

# inference
for binary in (True, False):
    result = side.infer("ccfraud", [("tensor", FRAUD, "FP32")], ["dense_1"], binary, request_id="r-1")
    np.testing.assert_allclose(result.as_numpy("dense_1"), [[GIVEN["fraud"]]], rtol=1e-6)
    assert result.as_numpy("dense_1").shape == (1, 1)
plain = side.infer("ccfraud", [("tensor", np.repeat(FRAUD, 3, 0), "FP32")], model_version=metadata["versions"][0])
assert plain.as_numpy("dense_1").shape == (3, 1)
response = plain.get_response() if sys.argv[2] == "http" else plain.get_response(as_json=True)
assert response["model_version"] == metadata["versions"][0]

# every datatype, in bytes and where that is possible in JSON
for binary in (True, False):
    inputs = [(name.lower(), array, name) for name, array in VALUES.items()]
    back = side.infer("every", inputs, [f"same_{name.lower()}" for name in VALUES], binary)
    for name, array in VALUES.items():
        got = back.as_numpy(f"same_{name.lower()}")
        if name == "BYTES":
            assert text(got) == text(array)
        else:
            assert got.dtype == array.dtype
            np.testing.assert_array_equal(got, array)

# refusals
message = side.refused("ccfraud", [("tensor", FRAUD[:, 1:], "FP32")])
assert "expected shape [-1, 29]" in message, message
assert "got [1, 28]" in message, message
message = side.refused("ccfraud", [("tensor", FRAUD.astype(np.float64), "FP64")])
assert "expected datatype FP32" in message, message
assert "'tensro'" in side.refused("ccfraud", [("tensro", FRAUD, "FP32")])
assert "'dense_2'" in side.refused("ccfraud", [("tensor", FRAUD, "FP32")], ["dense_2"])
assert "not found" in side.refused("nothing", [("tensor", FRAUD, "FP32")])
side.headers = {}
assert "credentials" in side.refused("ccfraud", [("tensor", FRAUD, "FP32")])

# many at once
side = Side(sys.argv[2])
if sys.argv[2] == "http":
    infer = side.module.InferInput("tensor", FRAUD.shape, "FP32").set_data_from_numpy(FRAUD)
    calls = [side.client.async_infer("ccfraud", [infer], headers=dict(side.headers)) for _ in range(20)]
    answers = [call.get_result() for call in calls]
else:
    import queue

    found = queue.Queue()
    infer = side.module.InferInput("tensor", FRAUD.shape, "FP32").set_data_from_numpy(FRAUD)
    for _ in range(20):
        side.client.async_infer(
            "ccfraud", [infer], lambda result, error: found.put((result, error)), headers=side.headers
        )
    pairs = [found.get(timeout=10) for _ in range(20)]
    assert not any(error for _, error in pairs), pairs
    answers = [result for result, _ in pairs]
assert len({float(answer.as_numpy("dense_1")[0, 0]) for answer in answers}) == 1

# the repository
index = side.json("get_model_repository_index")
models = index if isinstance(index, list) else index["models"]
states = {model["name"]: model["state"] for model in models}
assert states["ccfraud"] == "READY", states
assert states[GIVEN["spare"]] == "UNAVAILABLE", states
side.call("load_model", GIVEN["spare"])
assert side.call("is_model_ready", GIVEN["spare"])
np.testing.assert_allclose(
    side.infer(GIVEN["spare"], [("tensor", FRAUD, "FP32")]).as_numpy("dense_1"), [[GIVEN["fraud"]]], rtol=1e-6
)
side.call("unload_model", GIVEN["spare"])
assert not side.call("is_model_ready", GIVEN["spare"])
print("done")
