"""The documents of Seldon Core 2 as this API writes them: Models, Pipelines, Experiments.

A request's body and the items of lists have Kubernetes' metadata flattened (``name`` beside ``spec``); single reads
have it in ``metadata``. Both are taken, and kept in one shape: ``metadata``, ``spec`` and whatever else was sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid5

from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.names import label
from modelyard.core.serving.applying import Applied
from modelyard.dialects.seldon.fields import an_object, resource_version, wrong
from modelyard.dialects.seldon.objects import conditions, metadata

API_VERSION: Final = "mlops.seldon.io/v1alpha1"

_GIVEN_BY_SERVER = frozenset({"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"})
_METADATA = _GIVEN_BY_SERVER | {
    "name",
    "namespace",
    "labels",
    "annotations",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "ownerReferences",
    "finalizers",
    "generateName",
    "clusterName",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A document that was sent; ``resource_version`` is the one that the sender read before."""

    name: str
    resource_version: int | None
    document: dict[str, Any]

    @property
    def spec(self) -> dict[str, Any]:
        """What is asked for."""
        spec: dict[str, Any] = self.document["spec"]
        return spec


def read_sent(body: Any, kind: str, namespace: str, name: str | None = None) -> Sent:
    """The document for this namespace; ``name`` is what the URL says, or what it is called if it does not say."""
    sent = an_object(body, "the body")
    if sent.get("kind") not in (None, "", kind):
        raise wrong("kind", sent["kind"], kind)
    flat = {key: value for key, value in sent.items() if key in _METADATA and value is not None}
    meta = flat | an_object(sent.get("metadata") or {}, "metadata")
    given = meta.get("name") or name
    if not isinstance(given, str):
        raise invalid(f"metadata.name is missing: name the {kind.lower()}", field="metadata.name")
    label(kind.lower(), given)
    there = meta.get("namespace") or namespace
    if there != namespace:
        raise invalid(f"metadata.namespace is {there!r}, but the URL names {namespace!r}", field="metadata.namespace")
    kept = {key: value for key, value in meta.items() if key not in _GIVEN_BY_SERVER}
    others = {key: value for key, value in sent.items() if key not in _METADATA | {"metadata", "status"}}
    document = {**others, "metadata": {**kept, "name": given}, "spec": an_object(sent.get("spec") or {}, "spec")}
    return Sent(given, resource_version(meta.get("resourceVersion")), document)


def same_name(sent: Sent, name: str) -> Sent:
    """The document, whose name must be the URL's."""
    if sent.name != name:
        raise invalid(f"metadata.name is {sent.name!r}, but the URL names {name!r}", field="metadata.name")
    return sent


def without_given(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without what the server gives, as histories compare it."""
    meta = {key: value for key, value in (document.get("metadata") or {}).items() if key not in _GIVEN_BY_SERVER}
    return {**document, "metadata": meta}


def shown(applied: Applied, kind: str, document: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    """The object as a single read gives it."""
    return {
        **document,
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": metadata(applied, document),
        "status": {**status, "observedGeneration": applied.versions},
    }


def shown_part(applied: Applied, kind: str, document: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
    """Something that is kept with a pipeline, as a single read gives it; it changes with the pipeline's version."""
    name = document["metadata"]["name"]
    given = {
        "namespace": applied.workspace,
        "uid": str(uuid5(UUID(applied.first.version), f"{kind}/{name}")),
        "resourceVersion": str(applied.newest.id),
    }
    meta = {**document["metadata"], **given}
    return {**document, "apiVersion": API_VERSION, "kind": kind, "metadata": meta, "status": status}


def listed(whole: dict[str, Any]) -> dict[str, Any]:
    """The object as lists give it: with its metadata flattened, too."""
    return {**whole["metadata"], **whole}


def status_of(applied: Applied, ignored: list[str], *kinds: str) -> dict[str, Any]:
    """Conditions of these kinds and ``Ready``, true when it is served; and which fields have no effect here."""
    found = conditions(applied, *kinds, "Ready")
    if ignored:
        message = f"kept, without effect here: {', '.join(ignored)}"
        found.append({"type": "FieldsIgnored", "status": "True", "reason": "NoKubernetes", "message": message})
    return {"conditions": found}
