"""MLflow's scoring protocol for a deployment: its base address is ``/deployments/{namespace}/{deployment}``."""

from modelyard.dialects.mlflow.scoring import routes

__all__ = ["routes"]
