"""What a deployment takes and gives, as Seldon's metadata."""

from collections.abc import Iterable
from typing import Any

from modelyard.core.serving.graph.plan import nodes_of
from modelyard.core.serving.routes import Route
from modelyard.core.serving.signature import Signature, TensorSpec


def graph_metadata(route: Route) -> dict[str, Any]:
    """The whole graph."""
    return {
        "name": route.pipeline_name,
        "models": node_metadata(route),
        "graphinputs": tensors(route.graph.inputs),
        "graphoutputs": tensors(route.graph.outputs),
    }


def node_metadata(route: Route) -> dict[str, dict[str, Any]]:
    """Each node that is a model, by its name."""
    found = {}
    for node in nodes_of(route.plan):
        for part in (node, node.get("router"), node.get("combine")):
            if isinstance(part, dict) and "model" in part:
                found[node["name"]] = _model(route, node["name"], part["model"])
    return found


def tensors(specs: Iterable[TensorSpec]) -> list[dict[str, Any]]:
    """Tensors; their shapes are those of one row, -1 stands for any size."""
    return [
        {
            "messagetype": "tensor",
            "schema": {"names": [spec.name], "shape": [-1 if size is None else size for size in spec.row_shape]},
            "datatype": spec.dtype,
        }
        for spec in specs
    ]


def _model(route: Route, node: str, place: int) -> dict[str, Any]:
    version = route.models[place]
    signature = Signature.from_json(version.signature) if version.signature else Signature((), ())
    return {
        "name": node,
        "platform": version.conversion.get("framework") or "onnx",
        "versions": [f"{version.name}:{version.version}"],
        "inputs": tensors(signature.inputs),
        "outputs": tensors(signature.outputs),
        "custom": {"model": version.name, "sha": version.sha},
    }
