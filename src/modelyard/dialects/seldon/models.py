"""Models of Seldon Core 2: one model version, served under a name that pipelines of the namespace use."""

from typing import Any, Final

from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.errors import failed_precondition, invalid
from modelyard.core.serving.applying import Applied, create, get_applied, may_create, remove, update
from modelyard.core.serving.entities import Form
from modelyard.core.serving.graph.plan import model, plan
from modelyard.core.serving.pipelines import NewVersion, pipeline_at
from modelyard.dialects.seldon.core2 import Sent, read_sent, same_name, shown, status_of
from modelyard.dialects.seldon.deployments import definition
from modelyard.dialects.seldon.dialect import json, seldon
from modelyard.dialects.seldon.fields import a_list, text_or_none, wrong
from modelyard.dialects.seldon.model_versions import model_versions
from modelyard.dialects.seldon.objects import ready
from modelyard.dialects.seldon.places import NAMESPACE, place_of
from modelyard.dialects.seldon.planning import Source
from modelyard.web.call import Call

ALL: Final = f"{NAMESPACE}/models"
ONE: Final = f"{ALL}/{{name}}"

RUNTIMES: Final = frozenset({"onnx", "sklearn", "xgboost", "mlflow", "huggingface", "triton", "mlserver"})
"""Requirements that a model version with a runtime here may have."""
_IGNORED: Final = (
    "artifactVersion",
    "dedicated",
    "logger",
    "maxReplicas",
    "memory",
    "minReplicas",
    "modelType",
    "parameters",
    "preloaded",
    "replicas",
    "schemaUri",
    "server",
)


@seldon.post(ALL, Permission.PIPELINE_DEPLOY)
async def create_model(call: Call) -> Response:
    """Serve a model version under a new name."""
    namespace = call.request.path_params["namespace"]
    sent = read_sent(await call.json(dict), "Model", namespace)
    await call.services.store.read(may_create, call.actor, namespace, sent.name)
    new = await _new(call, sent)
    return _shown(await call.services.store.write(create, call.actor, namespace, sent.name, new))


@seldon.get(ONE, Permission.PIPELINE_READ)
async def read_model(call: Call) -> Response:
    """One Model."""
    namespace, name = place_of(call)
    return _shown(await call.services.store.read(get_applied, call.actor, namespace, name, Form.MODEL))


@seldon.route("PUT", ONE, Permission.PIPELINE_DEPLOY)
async def update_model(call: Call) -> Response:
    """Serve another version in its place, and in the pipelines that use it."""
    namespace, name = place_of(call)
    await call.services.store.read(pipeline_at, call.actor, namespace, name, Permission.PIPELINE_DEPLOY)
    sent = same_name(read_sent(await call.json(dict), "Model", namespace, name), name)
    new = await _new(call, sent)
    expected = sent.resource_version
    return _shown(await call.services.store.write(update, call.actor, namespace, name, new, expected))


@seldon.route("DELETE", ONE, Permission.PIPELINE_DEPLOY)
async def delete_model(call: Call) -> Response:
    """Serve it no longer; ``CONFLICT`` while pipelines use it."""
    namespace, name = place_of(call)
    await call.services.store.write(remove, call.actor, namespace, name, Form.MODEL)
    return json({})


def seldon_model(applied: Applied) -> dict[str, Any]:
    """A SeldonModel, with the status of now."""
    document: dict[str, Any] = applied.newest.definition["document"]
    ignored = [f"spec.{field}" for field in _IGNORED if document["spec"].get(field)]
    status = {**status_of(applied, ignored, "ModelReady"), "replicas": len(ready(applied))}
    return shown(applied, "Model", document, status)


def requirements(spec: dict[str, Any]) -> list[str]:
    """The requirements; ``FAILED_PRECONDITION`` names one that nothing here fulfils."""
    tags = a_list(spec.get("requirements"), "spec.requirements")
    for at, tag in enumerate(tags):
        place = f"spec.requirements[{at}]"
        if not isinstance(tag, str):
            raise wrong(place, tag, "the name of a runtime")
        if tag not in RUNTIMES:
            known = ", ".join(sorted(RUNTIMES))
            raise failed_precondition(
                f"{place} {tag[:100]!r}: this server has no such runtime, only {known}", field=place
            )
    return tags


async def _new(call: Call, sent: Sent) -> NewVersion:
    if sent.spec.get("explainer"):
        raise failed_precondition(
            "spec.explainer: explainers are not run as models here; keep one at its pipeline's explainer",
            field="spec.explainer",
        )
    uri = text_or_none(sent.spec.get("storageUri"), "spec.storageUri")
    if uri is None:
        raise invalid("spec.storageUri is missing: say which model it is", field="spec.storageUri")
    runtime = "/".join(requirements(sent.spec)) or "onnx"
    source = Source(uri, text_or_none(sent.spec.get("secretName"), "spec.secretName"), runtime, "spec.storageUri")
    versions = await model_versions(call, call.request.path_params["namespace"], [source])
    query = call.request.query_params
    made = definition(sent.document, plan(model(sent.name, 0)), versions)
    return NewVersion(made, Form.MODEL, query.get("action"), query.get("message"))


def _shown(applied: Applied) -> Response:
    return json(seldon_model(applied))
