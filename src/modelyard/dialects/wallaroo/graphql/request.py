"""What the one route is sent."""

from typing import Any

import msgspec

BODY_BYTES = 131_072


class GraphQLRequest(msgspec.Struct):
    """One operation; batches are not offered."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = msgspec.field(name="operationName", default=None)
