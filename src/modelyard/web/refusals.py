"""What is told of requests that fail, and recording those that somebody may not make, whatever the dialect."""

import logging

from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.audit.bounded import BoundedRecorder
from modelyard.core.audit.entities import Outcome
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind

_LOG = logging.getLogger(__name__)

_ABOUT_RIGHTS = frozenset({Permission.USERS_MANAGE, Permission.WORKSPACE_MANAGE, Permission.PIPELINE_INFER})
"""To these a stranger is told that the thing does not exist; that, too, may have been a try."""


async def record_route_refusal(  # who, what, and why not
    audit: BoundedRecorder, actor: Actor, route: str, permission: Permission, error: DomainError
) -> None:
    """Record the error if it says that the caller lacked a right; ``route`` is the method and the path."""
    if error.kind is ErrorKind.FORBIDDEN:
        outcome = Outcome.REFUSED
    elif error.kind is ErrorKind.NOT_FOUND and permission in _ABOUT_RIGHTS:
        outcome = Outcome.FAILED
    else:
        return
    lacking = error.details.get("permission", str(permission))
    await audit.refusal(actor, Action.ACCESS, "route", route, outcome, permission=lacking, message=error.message)


def as_told(error: Exception, what: str) -> DomainError:
    """The error for the client: of an inner one nothing leaves, and the log has it all, with ``what`` before it."""
    if isinstance(error, DomainError):
        return error
    _LOG.error("%s", what, exc_info=error)
    return DomainError(ErrorKind.INTERNAL, "internal error; see the server's log")
