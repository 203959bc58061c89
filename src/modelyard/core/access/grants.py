"""The grant table: which subject holds which role on which resource. One table for all dialects."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from modelyard.core.kernel.errors import invalid


class ResourceType(StrEnum):
    """What a grant can be about; how its ``resource_id`` is made stands beside each."""

    PLATFORM = "platform"  # PLATFORM_ID
    WORKSPACE = "workspace"  # the workspace's id
    EXPERIMENT = "experiment"  # the experiment's id
    MODEL = "registered_model"  # <workspace id>/<name>
    PIPELINE = "pipeline"  # <workspace id>/<name>
    PROJECT = "project"  # the label by which metadata of models is grouped


PLATFORM_ID = "*"
ANY = "*"
_ID_MAX = 512


@dataclass(frozen=True, slots=True)
class Grant:
    """The subject holds ``role`` on the resource; at most one grant a subject and resource.

    ``subject_id`` is the id of a user, of a group, of a custom role, or ``EVERYONE``. A ``resource_id`` that ends in
    ``*`` is a pattern and covers all ids that begin with what stands before it, which ``prefix`` holds; None
    otherwise. The resource need not exist.
    """

    id: int
    subject_id: str
    resource_type: str
    resource_id: str
    prefix: str | None
    role: str
    created_at: datetime


def covers(grant: Grant, resource_id: str) -> bool:
    """Whether a grant on this kind of thing is on the one with this id, by it or by a pattern."""
    return grant.resource_id == resource_id or (grant.prefix is not None and resource_id.startswith(grant.prefix))


def new_grant(subject_id: str, resource_type: ResourceType, resource_id: str, role: str, now: datetime) -> Grant:
    """A grant that is not stored yet; ``INVALID`` for an id that no resource can have."""
    if not resource_id or len(resource_id) > _ID_MAX or not resource_id.isprintable():
        raise invalid(f"{resource_type} {resource_id[:60]!r} is not an id: use 1 to {_ID_MAX} printable characters")
    pattern = resource_id.endswith(ANY) and resource_type is not ResourceType.PLATFORM
    prefix = resource_id.removesuffix(ANY) if pattern else None
    return Grant(0, subject_id, resource_type, resource_id, prefix, role, now)


OF_WORKSPACE = ("workspace_id", "name")
"""The fields that make the resource id of a model or pipeline."""


def in_workspace(workspace_id: int, name: str) -> str:
    """The resource id of a model or pipeline, or with ``*`` in the name a pattern of such ids."""
    return f"{workspace_id}/{name}"
