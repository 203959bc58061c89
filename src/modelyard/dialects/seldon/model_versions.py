"""The model versions that a manifest's URIs name, found on threads that nothing else waits for: fetching is slow."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from modelyard.core.catalogue.entities import ModelVersion, Workspace
from modelyard.core.catalogue.model_uris import ModelSource
from modelyard.core.kernel.errors import DomainError, failed_precondition, not_found
from modelyard.core.kernel.store import Tx
from modelyard.dialects.seldon.planning import Source
from modelyard.web.call import Call

_fetches = ThreadPoolExecutor(2, "model-fetch")


async def model_versions(call: Call, namespace: str, asked: list[Source]) -> list[ModelVersion]:
    """What each source names; a refusal names the manifest's field."""
    services, actor = call.services, call.actor
    workspace_id = await services.store.read(_workspace_id, namespace)
    found = []
    for source in asked:
        wanted = [ModelSource(source.uri, source.secret)]
        find = asyncio.get_running_loop().run_in_executor
        try:
            (version,) = await find(_fetches, services.model_uris.versions, actor, workspace_id, wanted)
            if version.signature is None:
                why = version.error_summary or "there is no runtime for it"
                raise failed_precondition(f"{source.implementation} cannot serve it: {why}")
        except DomainError as error:
            error.message = f"{source.place} {source.uri[:200]!r}: {error.message}"
            error.details.setdefault("field", source.place)
            raise
        found.append(version)
    return found


def _workspace_id(tx: Tx, namespace: str) -> int:
    """Access is decided for each model: some may use a model and not see the rest of its workspace."""
    workspace = tx.first(Workspace, slug=namespace)
    if workspace is None:
        raise not_found("namespace", namespace)
    return workspace.id
