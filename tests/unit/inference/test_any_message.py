"""Whatever a request holds, a deployment answers it or refuses it: nothing else ever leaves the protocols."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.graph.compiling import compile_plan
from modelyard.core.serving.graph.nodes import Step
from modelyard.core.serving.graph.plan import branch, by_value, by_weight, plan
from modelyard.core.serving.graph.plan import model as model_node
from modelyard.core.serving.routes import Route
from modelyard.core.serving.signature import Signature, TensorSpec
from modelyard.core.serving.tensors import Array
from modelyard.dialects.mlflow.scoring.protocol import MlflowInference
from modelyard.dialects.seldon.inference.protocol import SeldonInference
from modelyard.web.inference.protocol import InferenceProtocol


class Echo:
    """Gives back what it takes."""

    inline = True
    yields = False

    def __init__(self, *inputs: TensorSpec) -> None:
        self.signature = Signature(inputs, tuple(TensorSpec(f"{i.name}-out", i.dtype, i.shape) for i in inputs))

    def run(self, inputs: dict[str, Array]) -> list[Array]:
        return [inputs[spec.name] for spec in self.signature.inputs]


def constant(name: str) -> dict[str, Any]:
    return {"kind": "constant", "name": name, "values": [1.0, 2.0]}


def route(node: Any, *models: Echo) -> Route:
    served = plan(node)
    graph = compile_plan(served, [Step(model) for model in models])
    versions: Any = tuple(_Version() for _ in models)
    return Route(1, 1, "n-1", 1, "space", 1, "name", "v", graph, served, versions)


class _Version:
    name, version = "model", "1"


ROUTES = {
    "wide": route(model_node("m", 0), Echo(TensorSpec("x", "float32", (None, 2)))),
    "scalars": route(model_node("m", 0), Echo(TensorSpec("a", "int64", (None,)), TensorSpec("b", "string", (None, 1)))),
    "text": route(model_node("m", 0), Echo(TensorSpec("t", "string", (None,)))),
    "image": route(model_node("m", 0), Echo(TensorSpec("i", "uint8", (None, 2, None)))),
    "anything": route(branch("b", [constant("c"), constant("d")], by_weight([1, 1]))),
    "by value": route(branch("b", [constant("c"), constant("d")], by_value("a", ["1"]))),
}

LEAVES = st.none() | st.booleans() | st.integers(-(2**66), 2**66) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=4)
VALUES = st.recursive(
    LEAVES | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "x", "t"]), inner, max_size=3)
    ),
    max_leaves=12,
)
TABLES = st.lists(st.lists(st.sampled_from([1, 2.5, "s", None, True, 2**70]), min_size=2, max_size=2), max_size=3)
ROWS = VALUES | TABLES
TENSORS = st.fixed_dictionaries(
    {"values": st.lists(st.integers(-3, 300) | st.floats(-2, 2), max_size=6)},
    optional={"shape": st.lists(st.integers(-1, 4), max_size=4)},
)
NAMES = st.none() | st.lists(st.sampled_from(["a", "b", "x", "t"]), max_size=3)
SELDON = st.one_of(
    st.builds(lambda rows, names: {"data": {"ndarray": rows, "names": names}}, ROWS, NAMES),
    st.builds(lambda tensor, names: {"data": {"tensor": tensor, "names": names}}, TENSORS, NAMES),
    st.builds(lambda value: {"jsonData": value}, VALUES),
    st.builds(lambda text: {"strData": text}, TEXTS),
    st.builds(lambda value: {"meta": value, "strData": ""}, VALUES),
)
MLFLOW = st.one_of(
    st.builds(lambda rows: {"instances": rows}, ROWS),
    st.builds(lambda rows: {"inputs": rows}, ROWS),
    st.builds(lambda rows: {"dataframe_records": rows}, ROWS),
    st.builds(lambda rows, names: {"dataframe_split": {"data": rows, "columns": names}}, ROWS, NAMES),
)


def asked(protocol: InferenceProtocol, at: str, body: Any, path: str) -> None:
    scope: Any = {"path": path, "query_string": b"", "method": "POST"}
    try:
        answer = protocol.answer(ROUTES[at], json.dumps(body).encode(), {b"content-type": b"application/json"}, scope)
    except DomainError as error:
        assert error.kind is ErrorKind.INVALID
        refusal = protocol.refusal(error, {}, scope)
        assert refusal.status == 400
        assert orjson.loads(refusal.body)
    else:
        assert orjson.loads(answer.body)
        assert answer.result.rows > 0


@pytest.mark.parametrize("at", ROUTES)
@settings(max_examples=150, deadline=None)
@given(message=SELDON)
def test_any_message_is_answered_or_refused(at: str, message: Any) -> None:
    asked(SeldonInference(), at, message, "/seldon/space/name/api/v1.0/predictions")


@pytest.mark.parametrize("at", ROUTES)
@settings(max_examples=150, deadline=None)
@given(body=MLFLOW)
def test_any_scoring_request_is_answered_or_refused(at: str, body: Any) -> None:
    asked(MlflowInference(), at, body, "/deployments/space/name/invocations")
