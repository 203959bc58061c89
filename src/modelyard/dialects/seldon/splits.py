"""Experiments: how the requests to a pipeline are shared among pipelines of its namespace."""

from collections.abc import Mapping
from typing import Any

from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.names import label
from modelyard.dialects.seldon.fields import a_list, an_object, whole

_MOST = 20
_HEAVIEST = 1_000_000


def split_of(pipeline: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """The targets and the shadow that an experiment of the pipeline describes; a refusal names the field."""
    kind = spec.get("resourceType") or "pipeline"
    if kind != "pipeline":
        raise invalid(
            "spec.resourceType must be 'pipeline': this is a pipeline's experiment", field="spec.resourceType"
        )
    if spec.get("default") not in (None, "", pipeline):
        raise invalid(f"spec.default must be {pipeline!r}, whose requests are shared", field="spec.default")
    given = a_list(spec.get("candidates"), "spec.candidates")
    if not 0 < len(given) <= _MOST:
        raise invalid(f"spec.candidates must list 1 to {_MOST} pipelines, got {len(given)}", field="spec.candidates")
    targets = [_candidate(each, f"spec.candidates[{at}]") for at, each in enumerate(given)]
    names = [target["name"] for target in targets]
    if len(set(names)) < len(names):
        raise invalid("spec.candidates: a pipeline is named twice", field="spec.candidates")
    if pipeline not in names:
        raise invalid(f"spec.candidates must name {pipeline!r}, too, with a weight", field="spec.candidates")
    if not any(target["weight"] for target in targets):
        raise invalid("spec.candidates: at least one weight must be above 0", field="spec.candidates")
    mirror = spec.get("mirror")
    return {"targets": targets, "shadow": _mirror(mirror) if mirror else None}


def canary_of(name: str, weight: int) -> dict[str, Any]:
    """The experiment that gives ``{name}-canary`` this share, in percent, of the requests."""
    shares = [{"name": name, "weight": 100 - weight}, {"name": f"{name}-canary", "weight": weight}]
    return _experiment(f"{name}-canary", {"candidates": shares, "default": name, "resourceType": "pipeline"})


def shadow_of(name: str) -> dict[str, Any]:
    """The experiment that gives ``{name}-shadow`` a copy of every request."""
    spec = {
        "candidates": [{"name": name, "weight": 100}],
        "mirror": {"name": f"{name}-shadow", "percent": 100},
        "default": name,
        "resourceType": "pipeline",
    }
    return _experiment(f"{name}-shadow", spec)


def names_candidate(experiment: Mapping[str, Any], candidate: str) -> bool:
    """Whether the experiment shares or mirrors requests with this pipeline."""
    spec = experiment["spec"]
    mirror = (spec.get("mirror") or {}).get("name")
    return candidate == mirror or any(each["name"] == candidate for each in spec["candidates"])


def _experiment(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": spec}


def _candidate(given: Any, place: str) -> dict[str, Any]:
    body = an_object(given, place)
    weight = whole(f"{place}.weight", body.get("weight"), 0, _HEAVIEST)
    return {"name": _name(body, place), "weight": weight, "place": f"{place}.name"}


def _mirror(given: Any) -> dict[str, Any]:
    body = an_object(given, "spec.mirror")
    percent = body.get("percent")
    share = 100 if percent is None else whole("spec.mirror.percent", percent, 0, 100)
    return {"name": _name(body, "spec.mirror"), "percent": share, "place": "spec.mirror.name"}


def _name(body: Mapping[str, Any], place: str) -> str:
    name = body.get("name")
    if not isinstance(name, str) or not name:
        raise invalid(f"{place}.name is missing: name a pipeline of the namespace", field=f"{place}.name")
    return label("pipeline", name)
