"""Models, their versions and configurations."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from modelyard.core.access.check import Own, OwnFields, ask, require, visible
from modelyard.core.access.grants import OF_WORKSPACE, ResourceType, in_workspace
from modelyard.core.access.permissions import Permission
from modelyard.core.access.reading import find_among
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import plain, record
from modelyard.core.catalogue.entities import (
    ArtifactFile,
    Model,
    ModelConfig,
    ModelStatus,
    ModelTag,
    ModelVersion,
    UploadPart,
    Workspace,
)
from modelyard.core.catalogue.frameworks import FRAMEWORKS
from modelyard.core.catalogue.preparing import begin_preparation, config_runtime
from modelyard.core.catalogue.runtimes import ModelRuntime, Preparation, PreparationStage, RuntimeKind
from modelyard.core.catalogue.upload_rules import check_file_name, check_framework, framework_of
from modelyard.core.catalogue.workspaces import existing
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid, not_found
from modelyard.core.kernel.ids import new_uuid
from modelyard.core.kernel.names import label
from modelyard.core.kernel.store import Tx

RELEASE = "2026.1.3"
"""The release of Wallaroo's platform whose contract we keep; shown as ``created_on_version``."""

OWN: OwnFields = (ResourceType.MODEL, OF_WORKSPACE)
"""How grants on single models are found for a list of them or of their versions."""
OF_VERSION = ("ModelVersion", "model_version_id")
"""What belongs to a version is seen with it."""

_VISIBILITIES = ("private", "public")


@dataclass(frozen=True, slots=True)
class NewVersion:
    """What an upload says about itself; ``file_name`` is empty where nobody named the file."""

    workspace_id: int
    name: str
    file_name: str = ""
    visibility: str = "private"
    conversion: dict[str, Any] = field(default_factory=dict)
    input_schema: str | None = None
    output_schema: str | None = None
    image_path: str | None = None


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A stored file and what its check found: its tensors, or the reason why it cannot be served here.

    ``sha`` is empty where there is no file in the artifact store. With neither the file is yet to be made ready.
    """

    sha: str
    size: int
    signature: dict[str, Any] | None
    reason: str | None = None

    @property
    def status(self) -> ModelStatus:
        """What a version of this file begins with."""
        if self.signature is not None:
            return ModelStatus.READY
        return ModelStatus.PENDING if self.reason is None else ModelStatus.ERROR


@dataclass(frozen=True, slots=True)
class NewConfig:
    """How a version is to be served."""

    tensor_fields: list[str] | None = None
    filter_threshold: float | None = None
    input_schema: str | None = None
    output_schema: str | None = None
    batch_config: str | None = None
    dynamic_batching: dict[str, Any] | None = None
    continuous_batching: dict[str, Any] | None = None
    openai: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version with its newest configuration."""

    version: ModelVersion
    config: ModelConfig


@dataclass(frozen=True, slots=True)
class ModelView:
    """A model with its workspace and its versions, newest last."""

    model: Model
    workspace: Workspace
    versions: list[VersionView]


def may_upload(tx: Tx, actor: Actor, new: NewVersion) -> None:
    """Whether the upload would be taken, as far as that can be said without its file."""
    own = (ResourceType.MODEL, in_workspace(new.workspace_id, new.name))
    require(tx, actor, Permission.MODEL_EDIT, new.workspace_id, "workspace", new.workspace_id, own)
    existing(tx, new.workspace_id)
    label("model", new.name)
    if new.visibility not in _VISIBILITIES:
        raise invalid(f"visibility {new.visibility[:40]!r} is unknown; use private or public")
    check_framework(new.conversion)
    if new.file_name:
        check_file_name(new.conversion, new.file_name)


def record_upload(tx: Tx, actor: Actor, new: NewVersion, file: CheckedFile) -> ModelVersion:
    """Add the version, its first configuration and, the first time, its model."""
    may_upload(tx, actor, new)
    if file.signature is None and not new.file_name:
        raise invalid("the upload does not say its file's name, which tells how the file is read; send it with a name")
    return add_version(tx, actor, new, file)


def add_model(tx: Tx, actor: Actor, workspace_id: int, name: str) -> Model:
    """Make a model without asking who wants it; ``CONFLICT`` when the workspace has one of this name."""
    return tx.insert(Model(0, workspace_id, name, actor.user_id, tx.now, tx.now))


