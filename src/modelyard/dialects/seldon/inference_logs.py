"""Logs of requests and answers, by deployment, predictor and node.

A graph is logged as a whole: its rows belong to the root node of the predictor that answered. The log of one model of a
pipeline is that of what it is part of.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.kernel.errors import invalid
from modelyard.core.monitoring.inference_log import LogReader, RequestQuery
from modelyard.core.monitoring.logged import Logged, Part, list_logged, logged, part_named, part_with, tallied
from modelyard.core.serving.entities import Form
from modelyard.dialects.seldon.dialect import BASE, exactly, json, seldon
from modelyard.dialects.seldon.payloads import page_cursor, page_token, payload
from modelyard.web.call import Call

_LOGS = f"{BASE}/inference-logs"
_PAGE, _MOST = 100, 1000
_PAGE_BYTES = 16 * 1024 * 1024


class LogsBody(msgspec.Struct, rename="camel"):
    """Which requests: the newest first, at most ``limit`` (0: 100); a token goes on where its page ended."""

    predictor_name: str = ""
    container_name: str = ""
    start_time: datetime | None = None
    end_time: datetime | None = None
    limit: int = 0
    page_token: str | None = None


@seldon.get(f"{_LOGS}/seldondeployments", Permission.LOGS_READ)
async def list_deployment_inference_logs(call: Call) -> Response:
    """What is logged of which deployments, by predictor and node."""
    query = call.request.query_params
    namespace, name = query.get("namespace") or None, query.get("deploymentName") or None
    found = await call.services.store.read(list_logged, call.actor, list(Form), namespace, name)
    items = await asyncio.to_thread(lambda: [item for each in found for item in _items(call.services.logs, each)])
    wanted = {"predictor": query.get("predictorName"), "container": query.get("containerName")}
    chosen = [item for item in items if all(not value or item[field] == value for field, value in wanted.items())]
    return json({"inferenceLogs": chosen})


@seldon.get(f"{_LOGS}/models", Permission.LOGS_READ)
async def list_model_inference_logs(call: Call) -> Response:
    """The same for the model of a pipeline."""
    query = call.request.query_params
    named = [query.get(each) or "" for each in ("namespace", "pipelineName", "modelName")]
    if not all(named):
        raise invalid("say which model: namespace, pipelineName and modelName")
    namespace, name, model = named
    found = await call.services.store.read(list_logged, call.actor, list(Form), namespace, name)
    items = await asyncio.to_thread(
        lambda: [item for each in found for item in _items(call.services.logs, each, model)]
    )
    return json({"inferenceLogs": [_of_model(item, model) for item in items]})


@seldon.post(
    f"{_LOGS}/namespace/{{namespace}}/seldondeployments/{{deploymentName}}", Permission.LOGS_READ, body=LogsBody
)
async def get_deployment_inference_logs(call: Call) -> Response:
    """Requests to one predictor with their answers."""
    path, body = call.request.path_params, await call.json(LogsBody)
    named = {"namespace": path["namespace"], "deploymentName": path["deploymentName"]}
    answer = await _requests(call, path["deploymentName"], body)
    return json({**named, "predictorName": body.predictor_name, "containerName": body.container_name, **answer})


@seldon.post(
    f"{_LOGS}/namespace/{{namespace}}/pipelines/{{pipelineName}}/models/{{modelName}}",
    Permission.LOGS_READ,
    body=LogsBody,
)
async def get_model_inference_logs(call: Call) -> Response:
    """Requests to the model of a pipeline with their answers."""
    path, body = call.request.path_params, await call.json(LogsBody)
    return json({**path, **await _requests(call, path["pipelineName"], body, path["modelName"])})


async def _requests(call: Call, name: str, body: LogsBody, model: str | None = None) -> dict[str, Any]:
    found = await call.services.store.read(logged, call.actor, call.request.path_params["namespace"], name)
    query = _query(body)
    place = {"workspace_id": found.pipeline.workspace_id, "name": found.pipeline.name}
    await call.services.audit.read(call.actor, Action.LOG_READ, "pipeline", found.pipeline.id, **place)
    return await asyncio.to_thread(_page, call.services.logs, found, _chosen(body, model), query)


def _chosen(body: LogsBody, model: str | None) -> Callable[[LogReader, Logged], Part]:
    """How the part that is asked for is found."""
    if model is not None:
        return lambda logs, of: part_with(logs, of, model)
    return lambda logs, of: part_named(logs, of, body.predictor_name, body.container_name)


def _page(
    logs: LogReader, of: Logged, chosen: Callable[[LogReader, Logged], Part], query: RequestQuery
) -> dict[str, Any]:
    part = chosen(logs, of)
    query = replace(query, target=part.target)
    page = logs.requests(of.pipeline.id, query, part.stream)
    return {
        "payloads": [payload(request) for request in page.requests],
        "nextPageToken": page_token(page.next) if page.more else "",
        "totalCount": sum(tally.requests for tally in logs.tallies(of.pipeline.id, query, part.stream)),
    }


def _query(body: LogsBody) -> RequestQuery:
    for name, time in (("startTime", body.start_time), ("endTime", body.end_time)):
        if time is not None and time.tzinfo is None:
            raise invalid(f"{name} needs an offset, as in 2026-03-01T12:00:00Z")
    if body.limit < 0:
        raise invalid(f"limit must not be negative, as {body.limit} is")
    limit = min(body.limit or _PAGE, _MOST)
    return RequestQuery(
        newest_first=True,
        limit=limit,
        max_bytes=_PAGE_BYTES,
        cursor=page_cursor(body.page_token),
        start=body.start_time,
        end=body.end_time,
    )


def _items(logs: LogReader, of: Logged, node: str | None = None) -> list[dict[str, Any]]:
    return [
        {
            "namespace": of.namespace,
            "name": of.pipeline.name,
            "predictor": part.predictor,
            "container": part.container,
            "count": tally.requests,
            "startTime": exactly(tally.first),
            "endTime": exactly(tally.last),
        }
        for part, tally in tallied(logs, of)
        if node is None or node in part.nodes
    ]


def _of_model(item: dict[str, Any], model: str) -> dict[str, Any]:
    times = {field: item[field] for field in ("namespace", "count", "startTime", "endTime")}
    return {**times, "pipelineName": item["name"], "modelName": model}
