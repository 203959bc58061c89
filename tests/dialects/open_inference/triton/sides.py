"""The same calls for tritonclient's two clients. Runs in the client's own environment."""

import json
import sys

import numpy as np
import tritonclient.grpc as over_grpc
import tritonclient.http as over_http
from tritonclient.utils import InferenceServerException

GIVEN = json.loads(sys.argv[1])
FRAUD = np.full((1, 29), 0.5, dtype=np.float32)
VALUES = {
    "BOOL": np.array([[True, False]]),
    "UINT8": np.array([[0, 255]], dtype=np.uint8),
    "UINT16": np.array([[0, 2**16 - 1]], dtype=np.uint16),
    "UINT32": np.array([[0, 2**32 - 1]], dtype=np.uint32),
    "UINT64": np.array([[0, 2**64 - 1]], dtype=np.uint64),
    "INT8": np.array([[-128, 127]], dtype=np.int8),
    "INT16": np.array([[-(2**15), 2**15 - 1]], dtype=np.int16),
    "INT32": np.array([[-(2**31), 2**31 - 1]], dtype=np.int32),
    "INT64": np.array([[-(2**63), 2**63 - 1]], dtype=np.int64),
    "FP16": np.array([[0.5, -2]], dtype=np.float16),
    "FP32": np.array([[0.1, -3e38]], dtype=np.float32),
    "FP64": np.array([[0.1, 1e300]], dtype=np.float64),
    "BYTES": np.array([["", "Grüße"]], dtype=object),
}


class Side:
    """One of the clients with the token in all its calls."""

    def __init__(self, kind):
        module, address = (over_http, "http") if kind == "http" else (over_grpc, "grpc")
        self.module = module
        self.client = module.InferenceServerClient(GIVEN[address])
        token = f"Bearer {GIVEN['token']}"
        self.headers = {"authorization": token}

    def call(self, name, *arguments, **keywords):
        headers = dict(self.headers)  # a copy: the HTTP client adds its own to what it is given, and leaves them there
        return getattr(self.client, name)(*arguments, headers=headers, **keywords)

    def json(self, name, *arguments):
        """What the call gives as JSON, which the HTTP client gives always."""
        keywords = {} if self.module is over_http else {"as_json": True}
        return self.call(name, *arguments, **keywords)

    def infer(self, model, inputs, outputs=None, binary=True, **keywords):
        made, http = [], self.module is over_http
        form = {"binary_data": binary} if http else {}
        for name, array, datatype in inputs:
            given = self.module.InferInput(name, array.shape, datatype)
            given.set_data_from_numpy(array, **form)
            made.append(given)
        asked = [self.module.InferRequestedOutput(name, **form) for name in outputs or []]
        return self.call("infer", model, made, outputs=asked or None, **keywords)

    def refused(self, *arguments, **keywords):
        try:
            self.infer(*arguments, **keywords)
        except InferenceServerException as error:
            return f"{error.status()} {error.message()}"
        raise AssertionError("it was not refused")


def text(array):
    return [value.decode() if isinstance(value, bytes) else value for value in array.ravel().tolist()]
