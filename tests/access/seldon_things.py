"""What the matrix deploys through Seldon Deploy's API."""

from typing import Any

from things import Things

BASE = "/seldon-deploy/api/v1alpha1"


def core_model(things: Things, name: str) -> dict[str, Any]:
    """A Model of their model."""
    return {"name": name, "spec": {"storageUri": things.model_name}}


def flow(things: Things, name: str) -> dict[str, Any]:
    """A Pipeline of their Model."""
    return {"name": name, "spec": {"steps": [{"name": things.core_model}], "output": {"steps": [things.core_model]}}}


def trial(things: Things) -> dict[str, Any]:
    """An experiment with nothing but the pipeline itself."""
    return {"name": things.trial, "spec": {"candidates": [{"name": things.flow, "weight": 1}]}}


def explainer(things: Things) -> dict[str, Any]:
    """What explains their pipeline."""
    return {"name": f"{things.flow}-why", "spec": {"explainer": {"type": "anchor_tabular"}}}


def manifest(things: Things, name: str) -> dict[str, Any]:
    """A deployment of their model."""
    graph = {"name": "classifier", "implementation": "ONNX_SERVER", "modelUri": things.model_name}
    predictor = {"name": "main", "graph": graph}
    return {"kind": "SeldonDeployment", "metadata": {"name": name}, "spec": {"predictors": [predictor]}}
