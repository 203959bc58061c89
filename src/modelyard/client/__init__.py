"""The Python client: ``Client(url, …)`` and what it returns and raises. Knows the wire, nothing of the server.

with Client("http://127.0.0.1:8080", username="ada", password="…") as client:
    workspace = client.workspaces.get("fraud")
    pipeline = client.pipelines.get(workspace.id, "ccfraud")
    answers = client.inference.records(pipeline.deployment, [{"tensor": [...]}])
"""

from modelyard.client.access import Explanation, Grant
from modelyard.client.access_tokens import AccessToken, NewAccessToken
from modelyard.client.audit import AuditEntry, AuditFilter, AuditFormat
from modelyard.client.client import DEFAULT_URL, Client, Identity, chosen_url
from modelyard.client.deployments import DeploymentStatus, LoadedModel, State
from modelyard.client.errors import (
    BusyError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    ModelyardError,
    NotFoundError,
    NotSignedInError,
    ServerFailedError,
    TimedOutError,
    TooLargeError,
    UnexpectedAnswerError,
    UnreachableError,
)
from modelyard.client.groups import Group
from modelyard.client.log_search import ExportFormat, Found, LogCondition, LogQuery, LogScope
from modelyard.client.login import login
from modelyard.client.logs import LogRange, Order
from modelyard.client.models import Model, ModelVersion
from modelyard.client.pipelines import Deployment, Pipeline, PipelineVersion, Step, StepModel
from modelyard.client.replays import Replay, ReplayOf
from modelyard.client.rollouts import Guard, Rollout
from modelyard.client.schemas import Schemas
from modelyard.client.service_accounts import ServiceAccount
from modelyard.client.token_cache import TokenCache, config_folder
from modelyard.client.tokens import Tokens
from modelyard.client.users import Invitation, User
from modelyard.client.workspaces import Member, Role, Workspace

__all__ = [
    "DEFAULT_URL",
    "AccessToken",
    "AuditEntry",
    "AuditFilter",
    "AuditFormat",
    "BusyError",
    "Client",
    "ConflictError",
    "Deployment",
    "DeploymentStatus",
    "Explanation",
    "ExportFormat",
    "ForbiddenError",
    "Found",
    "Grant",
    "Group",
    "Guard",
    "Identity",
    "InvalidRequestError",
    "Invitation",
    "LoadedModel",
    "LogCondition",
    "LogQuery",
    "LogRange",
    "LogScope",
    "Member",
    "Model",
    "ModelVersion",
    "ModelyardError",
    "NewAccessToken",
    "NotFoundError",
    "NotSignedInError",
    "Order",
    "Pipeline",
    "PipelineVersion",
    "Replay",
    "ReplayOf",
    "Role",
    "Rollout",
    "Schemas",
    "ServerFailedError",
    "ServiceAccount",
    "State",
    "Step",
    "StepModel",
    "TimedOutError",
    "TokenCache",
    "Tokens",
    "TooLargeError",
    "UnexpectedAnswerError",
    "UnreachableError",
    "User",
    "Workspace",
    "chosen_url",
    "config_folder",
    "login",
]
