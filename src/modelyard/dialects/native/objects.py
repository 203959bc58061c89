"""What rights are given on, as people write it: ``experiment:12``, ``model:3/fraud``, ``model:mlflow/churn``,
``pipeline:3/fraud``, ``project:risk``, ``workspace:3``, ``platform``; a ``*`` at the end is for all that begin so."""

from modelyard.core.access.granting import Resource
from modelyard.core.access.grants import PLATFORM_ID, ResourceType, in_workspace
from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.kernel.store import Tx
from modelyard.core.tracking.experiments import tracking_workspace
from modelyard.core.tracking.resources import experiment_resource

_WORDS = {
    ResourceType.PLATFORM: "platform",
    ResourceType.WORKSPACE: "workspace",
    ResourceType.EXPERIMENT: "experiment",
    ResourceType.MODEL: "model",
    ResourceType.PIPELINE: "pipeline",
    ResourceType.PROJECT: "project",
}
_KINDS = {word: kind for kind, word in _WORDS.items()}
_TRACKING = "mlflow"


def object_named(tx: Tx, text: str) -> Resource:
    """The resource meant, which need not exist; ``INVALID`` for a text that names none."""
    word, _, which = text.partition(":")
    kind = _KINDS.get(word)
    if kind is ResourceType.PLATFORM and not which:
        return Resource(kind, PLATFORM_ID)
    if kind is None or kind is ResourceType.PLATFORM or not which:
        raise _not_understood(text)
    if kind is ResourceType.EXPERIMENT:
        return experiment_resource(tx, which)
    if kind is ResourceType.PROJECT:
        return Resource(kind, which)
    if kind is ResourceType.WORKSPACE:
        number = _workspace(tx, text, which)
        return Resource(kind, which if number is None else str(number), number or 0)
    place, _, name = which.partition("/")
    number = _workspace(tx, text, place)
    if number is None or not name:
        raise _not_understood(text)
    return Resource(kind, in_workspace(number, name), number)


def thing_named(tx: Tx, text: str) -> Resource:
    """The same for what grants can be given on: not for the platform."""
    found = object_named(tx, text)
    if found.kind is ResourceType.PLATFORM:
        raise invalid("roles on the platform are not granted here: make the user an administrator instead")
    return found


def object_name(kind: str, resource_id: str) -> str:
    """How people write a resource."""
    word = _WORDS[ResourceType(kind)]
    return word if kind == ResourceType.PLATFORM else f"{word}:{resource_id}"


def _workspace(tx: Tx, text: str, given: str) -> int | None:
    """The workspace's number; None for a pattern of them."""
    if given == _TRACKING:
        return tracking_workspace(tx)
    if given.endswith("*"):
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 16):
        raise _not_understood(text)
    return int(given)


def _not_understood(text: str) -> DomainError:
    return invalid(
        f"object {text[:80]!r} is not understood: use experiment:ID, model:WORKSPACE/NAME, pipeline:WORKSPACE/NAME, "
        "project:LABEL, workspace:ID or platform, where WORKSPACE is a workspace's number, or mlflow"
    )
