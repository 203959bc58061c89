"""The one route. The GraphQL library and the schema are loaded for the first request that needs them."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

from starlette.responses import Response

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.dialects.wallaroo.dialect import wallaroo
from modelyard.dialects.wallaroo.graphql.request import GraphQLRequest
from modelyard.web.call import Call

_OPERATIONS = "modelyard.dialects.wallaroo.graphql.operations"


@wallaroo.post("/v1/graphql", Permission.SIGNED_IN, body=GraphQLRequest)
async def graphql(call: Call) -> Response:
    """Run one GraphQL operation; introspection is answered to signed-in callers only, like everything else."""
    require_platform(call.actor, Permission.SIGNED_IN)
    answer = _answer() if _OPERATIONS in sys.modules else await asyncio.to_thread(_answer)
    return await answer(call)


def _answer() -> Callable[[Call], Awaitable[Response]]:
    from modelyard.dialects.wallaroo.graphql.operations import answer  # noqa: PLC0415  # a tenth of a worker's start

    return answer
