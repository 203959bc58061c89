"""Running a prepared document in one transaction."""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLError, execute_sync
from graphql.execution import MiddlewareManager

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError
from modelyard.core.kernel.store import Tx
from modelyard.dialects.wallaroo.graphql.documents import Prepared
from modelyard.dialects.wallaroo.graphql.reader import Info, Reader
from modelyard.dialects.wallaroo.graphql.schema import SCHEMA


class FailedError(Exception):
    """Some field failed; raised so that the transaction leaves nothing behind."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(str(errors[0]))
        self.errors = errors


def execute(
    tx: Tx, actor: Actor, prepared: Prepared, variables: dict[str, Any], operation_name: str | None
) -> dict[str, Any]:
    """The data of the answer, whole: raises ``FailedError`` when any field of it failed."""
    require_platform(actor, Permission.SIGNED_IN)
    result = execute_sync(
        SCHEMA,
        prepared.document,
        context_value=Reader(tx, actor),
        variable_values=variables,
        operation_name=operation_name,
        middleware=_COUNTED,
    )
    if result.errors:
        for error in result.errors:
            _raise_fault(error)
        raise FailedError(result.errors)
    assert result.data is not None  # noqa: S101  # graphql-core gives data or errors
    return result.data


def _raise_fault(error: GraphQLError) -> None:
    """Let out what is not the caller's to hear: a collision that the store runs again, or a fault of the program."""
    cause = error.original_error
    if cause is not None and not isinstance(cause, (DomainError, GraphQLError)):
        raise cause


def _counted(resolve: Callable[..., Any], source: Any, info: Info, **arguments: Any) -> Any:
    info.context.spend()
    return resolve(source, info, **arguments)


_COUNTED = MiddlewareManager(_counted)
