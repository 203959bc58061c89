"""Seldon Deploy's REST API v1alpha1 on our core: control plane and data plane.

A namespace is a workspace by its slug; a SeldonDeployment is a pipeline of the form ``predictors``.
"""

from modelyard.dialects.seldon import (
    data_plane,
    deployments,
    environment,
    feedback,
    healthcheck,
    iam_groups,
    iam_policies,
    iam_users,
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
    "iam_groups",
    "iam_policies",
    "iam_users",
    "login",
    "predict",
    "resources",
    "seldon",
    "seldon_data",
]
