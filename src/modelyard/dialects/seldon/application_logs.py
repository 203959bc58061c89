"""What the server says about deployments, as the logs of their containers."""

from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.monitoring.application_log import EventQuery, read_events
from modelyard.core.serving.entities import DeploymentEvent
from modelyard.dialects.seldon.dialect import BASE, exactly, json, seldon
from modelyard.web.call import Call


class LogsParams(msgspec.Struct):
    """``ApplicationLogsParams``: a pod is a worker with one predictor, a container a node of its graph.

    ``container_id`` is accepted and has no effect.
    """

    container_id: str | None = None
    container_name: str | None = None
    deployment_namespace: str | None = None
    offset: int = msgspec.field(default=0, name="from")
    pod_name: str | None = None
    size: int = 100


@seldon.post(f"{BASE}/applicationlogs", Permission.LOGS_READ, body=LogsParams)
async def read_application_logs(call: Call) -> Response:
    """Lines about the deployments of a namespace, newest first."""
    body = await call.json(LogsParams)
    query = EventQuery(
        body.deployment_namespace or None, body.pod_name or "", body.container_name or "", body.offset, body.size
    )
    events, total = await call.services.store.read(read_events, call.actor, query)
    return json({"logs": [_line(event) for event in events], "total": total})


def _line(event: DeploymentEvent) -> dict[str, Any]:
    where = " ".join(part for part in (event.worker_id, event.node) if part)
    return {"timestamp": exactly(event.created_at), "message": f"[{where}] {event.message}" if where else event.message}