def add_version(tx: Tx, actor: Actor, new: NewVersion, file: CheckedFile, source: str | None = None) -> ModelVersion:
    """Add a version without asking who wants it: behind ``record_upload`` and the registry.

    A file with a ``reason`` makes a version that cannot be served; one without a signature one that is to be made
    ready. ``source`` is where the registry was told to take the files from.
    """
    found = tx.first(Model, workspace_id=new.workspace_id, name=new.name)
    if found is None:
        found = add_model(tx, actor, new.workspace_id, new.name)
    else:
        tx.update(Model, found.id, lambda model: replace(model, updated_at=tx.now))
    version = tx.insert(
        ModelVersion(
            id=0,
            workspace_id=new.workspace_id,
            model_id=found.id,
            name=new.name,
            version=new_uuid(),
            sha=file.sha,
            size=file.size,
            file_name=new.file_name,
            visibility=new.visibility,
            conversion=new.conversion,
            signature=file.signature,
            status=file.status,
            error_summary=file.reason,
            image_path=new.image_path,
            created_on_version=RELEASE,
            created_by=actor.user_id,
            created_at=tx.now,
            updated_at=tx.now,
        )
    )
    _insert_config(tx, version, NewConfig(input_schema=new.input_schema, output_schema=new.output_schema))
    if version.status == ModelStatus.PENDING:
        begin_preparation(tx, version)
    told = described(version) | {"size": version.size} | ({} if source is None else {"source": plain(source)})
    record(tx, actor, Action.MODEL_UPLOAD, "model_version", version.id, **told)
    return version


def configure_version(tx: Tx, actor: Actor, version_id: int, new: NewConfig) -> ModelConfig:
    """Add a configuration; it counts for deployments from the next deploy on."""
    version = _version(tx, actor, Permission.MODEL_EDIT, version_id)
    _check_fields(version, new.tensor_fields)
    config = _insert_config(tx, version, new)
    record(tx, actor, Action.MODEL_CONFIGURE, "model_version", version.id, **described(version), config_id=config.id)
    return config


def get_version(tx: Tx, actor: Actor, version_id: int) -> VersionView:
    """One version by its number."""
    version = _version(tx, actor, Permission.MODEL_READ, version_id)
    return VersionView(version, newest_config(tx, version.id))


def get_config(tx: Tx, actor: Actor, version_id: int) -> ModelConfig:
    """The newest configuration of a version."""
    return get_version(tx, actor, version_id).config


def get_model(tx: Tx, actor: Actor, model_id: int) -> ModelView:
    """One model by its number."""
    model = tx.get(Model, model_id)
    if model is None:
        ask(actor, Permission.MODEL_READ)
        raise not_found("model", model_id)
    require(tx, actor, Permission.MODEL_READ, model.workspace_id, "model", model_id, own_model(model))
    return _views(tx, [model])[0]


def list_models(
    tx: Tx, actor: Actor, *, workspace_id: int | None = None, workspace_name: str | None = None
) -> list[ModelView]:
    """Models that the actor may see, in one workspace or in all.

    A workspace of which the actor may see neither itself nor any model is ``NOT_FOUND``.
    """
    may_read = visible(actor, Permission.MODEL_READ, OWN)
    if workspace_id is None and workspace_name is None:
        return _views(tx, tx.find(Model, **may_read))
    asked = workspace_name if workspace_id is None else workspace_id
    named = tx.first(Workspace, name=workspace_name) if workspace_id is None else tx.get(Workspace, workspace_id)
    if named is None:
        raise not_found("workspace", asked)
    found = tx.find(Model, workspace_id=named.id, **may_read)
    if not found:
        require(tx, actor, Permission.MODEL_READ, named.id, "workspace", asked)
    return _views(tx, found)


def list_versions(tx: Tx, actor: Actor, *, name: str | None = None, model_id: int | None = None) -> list[ModelVersion]:
    """Versions of the models with this name or number that the actor may see, newest last.

    With both, the number chooses among models of that name; a number that fits none of them chooses nothing away.
    """
    scope = visible(actor, Permission.MODEL_READ, OWN)
    if name is None:
        if model_id is None:
            raise invalid("say which model: by its name or by its number")
        return tx.find(ModelVersion, model_id=model_id, **scope)
    named = tx.find(ModelVersion, name=name, **scope)
    return [version for version in named if version.model_id == model_id] or named


def versions_of_model(tx: Tx, actor: Actor, workspace_id: int, name: str) -> tuple[Model, list[ModelVersion]]:
    """A model and its versions, for someone who may remove them."""
    own = (ResourceType.MODEL, in_workspace(workspace_id, name))
    require(tx, actor, Permission.MODEL_DELETE, workspace_id, "model", name, own)
    model = tx.first(Model, workspace_id=workspace_id, name=name)
    if model is None:
        raise not_found("model", name)
    return model, tx.find(ModelVersion, model_id=model.id)


