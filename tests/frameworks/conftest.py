"""A server on which models of all frameworks are tried, with the environments that all tests share."""

import socket

import pytest

import real_clients
from dialects.wallaroo.scenarios import scenarios
from model_environments import use_environments, wheel_folders
from running import StartServer
from trying_models import Tried
from wire import invite, sign_in


@pytest.fixture(scope="session")
def tried(start_session_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Tried:
    """For all of this folder; tests give their models and pipelines names of their own."""
    folder = tmp_path_factory.mktemp("frameworks")
    use_environments(folder / "data")
    port, wheels = _free_port(), ",".join(map(str, wheel_folders()))
    server = start_session_server(
        data=folder / "data", grpc_port=port, package_folders=wheels, outgoing_networks="127.0.0.0/8"
    )
    person = invite(server, "frameworks")
    caller = sign_in(server, person.email, person.password)
    workspace = f"frameworks-{person.id[:8]}"
    made = caller.post("/v1/api/workspaces/create", {"workspace_name": workspace})
    sdk = scenarios(server, real_clients.wallaroo_python(), person, folder)
    return Tried(server, caller, sdk, workspace, made["workspace_id"], port)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
