"""Seldon Deploy's REST API v1alpha1 on our core: control plane and data plane.

A namespace is a workspace by its slug; a SeldonDeployment is a pipeline of the form ``predictors``, a Model of Seldon
Core 2 one of the form ``model``, and a Pipeline one of the form ``dataflow``.
"""

from modelyard.dialects.seldon import (
    alerting,
    application_logs,
    batch_jobs,
    data_plane,
    deployments,
    detectors,
    environment,
    experiments,
    explainers,
    explanations,
    feedback,
    gitops,
    healthcheck,
    iam_groups,
    iam_policies,
    iam_users,
    inference_logs,
    load_tests,
    login,
    model_metadata,
    models,
    monitor,
    pipelines,
    predict,
    resources,
    runtime_metadata,
    secrets,
)
from modelyard.dialects.seldon.data_plane import seldon_data
from modelyard.dialects.seldon.dialect import seldon

__all__ = [
    "alerting",
    "application_logs",
    "batch_jobs",
    "data_plane",
    "deployments",
    "detectors",
    "environment",
    "experiments",
    "explainers",
    "explanations",
    "feedback",
    "gitops",
    "healthcheck",
    "iam_groups",
    "iam_policies",
    "iam_users",
    "inference_logs",
    "load_tests",
    "login",
    "model_metadata",
    "models",
    "monitor",
    "pipelines",
    "predict",
    "resources",
    "runtime_metadata",
    "secrets",
    "seldon",
    "seldon_data",
]
