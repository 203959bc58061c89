"""Seldon Deploy's REST API v1alpha1 (shared/spec/seldon.md) on our core: control plane and data plane.

A namespace is a workspace by its slug; a SeldonDeployment is a pipeline of the form ``predictors``.
"""

from modelyard.dialects.seldon import (
    data_plane,
    deployments,
    environment,
    feedback,
    healthcheck,
    inference_logs,
    login,
    predict,
    resources,
)
from modelyard.dialects.seldon.data_plane import seldon_data
from modelyard.dialects.seldon.dialect import seldon

__all__ = [
    "data_plane",
    "deployments",
    "environment",
    "feedback",
    "healthcheck",
    "inference_logs",
    "login",
    "predict",
    "resources",
    "seldon",
    "seldon_data",
]
