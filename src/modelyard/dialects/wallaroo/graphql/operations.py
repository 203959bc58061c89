"""From a request to its answer."""

import asyncio

from graphql import FieldNode, GraphQLError
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.dialects.wallaroo.graphql import answers
from modelyard.dialects.wallaroo.graphql.documents import Prepared, RejectedError, prepare
from modelyard.dialects.wallaroo.graphql.execution import FailedError, execute
from modelyard.dialects.wallaroo.graphql.mutations import MUTATIONS
from modelyard.dialects.wallaroo.graphql.request import BODY_BYTES, GraphQLRequest
from modelyard.web.call import Call, decode, record_refusal

_REFUSALS = {ErrorKind.INVALID: 400, ErrorKind.TOO_LARGE: 413}


async def answer(call: Call) -> Response:
    """Run the operation that the request holds."""
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
