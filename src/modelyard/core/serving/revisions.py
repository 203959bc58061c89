"""The history of what is served: which documents each version changed, as a version control system would tell it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from modelyard.core.access.check import ask, visible
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import ModelVersion, Workspace
from modelyard.core.identity.entities import User
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import failed_precondition, not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.applying import Applied, update
from modelyard.core.serving.definitions import models_named
from modelyard.core.serving.entities import Form, Pipeline, PipelineVersion
from modelyard.core.serving.pipelines import OWN, NewVersion, pipeline_at

Files = Callable[[Pipeline, Mapping[str, Any]], dict[str, str]]
"""The documents of a definition: text by file name."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a version did to one file: None is no file. ``previous`` is the hash of the version that changed it last."""

    version: PipelineVersion
    author: str
    file: str
    before: str | None
    after: str | None
    previous: str

    @property
    def hash(self) -> str:
        """The version's hash."""
        return revision_hash(self.version)


def revision_hash(version: PipelineVersion) -> str:
    """40 hexadecimal digits that stand for a version."""
    return sha256(version.version.encode()).hexdigest()[:40]


def history(tx: Tx, actor: Actor, slug: str, name: str, form: Form, files: Files) -> list[Change]:
    """What the versions under a name changed, newest first."""
    pipeline = pipeline_at(tx, actor, slug, name, Permission.PIPELINE_READ)
    if pipeline.form != form:
        raise not_found("deployment", f"{slug}/{name}")
    return _changes(tx, [pipeline], files)


def history_of_all(tx: Tx, actor: Actor, slug: str, files: Files) -> list[Change]:
    """The same for all that the actor may see in a workspace; nothing for one who may not see it."""
    ask(actor, Permission.PIPELINE_READ)
    workspace = tx.first(Workspace, slug=slug)
    if workspace is None:
        return []
    seen = tx.find(Pipeline, workspace_id=workspace.id, **visible(actor, Permission.PIPELINE_READ, OWN))
    return _changes(tx, [pipeline for pipeline in seen if pipeline.form != Form.STEPS], files)


def version_by_hash(tx: Tx, pipeline: Pipeline, digest: str) -> PipelineVersion:
    """One version of the pipeline."""
    for version in tx.find(PipelineVersion, pipeline_id=pipeline.id):
        if revision_hash(version) == digest:
            return version
    raise not_found("revision", f"{digest[:60]} of {pipeline.name}")


def restore(  # what, where, and who says what of it
    tx: Tx, actor: Actor, slug: str, name: str, digest: str, action: str | None, message: str | None
) -> Applied:
    """Serve again exactly what a version served; ``FAILED_PRECONDITION`` when a model of it is gone."""
    pipeline = pipeline_at(tx, actor, slug, name, Permission.PIPELINE_DEPLOY)
    version = version_by_hash(tx, pipeline, digest)
    require_models(tx, version.definition)
    said = message or f"restore {digest[:12]}"
    return update(tx, actor, slug, name, NewVersion(version.definition, Form(pipeline.form), action or "restore", said))


def require_models(tx: Tx, definition: Mapping[str, Any]) -> None:
    """The models that the definition names are there, or ``FAILED_PRECONDITION``."""
    for ref in models_named(definition["models"]):
        if tx.first(ModelVersion, version=ref.version) is None:
            raise failed_precondition(
                f"version {ref.version} of model {ref.name!r} was served then, but is gone; nothing was changed",
                model=ref.name,
            )


def _changes(tx: Tx, pipelines: Sequence[Pipeline], files: Files) -> list[Change]:
    versions = tx.find(PipelineVersion, pipeline_id=[pipeline.id for pipeline in pipelines]) if pipelines else []
    names = dict(tx.values(User, ("id", "username"), id={version.created_by for version in versions}))
    of_pipeline = {pipeline.id: pipeline for pipeline in pipelines}
    known: dict[int, dict[str, str]] = {}
    last: dict[tuple[int, str], str] = {}
    found = []
    for version in versions:
        key = version.pipeline_id
        before, after = known.get(key, {}), files(of_pipeline[key], version.definition)
        author = names.get(version.created_by, version.created_by)
        for file in sorted(before.keys() | after.keys()):
            if before.get(file) != after.get(file):
                previous = last.get((key, file), "")
                found.append(Change(version, author, file, before.get(file), after.get(file), previous))
                last[key, file] = revision_hash(version)
        known[key] = after
    return found[::-1]
