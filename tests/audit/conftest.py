"""A world for each module of tests about the audit log."""

import pytest

from audit_world import World
from running import StartServer
from wire import administrator, invite, sign_in


@pytest.fixture(scope="module")
def world(start_module_server: StartServer) -> World:
    server = start_module_server(trusted_proxies="127.0.0.2")
    ada = invite(server, "ada")
    caller = sign_in(server, ada.email, ada.password)
    made = caller.post("/v1/api/workspaces/create", {"workspace_name": "fraud"})
    return World(server, administrator(server), ada, caller, made["workspace_id"])
