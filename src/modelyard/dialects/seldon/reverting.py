"""Reverting a SeldonDeployment's revision: what it changed is undone, what came later stays."""

from collections.abc import Mapping
from typing import Any

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, conflict, invalid
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.applying import Applied, update
from modelyard.core.serving.entities import Form, Pipeline, PipelineVersion
from modelyard.core.serving.pipelines import NewVersion, pipeline_at
from modelyard.core.serving.revisions import require_models, version_by_hash
from modelyard.dialects.seldon.core2 import without_given
from modelyard.dialects.seldon.manifests import Manifest, read_manifest
from modelyard.dialects.seldon.merging import merged
from modelyard.dialects.seldon.planning import plan_of, sources

Definition = Mapping[str, Any]


def revert(  # what, where, and who says what of it
    tx: Tx, actor: Actor, slug: str, name: str, digest: str, action: str | None, message: str | None
) -> Applied:
    """Serve what is served now without what the revision changed; ``CONFLICT`` when later ones changed the same."""
    pipeline = pipeline_at(tx, actor, slug, name, Permission.PIPELINE_DEPLOY)
    version = version_by_hash(tx, pipeline, digest)
    before = tx.find(
        PipelineVersion, order_by="-id", limit=1, pipeline_id=pipeline.id, id=_below(tx, pipeline, version)
    )
    newest = tx.first(PipelineVersion, order_by="-id", pipeline_id=pipeline.id)
    if not before or newest is None:
        raise invalid(f"{digest[:12]} is the first revision of {name!r}: delete the deployment instead", name=name)
    definition = _without(slug, name, version.definition, newest.definition, before[0].definition)
    require_models(tx, definition)
    said = message or f"revert {digest[:12]}"
    return update(tx, actor, slug, name, NewVersion(definition, Form.PREDICTORS, action or "revert", said))


def _below(tx: Tx, pipeline: Pipeline, version: PipelineVersion) -> list[int]:
    return [key for (key,) in tx.values(PipelineVersion, ("id",), pipeline_id=pipeline.id) if key < version.id]


def _without(slug: str, name: str, reverted: Definition, newest: Definition, before: Definition) -> dict[str, Any]:
    """The newest definition without what the reverted one changed; each model in the version that it was served in."""
    base, ours, theirs = (without_given(each["document"]) for each in (reverted, newest, before))
    document = merged(base, ours, theirs)
    if document == ours:
        raise conflict("there is nothing left of this revision to revert", name=name)
    try:
        manifest = read_manifest(document, slug, name)
    except DomainError as error:
        raise conflict(f"without this revision it could not be served: {error.message}", name=name) from error
    asked = sources(manifest)
    models = _models(slug, name, newest) | _models(slug, name, before)
    chosen = [models[source.uri, source.secret] for source in asked]
    return {"document": document, "plan": plan_of(manifest, asked), "models": chosen}


def _models(slug: str, name: str, definition: Definition) -> dict[tuple[str, str | None], dict[str, str]]:
    manifest: Manifest = read_manifest(without_given(definition["document"]), slug, name)
    named = zip(sources(manifest), definition["models"], strict=True)
    return {(source.uri, source.secret): model for source, model in named}
