"""Keycloak's own JavaScript client of the admin API against a running server."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from running import RunningServer, StartServer

_SOURCE = Path(__file__).parents[2] / "clients" / "keycloak-admin-client"
_INSTALLED = Path(__file__).parents[3] / ".cache" / "npm" / "keycloak-admin-client" / "node_modules"

_EXPECTED = {
    "user": "Ada",
    "found": [True],
    "nobody": None,
    "credentials": 1,
    "paths": ["/*/child"],
    "members": [True],
    "children": ["child"],
    "roles": ["user", "*"],
    "composites": ["user", "inference"],
    "rolesAfter": ["user"],
    "secret": "string",
    "account": True,
    "sessions": True,
    "keys": 1,
    "left": [None, None],
}


@pytest.fixture
def tour(tmp_path: Path) -> Path:
    """The script, where it finds the client; ``MODELYARD_TEST_KEYCLOAK_MODULES`` names another place of it."""
    modules = Path(os.environ.get("MODELYARD_TEST_KEYCLOAK_MODULES", _INSTALLED))
    if not modules.is_dir():
        pytest.fail(
            f"there is no Keycloak admin client in {modules}: run scripts/test, which installs it, or name the "
            "node_modules folder in MODELYARD_TEST_KEYCLOAK_MODULES"
        )
    (tmp_path / "node_modules").symlink_to(modules)
    return Path(shutil.copy(_SOURCE / "tour.mjs", tmp_path))


def test_it_keeps_users_groups_roles_and_clients(live_server: RunningServer, tour: Path) -> None:
    assert _seen(live_server, tour) == _EXPECTED


def test_it_does_so_on_postgresql_with_two_workers(
    start_server: StartServer, fresh_postgres_url: str, tour: Path
) -> None:
    assert _seen(start_server(database=fresh_postgres_url, workers=2), tour) == _EXPECTED


def _seen(server: RunningServer, tour: Path) -> Any:
    command = ["node", tour, server.url, server.admin_username, server.admin_password]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
