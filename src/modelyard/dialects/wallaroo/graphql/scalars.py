"""The scalars of the schema: how their values are read and written.

Named after PostgreSQL's types, as Hasura names them. ``jsonb`` and ``bpchar`` pass as they are.
"""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from graphql import GraphQLError, GraphQLScalarType, GraphQLSchema

from modelyard.dialects.wallaroo.dialect import timestamp

_INT64 = range(-(2**63), 2**63)


def install(schema: GraphQLSchema) -> None:
    """Give the schema's scalars their readers and writers."""
    _set(schema, "bigint", _bigint, int)
    _set(schema, "timestamptz", _timestamp, timestamp)
    _set(schema, "uuid", _uuid, str)


def _set(schema: GraphQLSchema, name: str, read: Callable[[Any], Any], write: Callable[[Any], Any]) -> None:
    scalar = schema.type_map[name]
    assert isinstance(scalar, GraphQLScalarType)  # noqa: S101  # the schema is ours
    scalar.coerce_input_value = read
    scalar.coerce_output_value = write


def _bigint(value: Any) -> int:
    """A JSON number or its decimal digits as a string, within 64 bits."""
    if isinstance(value, (int, str)) and not isinstance(value, bool):
        try:
            number = int(value)
        except ValueError:
            number = None
        if number is not None and number in _INT64:
            return number
    raise GraphQLError(f"bigint: expected a 64-bit whole number, got {_shown(value)}")


def _timestamp(value: Any) -> datetime:
    """ISO 8601; UTC where no offset is given."""
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        raise GraphQLError(f"timestamptz: expected a time in ISO 8601, got {_shown(value)}") from None


def _uuid(value: Any) -> str:
    """A UUID in any of its text forms; kept in the canonical one."""
    try:
        return str(uuid.UUID(value))
    except (TypeError, ValueError, AttributeError):
        raise GraphQLError(f"uuid: expected a UUID, got {_shown(value)}") from None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"
