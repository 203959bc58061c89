"""ONNX models in this process, through onnxruntime on the CPU."""

import re
from pathlib import Path
from typing import Any

import onnxruntime as ort

from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid
from modelyard.core.serving.signature import Signature, TensorSpec
from modelyard.core.serving.tensors import Array

_PATHS = re.compile(r"(Load model|Deserialize tensor)? from \S+ failed:")
_SOURCE_PLACE = re.compile(r"/\S+:\d+ .*?\) (?=[A-Z])")  # file:line function(arguments) Message

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int8)": "int8",
    "tensor(int16)": "int16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(uint8)": "uint8",
    "tensor(uint16)": "uint16",
    "tensor(uint32)": "uint32",
    "tensor(uint64)": "uint64",
    "tensor(bool)": "bool",
    "tensor(string)": "string",
}


class OnnxModel:
    """See ``core.serving.graph.LoadedModel``. Thread-safe: onnxruntime sessions are."""

    inline = True
    yields = False

    def __init__(self, session: ort.InferenceSession, signature: Signature) -> None:
        self.signature = signature
        self._run = session._sess.run  # noqa: SLF001  # the wrapper around it checks again what the graph has checked
        self._outputs = [spec.name for spec in signature.outputs]

    def run(self, inputs: dict[str, Array]) -> list[Array]:
        try:
            outputs: list[Array] = self._run(self._outputs, inputs, None)
        except Exception as error:
            raise _rejected(error) from error
        return outputs


def load(path: Path) -> OnnxModel:
    """Load the file; ``INVALID`` when onnxruntime cannot."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1  # workers are the unit of parallelism: more threads only fight for the cores
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4
    options.enable_cpu_mem_arena = False  # an arena keeps the largest batch's memory for ever
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise invalid(f"onnxruntime {ort.__version__} cannot load the model: {_reason(error)}") from error
    return OnnxModel(session, _signature(session))


def _signature(session: ort.InferenceSession) -> Signature:
    inputs = tuple(_spec(argument, "input") for argument in session.get_inputs())
    outputs = tuple(_spec(argument, "output") for argument in session.get_outputs())
    if not inputs or not outputs:
        raise invalid("the model has no inputs or no outputs: there is nothing to serve")
    return Signature(inputs, outputs)


def _spec(argument: Any, role: str) -> TensorSpec:
    dtype = _DTYPES.get(argument.type)
    if dtype is None:
        advice = "; convert scikit-learn classifiers with options={'zipmap': False}" if role == "output" else ""
        raise invalid(f"the model's {role} {argument.name!r} is {argument.type}, only tensors can be served{advice}")
    shape = tuple(size if isinstance(size, int) and size > 0 else None for size in argument.shape)
    if not shape:
        raise invalid(f"the model's {role} {argument.name!r} has no batch dimension; export it with one")
    return TensorSpec(argument.name, dtype, shape)


def _rejected(error: Exception) -> DomainError:
    if isinstance(error, MemoryError):
        return DomainError(ErrorKind.UNAVAILABLE, "not enough memory to run this batch; send fewer rows")
    rejected = invalid(f"the model rejected the input: {_reason(error)}")
    rejected.by_model = True
    return rejected


def _reason(error: Exception) -> str:
    """onnxruntime's reason, without the paths, places in its source and stack around it."""
    text = str(error).strip().split("\n", 1)[0].rsplit(" : ", 1)[-1]
    text = _PATHS.sub("", text)
    return _SOURCE_PLACE.sub("", text).strip()[:500]
