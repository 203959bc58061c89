"""The SDK's token cache after the access token has expired: it refreshes twice with the one refresh token it has."""

import json
import os
from pathlib import Path

from steps import sign_in

CACHE = Path(os.environ["XDG_CACHE_HOME"]) / "wallaroo_sdk" / "auth" / "keycloak.json"


def run(given):
    sign_in(given).list_workspaces()
    cached = json.loads(CACHE.read_text())
    seen = []
    for change in ({"expiry": 0}, {"expiry": 0, "refresh_token": "of-another-server"}):
        CACHE.write_text(json.dumps({**cached, **change}))
        client = sign_in(given)
        seen.append(len(client.list_workspaces()) >= 0)
        seen.append(len(client.list_users()) > 0)
        cached = json.loads(CACHE.read_text())
    return {"worked": seen, "mode": oct(CACHE.stat().st_mode & 0o777)}
