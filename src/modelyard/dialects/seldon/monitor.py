"""Distributions and statistics of features out of the log."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.store import Tx
from modelyard.core.monitoring.detectors import outlier_rows, reference_data
from modelyard.core.monitoring.distributions import Shape, distribution, statistics
from modelyard.core.monitoring.feature_rows import FeatureQuery, FeatureRows, Filter, logged_rows, reference_rows
from modelyard.core.monitoring.inference_log import LogReader
from modelyard.core.monitoring.logged import Logged, logged, part_named
from modelyard.core.monitoring.reference import Reference
from modelyard.dialects.seldon.dialect import json, seldon
from modelyard.dialects.seldon.places import PL, SD
from modelyard.web.call import Call

_BOUNDS = ("gt", "gte", "lt", "lte")


class FeatureFilter(msgspec.Struct):
    """``FeatureFilter``: all that is given holds."""

    feature: str = ""
    interaction: str | None = None
    category_name: str | None = None
    gt: str | float | None = None
    gte: str | float | None = None
    lt: str | float | None = None
    lte: str | float | None = None
    terms: list[str] | None = None
    is_outlier: bool | None = None
    is_timestamp: bool | None = None


class Parameters(msgspec.Struct):
    """``FeatureDistributionParameters``; 0 means the default, as Go's clients leave it."""

    histogram_interval: float | None = None
    minimum_bucket_count: int | None = None
    number_of_time_buckets: int | None = None


class FeatureBody(msgspec.Struct):
    """``DeploymentFeatureData``: which feature of which rows. The path says which deployment."""

    feature: str
    interaction: str | None = None
    deployment_endpoint: str | None = None
    deployment_node: str | None = None
    aggregate_over_time: bool | None = None
    reference_data: bool | None = None
    filters: list[FeatureFilter] | None = None
    parameters: Parameters | None = None


def _declare(place: str) -> None:
    async def distributions(call: Call) -> Response:
        return json(await _answer(call, "distribution", distribution))

    async def stats(call: Call) -> Response:
        return json(await _answer(call, "stats", statistics))

    seldon.post(f"{place}/monitor/featuredistributions", Permission.LOGS_READ, body=FeatureBody)(distributions)
    seldon.post(f"{place}/monitor/featurestatistics", Permission.LOGS_READ, body=FeatureBody)(stats)


for _place in (SD, PL):
    _declare(_place)


async def _answer(call: Call, field: str, summary: Callable[[FeatureRows, Shape], dict[str, Any]]) -> dict[str, Any]:
    path, store = call.request.path_params, call.services.store
    known = await store.read(_known, call.actor, path["namespace"], path["name"])
    body = await call.json(FeatureBody)
    shape, query = _shape(body), _query(body)
    if body.reference_data:
        rows = await asyncio.to_thread(reference_rows, await store.read(_reference, known[0]), query)
    else:
        rows = await asyncio.to_thread(_rows, call.services.logs, *known, body, query)
    summed = await asyncio.to_thread(summary, rows, shape)
    return {
        "feature": body.feature,
        "interaction": query.interaction,
        "type": "REAL" if rows.numeric else "CATEGORICAL",
        "total_instances": len(rows.values),
        field: summed,
    }


def _known(tx: Tx, actor: Actor, namespace: str, name: str) -> tuple[Logged, set[tuple[str, int]] | None]:
    """(whose log it is, the outliers in it)."""
    of = logged(tx, actor, namespace, name)
    return of, outlier_rows(tx, of.pipeline.id)


def _reference(tx: Tx, of: Logged) -> Reference:
    return reference_data(tx, of.pipeline.id)


def _rows(
    logs: LogReader, of: Logged, outliers: set[tuple[str, int]] | None, body: FeatureBody, query: FeatureQuery
) -> FeatureRows:
    part = part_named(logs, of, body.deployment_endpoint or "", body.deployment_node or "")
    return logged_rows(logs, of.pipeline.id, part, query, outliers)


def _shape(body: FeatureBody) -> Shape:
    given = body.parameters or Parameters()
    if body.reference_data and body.aggregate_over_time:
        raise invalid("reference data has no times: leave aggregate_over_time out")
    times = (given.number_of_time_buckets or 0) if body.aggregate_over_time else None
    least = 1 if given.minimum_bucket_count is None else given.minimum_bucket_count
    return Shape(given.histogram_interval or None, least, times)


def _query(body: FeatureBody) -> FeatureQuery:
    filters = tuple(_filter(each) for each in body.filters or [])
    return FeatureQuery(body.feature, (body.interaction or "request").lower(), filters)


def _filter(given: FeatureFilter) -> Filter:
    bounds = tuple((name, str(value)) for name in _BOUNDS if (value := getattr(given, name)) not in (None, ""))
    terms = (*(given.terms or ()), *([given.category_name] if given.category_name else []))
    if not given.feature and not given.is_timestamp and given.is_outlier is None:
        raise invalid("a filter needs a feature, or is_timestamp or is_outlier")
    return Filter(
        given.feature,
        (given.interaction or "request").lower(),
        bounds,
        terms,
        bool(given.is_timestamp),
        given.is_outlier,
    )
