"""The Wallaroo MLOps API: the calls of its SDK and of its published HTTP examples."""

from modelyard.dialects.wallaroo import (
    configuration,
    deployments,
    docs,
    logs,
    models,
    pipelines,
    registries,
    uploads,
    users,
    workspaces,
)
from modelyard.dialects.wallaroo.dialect import wallaroo
from modelyard.dialects.wallaroo.graphql import endpoint

__all__ = [
    "configuration",
    "deployments",
    "docs",
    "endpoint",
    "logs",
    "models",
    "pipelines",
    "registries",
    "uploads",
    "users",
    "wallaroo",
    "workspaces",
]
