"""Alerts that fire, and trying how they are sent."""

from typing import Any

from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.monitoring.alerts import Alert, firing_alerts, send_test
from modelyard.dialects.seldon.dialect import BASE, exactly, json, seldon
from modelyard.web.call import Call


@seldon.get(f"{BASE}/alerting/alerts", Permission.PIPELINE_READ)
async def list_alerts(call: Call) -> Response:
    """Detectors that found something and deployments that failed, as far as the caller sees them."""
    found = await call.services.store.read(firing_alerts, call.actor)
    return json({"firingAlerts": [_firing(alert) for alert in found]})


@seldon.post(f"{BASE}/alerting/test", Permission.ALERTS_TEST, body=bool)
async def trigger_test_alert(call: Call) -> Response:
    """Send a test alert; true and false are sent the same way, for there is only one."""
    await call.json(bool)
    await call.services.store.write(send_test, call.actor, configured=call.services.alerted)
    return json({})


def _firing(alert: Alert) -> dict[str, Any]:
    return {
        "name": alert.name,
        "severity": alert.severity,
        "title": alert.title,
        "description": alert.description,
        "activeAt": exactly(alert.active_at),
    }
