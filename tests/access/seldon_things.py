"""What the matrix deploys through Seldon Deploy's API."""

from typing import Any

from things import Things

BASE = "/seldon-deploy/api/v1alpha1"


def manifest(things: Things, name: str) -> dict[str, Any]:
    """A deployment of their model."""
    graph = {"name": "classifier", "implementation": "ONNX_SERVER", "modelUri": things.model_name}
    predictor = {"name": "main", "graph": graph}
    return {"kind": "SeldonDeployment", "metadata": {"name": name}, "spec": {"predictors": [predictor]}}
