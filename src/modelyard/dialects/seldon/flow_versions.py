"""Versions of Pipelines: a pipeline's document, with the experiment and the explainer that are kept with it."""

from dataclasses import dataclass, field
from typing import Any

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind, not_found
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.applying import Applied, get_applied, update
from modelyard.core.serving.entities import Form, PipelineVersion
from modelyard.core.serving.pipelines import NewVersion, pipeline_at
from modelyard.dialects.seldon.flows import flow_of
from modelyard.dialects.seldon.splits import split_of
from modelyard.web.call import Call

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of some of a pipeline's documents (None: it is no more), who says so, and what they had read.

    ``parts`` are of ``document``, ``experiment`` and ``explainer``.
    """

    parts: dict[str, Document | None]
    action: str | None = None
    message: str | None = None
    expected: int | None = None
    added: str | None = field(default=None)
    """The part that must not be there yet."""


def change_of(call: Call, parts: dict[str, Document | None], **more: Any) -> Change:
    """The change that a call asks for."""
    query = call.request.query_params
    return Change(parts, query.get("action"), query.get("message"), **more)


def new_version(parts: dict[str, Any], action: str | None = None, message: str | None = None) -> NewVersion:
    """A version of a pipeline with these parts; its models are found when it is applied."""
    document, experiment = parts["document"], parts.get("experiment")
    name = document["metadata"]["name"]
    split = split_of(name, experiment["spec"]) if experiment else None
    template = {"node": flow_of(name, document["spec"]), "split": split}
    return NewVersion({**parts, "template": template, "models": []}, Form.DATAFLOW, action, message)


def parts_of(version: PipelineVersion) -> dict[str, Any]:
    """The documents of a version."""
    return {key: version.definition.get(key) for key in ("document", "experiment", "explainer")}


def change(tx: Tx, actor: Actor, namespace: str, name: str, asked: Change) -> Applied:
    """Serve the pipeline with the change."""
    parts = parts_of(newest_flow(tx, actor, namespace, name, Permission.PIPELINE_DEPLOY))
    if asked.added is not None and parts[asked.added] is not None:
        message = f"pipeline {name!r} has an {asked.added} already; update it, or delete it first"
        raise DomainError(ErrorKind.CONFLICT, message, name=name)
    new = new_version(parts | asked.parts, asked.action, asked.message)
    return update(tx, actor, namespace, name, new, asked.expected)


def change_part(tx: Tx, actor: Actor, namespace: str, name: str, part: str, asked: Change) -> Applied:
    """The same for a part that is there; ``NOT_FOUND`` when it is not."""
    existing_part(newest_flow(tx, actor, namespace, name, Permission.PIPELINE_DEPLOY), name, part)
    return change(tx, actor, namespace, name, asked)


def get_part(tx: Tx, actor: Actor, namespace: str, name: str, part: str) -> tuple[Applied, Document]:
    """One of the documents of a pipeline."""
    applied = get_applied(tx, actor, namespace, name, Form.DATAFLOW)
    return applied, existing_part(applied.newest, name, part)


def existing_part(version: PipelineVersion, name: str, part: str) -> Document:
    """One of the documents of the pipeline's version; ``NOT_FOUND`` when there is none."""
    found: Document | None = version.definition.get(part)
    if found is None:
        raise not_found(part, f"of pipeline {name}")
    return found


def newest_flow(tx: Tx, actor: Actor, namespace: str, name: str, permission: Permission) -> PipelineVersion:
    """The newest version of a pipeline of this form."""
    pipeline = pipeline_at(tx, actor, namespace, name, permission)
    newest = tx.first(PipelineVersion, order_by="-id", pipeline_id=pipeline.id)
    if pipeline.form != Form.DATAFLOW or newest is None:
        raise not_found("deployment", f"{namespace}/{name}")
    return newest
