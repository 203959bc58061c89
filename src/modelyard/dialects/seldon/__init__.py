"""Seldon Deploy's REST API v1alpha1 (shared/spec/seldon.md) on our core: control plane and data plane.

A namespace is a workspace by its slug; a SeldonDeployment is a pipeline of the form ``predictors``, a Model of Seldon
Core 2 one of the form ``model``, and a Pipeline one of the form ``dataflow``.
"""

from modelyard.dialects.seldon import (
    deployments,
    environment,
    experiments,
    explainers,
    gitops,
    models,
    pipelines,
    predict,
    resources,
)
from modelyard.dialects.seldon.dialect import seldon

__all__ = [
    "deployments",
    "environment",
    "experiments",
    "explainers",
    "gitops",
    "models",
    "pipelines",
    "predict",
    "resources",
    "seldon",
]
