"""The model versions that a manifest's URIs name."""

from modelyard.core.catalogue.entities import ModelVersion, Workspace
from modelyard.core.catalogue.models import list_versions
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, failed_precondition, not_found
from modelyard.core.kernel.store import Tx
from modelyard.dialects.seldon.planning import Source
from modelyard.web.call import Call


async def model_versions(call: Call, namespace: str, asked: list[Source]) -> list[ModelVersion]:
    """What each source names; a refusal names the manifest's field."""
    found = []
    for source in asked:
        try:
            version = await call.services.store.read(_version, call.actor, namespace, source.uri)
            if version.signature is None:
                why = version.error_summary or "there is no runtime for it"
                raise failed_precondition(f"{source.implementation} cannot serve it: {why}")
        except DomainError as error:
            error.message = f"{source.place} {source.uri[:200]!r}: {error.message}"
            error.details.setdefault("field", source.place)
            raise
        found.append(version)
    return found


def _version(tx: Tx, actor: Actor, namespace: str, uri: str) -> ModelVersion:
    workspace = tx.first(Workspace, slug=namespace)
    versions = [v for v in list_versions(tx, actor, name=uri) if workspace and v.workspace_id == workspace.id]
    if not versions:
        raise not_found("model", uri)
    return versions[-1]