def versions_by_uuid(tx: Tx, actor: Actor, uuids: list[str]) -> list[ModelVersion]:
    """Versions by their uuids, for someone who may remove them."""
    ask(actor, Permission.MODEL_DELETE)
    versions = []
    for uuid in uuids:
        version = tx.first(ModelVersion, version=uuid)
        if version is None:
            raise not_found("model version", uuid)
        require(tx, actor, Permission.MODEL_DELETE, version.workspace_id, "model version", uuid, own_model(version))
        versions.append(version)
    return versions


def remove_versions(tx: Tx, versions: list[ModelVersion]) -> None:
    """Remove versions with what hangs on them; whoever calls has made sure that nothing serves them."""
    ids = [version.id for version in versions]
    for kind in (ModelTag, Preparation, PreparationStage, ModelRuntime):
        tx.delete(kind, model_version_id=ids)
    tx.delete(ModelConfig, model_version_id=ids)
    tx.delete(ModelVersion, id=ids)


def described(version: ModelVersion) -> dict[str, Any]:
    """The version, as entries of the audit log name it."""
    return {"workspace_id": version.workspace_id, "name": version.name, "version": version.version, "sha": version.sha}


def own_model(thing: Model | ModelVersion) -> Own:
    """Where grants on one model and its versions are kept."""
    return ResourceType.MODEL, in_workspace(thing.workspace_id, thing.name)


def unreferenced(tx: Tx, shas: Iterable[str]) -> list[str]:
    """Those digests that no version or its runtime, no artifact of a run and no part of one refers to."""
    wanted = set(shas) - {""}  # of versions without a file here
    for kind in (ModelVersion, ModelRuntime, ArtifactFile, UploadPart):
        wanted -= {sha for (sha,) in tx.values(kind, ("sha",), sha=wanted)}
    return sorted(wanted)


def newest_config(tx: Tx, version_id: int) -> ModelConfig:
    """The configuration of a version that counts."""
    config = tx.first(ModelConfig, order_by="-id", model_version_id=version_id)
    if config is None:
        raise not_found("configuration of model version", version_id)
    return config


def _version(tx: Tx, actor: Actor, permission: Permission, version_id: int) -> ModelVersion:
    version = tx.get(ModelVersion, version_id)
    if version is None:
        ask(actor, permission)
        raise not_found("model version", version_id)
    require(tx, actor, permission, version.workspace_id, "model version", version_id, own_model(version))
    return version


def _insert_config(tx: Tx, version: ModelVersion, new: NewConfig) -> ModelConfig:
    return tx.insert(
        ModelConfig(
            0,
            version.workspace_id,
            version.id,
            _runtime_of(tx, version),
            new.tensor_fields,
            new.filter_threshold,
            new.input_schema,
            new.output_schema,
            new.batch_config,
            new.dynamic_batching,
            new.continuous_batching,
            new.openai,
            tx.now,
        )
    )


def _runtime_of(tx: Tx, version: ModelVersion) -> str:
    """As the version's other configurations say; at first what is likely, until its preparation knows better.

    Clients read it while they wait, and remember it.
    """
    known = tx.first(ModelConfig, model_version_id=version.id)
    framework = FRAMEWORKS.get(framework_of(version.conversion))
    apart = framework is not None and not framework.converter
    return known.runtime if known else config_runtime(version, RuntimeKind.PROCESS if apart else RuntimeKind.ONNX)


def _check_fields(version: ModelVersion, fields: list[str] | None) -> None:
    inputs = (version.signature or {}).get("inputs", [])
    if not fields or len(fields) == len(inputs):
        return
    if len(inputs) == 1 and inputs[0]["shape"][1:] == [len(fields)]:
        return
    names = ", ".join(f"{spec['name']} {spec['shape']}" for spec in inputs)
    raise invalid(f"{len(fields)} tensor_fields do not fit the {len(inputs)} inputs of {version.name} ({names})")


def _views(tx: Tx, models: list[Model]) -> list[ModelView]:
    workspaces = {w.id: w for w in find_among(tx, Workspace, id={model.workspace_id for model in models})}
    versions: dict[int, list[VersionView]] = defaultdict(list)
    found = find_among(tx, ModelVersion, model_id={model.id for model in models})
    # In the order of their ids: the newest of a version remains.
    configs = {c.model_version_id: c for c in find_among(tx, ModelConfig, model_version_id={v.id for v in found})}
    for version in found:
        versions[version.model_id].append(VersionView(version, configs[version.id]))
    return [ModelView(model, workspaces[model.workspace_id], versions[model.id]) for model in models]
