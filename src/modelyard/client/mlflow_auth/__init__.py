"""Users and permissions of MLflow's API: a client of our own for programs written against MLflow's, without MLflow.

from modelyard.client.mlflow_auth import AuthServiceClient

client = AuthServiceClient("http://127.0.0.1:8080")
client.create_user("ada", "a long password")
client.create_experiment_permission("12", "ada", "EDIT")
"""

from modelyard.client.mlflow_auth.client import AuthServiceClient
from modelyard.client.mlflow_auth.entities import ExperimentPermission, RegisteredModelPermission, User
from modelyard.client.mlflow_auth.requesting import AuthServiceError

__all__ = ["AuthServiceClient", "AuthServiceError", "ExperimentPermission", "RegisteredModelPermission", "User"]
