"""The one route."""

import asyncio
from typing import Any

import msgspec
from graphql import FieldNode, GraphQLError
from starlette.responses import Response

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.dialects.wallaroo.dialect import wallaroo
from modelyard.dialects.wallaroo.graphql import answers
from modelyard.dialects.wallaroo.graphql.documents import Prepared, RejectedError, prepare
from modelyard.dialects.wallaroo.graphql.execution import FailedError, execute
from modelyard.dialects.wallaroo.graphql.mutations import MUTATIONS
from modelyard.web.call import Call, decode, record_refusal

BODY_BYTES = 131_072
_REFUSALS = {ErrorKind.INVALID: 400, ErrorKind.TOO_LARGE: 413}


class GraphQLRequest(msgspec.Struct):
    """One operation; batches are not offered."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = msgspec.field(name="operationName", default=None)


@wallaroo.post("/v1/graphql", Permission.SIGNED_IN, body=GraphQLRequest)
async def graphql(call: Call) -> Response:
    """Run one GraphQL operation; introspection is answered to signed-in callers only, like everything else."""
    require_platform(call.actor, Permission.SIGNED_IN)
    try:
        request = decode(await call.body(BODY_BYTES), GraphQLRequest)
        prepared = await asyncio.to_thread(prepare, request.query)
        writes = prepared.writes(request.operation_name)
    except DomainError as error:
        return answers.refused(error, _REFUSALS[error.kind])
    except RejectedError as error:
        return answers.failed(error.errors, error.code)
    return await _run(call, request, prepared, writes=writes)


async def _run(call: Call, request: GraphQLRequest, prepared: Prepared, *, writes: bool) -> Response:
    if prepared.answer is not None:
        return Response(prepared.answer, media_type="application/json")
    run = call.services.store.write if writes else call.services.store.read
    try:
        return answers.data(await run(execute, call.actor, prepared, request.variables or {}, request.operation_name))
    except FailedError as error:
        for failed in error.errors:
            if isinstance(failed.original_error, DomainError):
                field = _field(failed)
                needed = MUTATIONS[field].permission if field in MUTATIONS else Permission.SIGNED_IN
                await record_refusal(call, needed, failed.original_error, field)
        return answers.failed(error.errors)


def _field(failed: GraphQLError) -> str:
    """The name of the field that failed, whatever its alias."""
    return failed.nodes[0].name.value if failed.nodes and isinstance(failed.nodes[0], FieldNode) else ""
