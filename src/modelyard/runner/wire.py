"""How a runner asks a deployment: the one place that knows inference protocols.

A deployment is asked where it answers itself, below ``/seldon/{namespace}/{name}``: in Seldon's protocol when it is a
SeldonDeployment of that protocol, otherwise in the Open Inference Protocol (V2).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from modelyard.core.automation.payloads import Manner, Record, read_tensors, shaped, transposed
from modelyard.core.automation.running import Work
from modelyard.core.kernel.errors import invalid
from modelyard.core.serving.signature import TensorSpec
from modelyard.core.serving.tables import from_records

_KINDS = {"f": "FP", "i": "INT", "u": "UINT"}
_INFERRED = {"f": "FP64", "i": "INT64", "u": "UINT64", "b": "BOOL"}


class Wire(ABC):
    """Records in, records out, at one deployment. ``id_header`` is the header that names a request in the log."""

    manner: Manner
    path: str
    id_header: str

    def __init__(self, work: Work) -> None:
        self._inputs = {spec.name: spec for spec in work.inputs}

    @abstractmethod
    def request(self, records: Sequence[Record]) -> bytes:
        """The body that asks for these rows; ``INVALID`` when they are no table."""

    @abstractmethod
    def outputs(self, body: bytes) -> list[Record]:
        """What the deployment gave for each row."""

    @abstractmethod
    def marked(self, answer: dict[str, Any], request_id: str, tags: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request that was sent as it came, with tags that say which it is.

        ``request_id`` is what was sent in the header: a request may bring another one.
        """

    @abstractmethod
    def reason(self, error: dict[str, Any]) -> object:
        """Why it refused."""

    def answer(self, body: bytes) -> dict[str, Any]:
        """The answer to a request that was sent as it came; ``INVALID`` when it asked for one that is not JSON."""
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise invalid("the answer is not JSON: ask for no binary data in a line") from error

    def message(self, body: bytes) -> str:
        """Why it refused, whatever the body is."""
        try:
            return str(self.reason(msgspec.json.decode(body)))
        except (msgspec.DecodeError, AttributeError, KeyError, TypeError):
            return body[:200].decode(errors="replace")

    def _columns(self, records: Sequence[Record]) -> dict[str, NDArray[Any]]:
        return {name: _array(name, values, self._inputs.get(name)) for name, values in from_records(records).items()}


class SeldonWire(Wire):
    """Seldon's protocol."""

    manner = Manner.SELDON
    id_header = "seldon-puid"

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self.path = f"/seldon/{work.workspace}/{work.pipeline}/api/v1.0/predictions"

    def request(self, records: Sequence[Record]) -> bytes:
        columns = {name: array.tolist() for name, array in self._columns(records).items()}
        return msgspec.json.encode({"jsonData": columns})

    def outputs(self, body: bytes) -> list[Record]:
        answer = msgspec.json.decode(body)
        if "data" not in answer:
            return transposed(answer["jsonData"])
        data = answer["data"]
        rows = shaped(data["tensor"]) if "tensor" in data else data["ndarray"]
        return [_named(row, data["names"]) for row in rows]

    def marked(self, answer: dict[str, Any], request_id: str, tags: Mapping[str, Any]) -> dict[str, Any]:
        del request_id  # the answer has it
        meta = answer["meta"]
        meta["tags"] = {**meta["tags"], **tags, "request_id": meta["puid"]}
        return answer

    def reason(self, error: dict[str, Any]) -> object:
        return error["status"]["info"]


class OpenInferenceWire(Wire):
    """The Open Inference Protocol, which every deployment speaks."""

    manner = Manner.OPEN_INFERENCE
    id_header = "x-request-id"

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self.path = f"/seldon/{work.workspace}/{work.pipeline}/v2/models/infer"

    def request(self, records: Sequence[Record]) -> bytes:
        columns = self._columns(records)
        return msgspec.json.encode({"inputs": [self._tensor(name, array) for name, array in columns.items()]})

    def outputs(self, body: bytes) -> list[Record]:
        return read_tensors(msgspec.json.decode(body)["outputs"], ())

    def marked(self, answer: dict[str, Any], request_id: str, tags: Mapping[str, Any]) -> dict[str, Any]:
        answer["parameters"] = {**answer.get("parameters", {}), **tags, "request_id": request_id}
        return answer

    def reason(self, error: dict[str, Any]) -> object:
        return error["error"]

    def _tensor(self, name: str, array: NDArray[Any]) -> dict[str, Any]:
        spec = self._inputs.get(name)
        datatype = _datatype(spec.dtype) if spec else _INFERRED.get(array.dtype.kind, "BYTES")
        return {"name": name, "shape": list(array.shape), "datatype": datatype, "data": array.ravel().tolist()}


def wire_to(work: Work, *, grpc: bool = False) -> Wire:
    """The way to the deployment of a job; over gRPC there is the Open Inference Protocol alone."""
    return SeldonWire(work) if work.manner is Manner.SELDON and not grpc else OpenInferenceWire(work)


def _array(name: str, values: Any, spec: TensorSpec | None) -> NDArray[Any]:
    """A column, in the shape that the deployment takes where it has as many values."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise invalid(f"column {name!r} has rows of different shapes") from error
    sizes = [size for size in spec.row_shape if size is not None] if spec else []
    if spec is None or len(sizes) < len(spec.row_shape) or array[:1].size != math.prod(sizes):
        return array
    return array.reshape(len(array), *sizes)


def _datatype(dtype: str) -> str:
    """The protocol's name of a numpy type."""
    if dtype in ("string", "json", "object"):
        return "BYTES"
    kind = np.dtype(dtype)
    return "BOOL" if kind.kind == "b" else f"{_KINDS[kind.kind]}{8 * kind.itemsize}"


def _named(row: Any, names: Sequence[str]) -> Record:
    """One row of a table by the names of its columns; where it has none, all of it is ``t``."""
    if isinstance(row, list) and len(row) == len(names):
        return dict(zip(names, row, strict=True))
    return {"t": row}
