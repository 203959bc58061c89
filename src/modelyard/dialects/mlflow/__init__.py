"""MLflow: tracking, registry, artifacts, users and permissions, as its own clients call them."""

from modelyard.dialects.mlflow import (
    artifacts,
    experiments,
    grants,
    logged_models,
    multipart,
    registered_models,
    registered_versions,
    resource_permissions,
    roles,
    runs,
    scoring,
    server,
    users,
)
from modelyard.dialects.mlflow.dialect import canonical_path, mlflow

__all__ = [
    "artifacts",
    "canonical_path",
    "experiments",
    "grants",
    "logged_models",
    "mlflow",
    "multipart",
    "registered_models",
    "registered_versions",
    "resource_permissions",
    "roles",
    "runs",
    "scoring",
    "server",
    "users",
]
