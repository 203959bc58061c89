"""People of an external issuer: their ID tokens open the Seldon API, and what the issuer keeps is not changed here."""

import json
from collections.abc import Iterator

import pytest
from signing_in import API

from issuer_stand import IssuerStand, issuer_stand
from running import RunningServer, StartServer
from wire import Caller, administrator


@pytest.fixture(scope="module")
def stand() -> Iterator[IssuerStand]:
    with issuer_stand() as made:
        yield made


@pytest.fixture(scope="module")
def server(stand: IssuerStand, start_module_server: StartServer) -> RunningServer:
    issuer = {"url": stand.url, "audiences": ["modelyard"], "id_token_clients": ["sd-api"]}
    return start_module_server(external_issuers=json.dumps(issuer))


def _id_token(stand: IssuerStand, name: str, **changed: object) -> str:
    claims: dict[str, object] = {"aud": "sd-api", "scope": None, "typ": "ID", "sub": name, "preferred_username": name}
    return stand.token({"typ": "JWT"}, **{**claims, **changed})


def test_an_id_token_of_the_issuer_opens_the_seldon_api_alone(server: RunningServer, stand: IssuerStand) -> None:
    caller = Caller(server.url, _id_token(stand, "ines", groups=["science"]))
    assert caller.call("POST", "/v1/api/workspaces/list", json={}).status_code == 401
    users = administrator(server).call("GET", f"{API}/iam/users", params={"username": "ines"}).json()["users"]
    assert users == []  # who is refused gets no account
    assert caller.call("GET", f"{API}/user").json() == {
        "Id": "ines",
        "Name": "ines",
        "Email": "",
        "Groups": ["science"],
    }
    assert caller.call("POST", "/v1/api/workspaces/list", json={}).status_code == 401
    other = Caller(server.url, _id_token(stand, "ines", aud="elsewhere"))
    assert other.call("GET", f"{API}/user").status_code == 401


def test_what_the_issuer_keeps_is_not_changed_here(server: RunningServer, stand: IssuerStand) -> None:
    assert Caller(server.url, _id_token(stand, "omar", groups=["staff"])).call("GET", f"{API}/user").status_code == 200
    admin = administrator(server)
    refused = [
        admin.call("POST", f"{API}/iam/users/omar/resetPassword", json={}),
        admin.call("DELETE", f"{API}/iam/users/omar"),
        admin.call("DELETE", f"{API}/iam/users/omar/groups/staff"),
    ]
    for answer in refused:
        assert answer.status_code == 400, answer.text
        assert f"managed by the external issuer {stand.url}" in answer.json()["message"]
    assert admin.call("GET", f"{API}/iam/groups/staff/members").json()["members"][0]["username"] == "omar"
