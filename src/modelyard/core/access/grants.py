"""The grant table: which principal holds which role on which resource."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ResourceType(StrEnum):
    """What a grant can be about."""

    PLATFORM = "platform"
    WORKSPACE = "workspace"


PLATFORM_ID = "*"


@dataclass(frozen=True, slots=True)
class Grant:
    """``subject_id`` (a user) holds ``role`` on the resource; at most one grant a subject and resource."""

    id: int
    subject_id: str
    resource_type: str
    resource_id: str
    role: str
    created_at: datetime
