"""What one may see of how a version became, or becomes, one that can be served."""

from collections.abc import Sequence
from dataclasses import dataclass

from modelyard.core.access.check import require
from modelyard.core.access.grants import ResourceType, in_workspace
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.catalogue.models import get_version
from modelyard.core.catalogue.runtimes import Environment, ModelRuntime, PreparationStage, Stage
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import not_found
from modelyard.core.kernel.store import Between, Tx

_ORDER = list(Stage)


@dataclass(frozen=True, slots=True)
class PreparationView:
    """A version, its stages in their order, and, once it is ready, how it runs and with which packages.

    ``number`` counts the model's versions from 1. A version that was an ONNX file from the beginning has neither stages
    nor a runtime.
    """

    version: ModelVersion
    number: int
    stages: Sequence[PreparationStage]
    runtime: ModelRuntime | None
    environment: Environment | None


def get_preparation(tx: Tx, actor: Actor, version_id: int) -> PreparationView:
    """What is known of a version, by its number."""
    version = get_version(tx, actor, version_id).version
    before = tx.values(ModelVersion, ("id",), model_id=version.model_id, id=Between(at_most=version_id))
    return _view(tx, version, len(before))


def find_preparation(tx: Tx, actor: Actor, workspace_id: int, name: str, which: str) -> PreparationView:
    """The same by model; ``which`` is the version's uuid, its number among the model's, or ``latest``."""
    own = (ResourceType.MODEL, in_workspace(workspace_id, name))
    require(tx, actor, Permission.MODEL_READ, workspace_id, "model", name, own)
    versions = tx.find(ModelVersion, workspace_id=workspace_id, name=name)
    for number, version in enumerate(versions, 1):
        if which in (version.version, str(number)) or (which == "latest" and number == len(versions)):
            return _view(tx, version, number)
    raise not_found(f"version of model {name}", which)


def _view(tx: Tx, version: ModelVersion, number: int) -> PreparationView:
    stages = tx.find(PreparationStage, model_version_id=version.id)
    stages.sort(key=lambda stage: _ORDER.index(Stage(stage.stage)))
    runtime = tx.first(ModelRuntime, model_version_id=version.id)
    environment = tx.get(Environment, runtime.environment) if runtime and runtime.environment else None
    return PreparationView(version, number, stages, runtime, environment)
