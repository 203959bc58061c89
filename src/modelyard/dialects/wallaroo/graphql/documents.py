"""From the text of a document to something that may be run: parsed, within the limits, valid against the schema."""

from dataclasses import dataclass
from functools import lru_cache

from graphql import (
    DocumentNode,
    GraphQLError,
    OperationType,
    execute_sync,
    get_introspection_query,
    get_operation_ast,
    parse,
    print_ast,
    validate,
)

from modelyard.core.kernel.errors import invalid
from modelyard.dialects.wallaroo.graphql.limits import check_shape, check_size
from modelyard.dialects.wallaroo.graphql.schema import SCHEMA
from modelyard.web.call import json_bytes

_MAX_ERRORS = 10
_KEPT_CHARACTERS = 4_096


class RejectedError(Exception):
    """The document is not GraphQL (``code`` "parse-failed") or does not fit the schema ("validation-failed")."""

    def __init__(self, code: str, errors: list[GraphQLError]) -> None:
        super().__init__(f"{code}: {errors[0].message}")
        self.code = code
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that may be run. ``answer`` is its whole answer where that is the same for all: introspection."""

    document: DocumentNode
    answer: bytes | None

    def writes(self, operation_name: str | None) -> bool:
        """Whether the operation changes anything; ``INVALID`` when it is not clear which operation is meant."""
        operation = get_operation_ast(self.document, operation_name)
        if operation is None:
            raise invalid("the GraphQL document has no operation of that name, or several and none was named")
        return operation.operation is OperationType.MUTATION


def prepare(text: str) -> Prepared:
    """Raises ``DomainError(INVALID)`` beyond the limits, and ``RejectedError``."""
    check_size(text)
    return _prepare_and_keep(text) if len(text) <= _KEPT_CHARACTERS else _prepare(text)


def _prepare(text: str) -> Prepared:
    try:
        document = parse(text, no_location=False)
    except GraphQLError as error:
        raise RejectedError("parse-failed", [error]) from error
    except RecursionError as error:
        raise invalid("the GraphQL document is nested too deeply") from error
    check_shape(document)
    errors = validate(SCHEMA, document, max_errors=_MAX_ERRORS)
    if errors:
        raise RejectedError("validation-failed", errors)
    return Prepared(document, _introspection_answer() if _is_introspection(text, document) else None)


_prepare_and_keep = lru_cache(maxsize=128)(_prepare)  # clients repeat their documents; a refused one is not kept


def _is_introspection(text: str, document: DocumentNode) -> bool:
    """Whether this is, but for layout, the document with which the usual libraries ask for the whole schema."""
    return "__schema" in text and print_ast(document) == print_ast(_introspection())


@lru_cache(maxsize=1)
def _introspection() -> DocumentNode:
    return parse(get_introspection_query())


@lru_cache(maxsize=1)
def _introspection_answer() -> bytes:
    return json_bytes({"data": execute_sync(SCHEMA, _introspection()).data})
