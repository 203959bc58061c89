"""The models that a deployment asks for, on threads that nothing else waits for: fetching and checking is slow."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.catalogue.model_uris import ModelSource
from modelyard.web.call import Call

_fetches = ThreadPoolExecutor(2, "model-fetch")


async def model_versions(call: Call, workspace_id: int, sources: list[ModelSource]) -> list[ModelVersion]:
    """``ModelUris.versions`` for the caller."""
    find = call.services.model_uris.versions
    return await asyncio.get_running_loop().run_in_executor(_fetches, find, call.actor, workspace_id, sources)
