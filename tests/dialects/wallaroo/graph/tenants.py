"""Two tenants with one of everything, for questions about who sees what."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from modelyard.core.access.grants import Grant, ResourceType
from modelyard.core.catalogue.entities import (
    DefaultWorkspace,
    Model,
    ModelConfig,
    ModelTag,
    ModelVersion,
    PipelineTag,
    Tag,
    Workspace,
)
from modelyard.core.identity.entities import User
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.ids import new_uuid
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.entities import Deployment, Form, Pipeline, PipelineVersion
from modelyard.core.serving.signature import Signature, TensorSpec
from modelyard.core.serving.states import DeploymentState
from modelyard.dialects.wallaroo.graphql.documents import prepare
from modelyard.dialects.wallaroo.graphql.execution import execute
from modelyard.storage.store import SqlStore

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHA = "ab" * 32
SIGNATURE = Signature((TensorSpec("x", "float32", (None, 3)),), (TensorSpec("y", "float32", (None, 1)),))


@dataclass(frozen=True)
class Tenant:
    """A user who owns one workspace with one of everything in it; ids are those of the rows."""

    actor: Actor
    workspace: int
    model: int
    version: int
    config: int
    pipeline: int
    pipeline_version: int
    deployment: int
    tag: int


def user(store: SqlStore, name: str) -> Actor:
    user = User(new_uuid(), name, f"{name}@example.com", "", "", True, False, NOW, None)
    store.run_write(lambda tx: tx.insert(user))
    return Actor(user.id, name, user.email, platform_roles=frozenset({"USER"}))


def grant(tx: Tx, user_id: str, workspace_id: int, role: str) -> None:
    tx.insert(Grant(0, user_id, ResourceType.WORKSPACE, str(workspace_id), None, role, NOW))


def settle(tx: Tx, name: str) -> Tenant:
    """Everything is called after its owner, so that a name in a wrong answer tells where it comes from."""
    user = tx.insert(User(new_uuid(), name, f"{name}@example.com", "", "", True, False, NOW, None))
    space = tx.insert(Workspace(0, f"{name}-space", f"{name}-space", False, NOW, user.id)).id
    grant(tx, user.id, space, "OWNER")
    tx.insert(DefaultWorkspace(user.id, space))
    model = tx.insert(Model(0, space, f"{name}-model", user.id, NOW, NOW))
    new_version(tx, model)
    version = new_version(tx, model)
    config = tx.insert(ModelConfig(0, space, version.id, "onnx", ["x"], None, None, None, None, None, None, None, NOW))
    pipeline = tx.insert(Pipeline(0, space, f"{name}-pipeline", Form.STEPS, user.id, NOW, NOW))
    tx.insert(PipelineVersion(0, space, pipeline.id, new_uuid(), {}, "1", None, None, user.id, NOW))
    used = {"name": model.name, "version": version.version, "sha": SHA}
    steps = {"id": pipeline.name, "steps": [{"ModelInference": {"models": [used]}}]}
    chosen = tx.insert(PipelineVersion(0, space, pipeline.id, new_uuid(), steps, "1", None, None, user.id, NOW))
    runs = [{"version_id": version.id, "config_id": config.id}]
    state = DeploymentState.RUNNING
    deployment = tx.insert(
        Deployment(0, space, pipeline.id, chosen.id, pipeline.name, state, None, 1, runs, {}, {"a": 1}, NOW, NOW)
    )
    tag = tx.insert(Tag(0, f"{name}-tag", user.id, NOW))
    tx.insert(ModelTag(0, space, tag.id, version.id))
    tx.insert(PipelineTag(0, space, tag.id, pipeline.id))
    actor = Actor(user.id, name, user.email, platform_roles=frozenset({"USER"}))
    return Tenant(actor, space, model.id, version.id, config.id, pipeline.id, chosen.id, deployment.id, tag.id)


def new_version(tx: Tx, model: Model) -> ModelVersion:
    conversion = {"framework": "onnx", "arch": "x86", "steps": [{"name": "one"}]}
    return tx.insert(
        ModelVersion(
            0, model.workspace_id, model.id, model.name, new_uuid(), SHA, 9, "model.onnx", "private", conversion,
            SIGNATURE.to_json(), "ready", None, None, "1", model.owner_id, NOW, NOW,
        )
    )  # fmt: skip


def ask(store: SqlStore, actor: Actor, text: str, **variables: Any) -> Any:
    return store.run_read(execute, actor, prepare(text), variables, None)


def change(store: SqlStore, actor: Actor, text: str, **variables: Any) -> Any:
    return store.run_write(execute, actor, prepare(text), variables, None)
