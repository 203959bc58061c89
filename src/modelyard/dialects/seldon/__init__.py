"""Seldon Deploy's REST API v1alpha1 (shared/spec/seldon.md) on our core: control plane and data plane.

A namespace is a workspace by its slug; a SeldonDeployment is a pipeline of the form ``predictors``.
"""

from modelyard.dialects.seldon import environment, model_metadata, secrets
from modelyard.dialects.seldon.dialect import seldon

__all__ = ["environment", "model_metadata", "secrets", "seldon"]
