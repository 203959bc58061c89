"""Drift detectors, outlier detectors and metrics servers of deployments and pipelines.

They run on the server itself: what Knative or a container of its own would need (``deployment`` in the configuration,
``env_secret_ref``, ``project``) is kept and has no effect.
"""

import asyncio
from dataclasses import replace
from typing import Any, Final

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.automation.data_files import Access
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.names import number_in
from modelyard.core.monitoring.detectors import (
    WINDOW,
    DetectorView,
    NewDetector,
    create_detector,
    delete_detector,
    get_detector,
    list_detectors,
    may_watch,
    refuse_artifact,
)
from modelyard.core.monitoring.entities import DetectorKind
from modelyard.core.monitoring.reference import Reference
from modelyard.dialects.seldon.dialect import exactly, json, seldon
from modelyard.dialects.seldon.places import PL, SD, place_of
from modelyard.dialects.seldon.reference_files import SUFFIXES, read_reference
from modelyard.web.call import Call

_SEGMENTS: Final = {
    DetectorKind.DRIFT: "drift-detector",
    DetectorKind.OUTLIER: "outlier-detector",
    DetectorKind.METRICS: "metrics-server",
}
_PLACES: Final = {
    SD: ("SeldonDeployment", (DetectorKind.DRIFT, DetectorKind.OUTLIER, DetectorKind.METRICS)),
    PL: ("Pipeline", (DetectorKind.DRIFT, DetectorKind.OUTLIER)),
}


class Basic(msgspec.Struct):
    """``BasicDetectorConfiguration``, as far as it has an effect here."""

    drift_batch_size: str | int | None = None
    drift_type_feature: bool = False
    storage_uri: str | None = None


class Configuration(msgspec.Struct):
    """``DetectorConfiguration``."""

    basic: Basic | None = None


class DetectorBody(msgspec.Struct):
    """``DetectorConfigData``."""

    name: str
    config: dict[str, Any] = {}


def _declare(place: str, kind_of_place: str, kind: DetectorKind) -> None:
    """The four operations on the detectors of one kind."""
    many = f"{place}/monitor/{_SEGMENTS[kind]}"
    one = f"{many}/{{detectorName}}"

    async def list_all(call: Call) -> Response:
        found = await call.services.store.read(list_detectors, call.actor, *place_of(call), kind)
        return json([_data(view, call, kind_of_place) for view in found])

    async def create(call: Call) -> Response:
        new = await _new(call, kind)
        made = await call.services.store.write(create_detector, call.actor, *place_of(call), new)
        return json(_data(made, call, kind_of_place))

    async def read(call: Call) -> Response:
        name = call.request.path_params["detectorName"]
        found = await call.services.store.read(get_detector, call.actor, *place_of(call), kind, name)
        return json(_data(found, call, kind_of_place))

    async def delete(call: Call) -> Response:
        name = call.request.path_params["detectorName"]
        await call.services.store.write(delete_detector, call.actor, *place_of(call), kind, name)
        return json({"code": 200, "message": f"{kind} detector {name} deleted"})

    seldon.get(many, Permission.PIPELINE_READ)(list_all)
    seldon.post(many, Permission.PIPELINE_EDIT, body=DetectorBody)(create)
    seldon.get(one, Permission.PIPELINE_READ)(read)
    seldon.route("DELETE", one, Permission.PIPELINE_EDIT)(delete)


for _where, (_what, _kinds) in _PLACES.items():
    for _kind in _kinds:
        _declare(_where, _what, _kind)


async def _new(call: Call, kind: DetectorKind) -> NewDetector:
    """What the body asks for, once it is sure that the caller may ask."""
    namespace, name = place_of(call)
    pipeline = await call.services.store.read(may_watch, call.actor, namespace, name)
    body = await call.json(DetectorBody)
    try:
        basic = msgspec.convert(body.config, Configuration).basic or Basic()
    except msgspec.ValidationError as error:
        raise invalid(f"config: {error}") from error
    new = NewDetector(kind, body.name, body.config, _window(basic), basic.drift_type_feature)
    if kind is DetectorKind.METRICS:
        return new
    if basic.storage_uri:
        return replace(
            new, reference=await _reference(call, basic.storage_uri, namespace), cursor=await _now(call, pipeline.id)
        )
    return replace(new, cursor=await _now(call, pipeline.id))


async def _reference(call: Call, uri: str, namespace: str) -> Reference:
    if not uri.lower().endswith(SUFFIXES):
        raise refuse_artifact(uri)
    source = call.services.files.source(uri, Access(namespace))
    return await asyncio.to_thread(read_reference, source, uri)


async def _now(call: Call, pipeline_id: int) -> dict[str, int]:
    """Where the log ends: what was logged before counts for nothing."""
    partitions = await asyncio.to_thread(call.services.logs.partitions, pipeline_id)
    return {name: partition.end for name, partition in partitions.items()}


def _window(basic: Basic) -> int:
    given = basic.drift_batch_size
    if given in (None, ""):
        return WINDOW
    text = str(given)
    number = number_in(text, 9)
    if number is None:
        raise invalid(f"config.basic.drift_batch_size {text[:40]!r} is not a number of rows")
    return number


def _data(view: DetectorView, call: Call, kind_of_place: str) -> dict[str, Any]:
    """``DetectorData``, and beside it why it waits or failed and what it found last."""
    namespace, name = place_of(call)
    return {
        "name": view.detector.name,
        "namespace": namespace,
        "deployment_name": name,
        "deployment_kind": kind_of_place,
        "detector_type": view.detector.kind,
        "config": view.detector.config,
        "status": view.progress.state,
        "reason": view.progress.reason,
        "result": _result(view),
    }


def _result(view: DetectorView) -> dict[str, Any] | None:
    newest = view.newest
    if newest is None:
        return None
    times = {"startTime": exactly(newest.first_at), "endTime": exactly(newest.last_at)}
    return {"firing": newest.firing, "rows": newest.rows, **times, **newest.details}
