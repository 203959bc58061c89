"""Sign in by browser, as the SDK does by default: it prints where to go and waits; then once more from its cache."""

import json
import os
from pathlib import Path

import wallaroo

CACHE = Path(os.environ["XDG_CACHE_HOME"]) / "wallaroo_sdk" / "auth" / "keycloak.json"


def run(given):
    client = wallaroo.Client(api_endpoint=given["url"], auth_type="sso", request_timeout=30)
    first = client.auth.user_email()
    workspace = client.get_current_workspace().name()
    cached = json.loads(CACHE.read_text())
    CACHE.write_text(json.dumps({**cached, "expiry": 0}))
    again = wallaroo.Client(api_endpoint=given["url"], auth_type="sso", request_timeout=30)
    return {"email": first, "workspace": workspace, "again": again.get_current_workspace().name()}
