"""Below ``/seldon-deploy`` everything is said in JSON, and an encoded slash is no slash."""

import http.client
import json
import uuid
from urllib.parse import quote, urlsplit

import pytest
from signing_in import API

from running import RunningServer
from wire import Caller, administrator


def _raw(server: RunningServer, method: str, path: str, token: str | None = None) -> tuple[int, str, bytes]:
    """The status, content type and body of a request whose path is sent as it is given."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    try:
        connection.request(method, path, headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        return answer.status, answer.headers.get("content-type", ""), answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "path",
    [
        "/seldon-deploy",
        "/seldon-deploy/",
        "/seldon-deploy/api",
        "/seldon-deploy/api/v1alpha1/",
        "/seldon-deploy/api/v1alpha1/nothing",
        "/seldon-deploy/api/v1alpha2/user",
        "/seldon-deploy/api/v1alpha1//user",
        "/seldon-deploy/api/v1alpha1/user/",
        "/seldon-deploy/api/v1alpha1/x/../user",
        "/seldon-deploy/api/v1alpha1/%2e%2e/v1alpha1/user",
        "/seldon-deploy/api%2Fv1alpha1/user",
        "/seldon-deploy/api/v1alpha1%2Fuser",
        "/seldon-deploy/api/v1alpha1/user%00",
        "/seldon-deploy/api/v1alpha1/user;x=1",
        "/seldon-deploy/api/v1alpha1/%ff%fe",
        "/seldon-deploy/api/v1alpha1/healthcheck/a%2Fb/c",
    ],
)
def test_a_path_that_is_none_answers_in_json(live_server: RunningServer, path: str) -> None:
    for token in (None, administrator(live_server).token):
        status, kind, body = _raw(live_server, "GET", path, token)
        assert (status, kind) == (404, "application/json"), path
        assert set(json.loads(body)) == {"code", "message", "requestId", "details"}


def test_an_encoded_slash_does_not_lead_below_the_prefix(live_server: RunningServer) -> None:
    token = administrator(live_server).token
    status, kind, _ = _raw(live_server, "GET", "/seldon-deploy%2Fapi/v1alpha1/user", token)
    assert (status, kind) == (404, "application/json")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_another_method_answers_in_json_and_says_which_are_possible(live_server: RunningServer, method: str) -> None:
    answer = Caller(live_server.url).call(method, f"{API}/user")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.json()["code"] == 405
    both = Caller(live_server.url).call(method if method != "POST" else "PATCH", f"{API}/iam/groups")
    assert both.headers["allow"] == "GET, HEAD, POST"


def test_head_answers_like_get_without_a_body(live_server: RunningServer) -> None:
    assert Caller(live_server.url).call("HEAD", f"{API}/user").status_code == 401
    assert administrator(live_server).call("HEAD", f"{API}/user").status_code == 200


def test_a_path_with_encoded_letters_leads_to_the_same_gate(live_server: RunningServer) -> None:
    token = administrator(live_server).token
    path = "/%73eldon-deploy/api/v1alpha1/%75ser"
    assert _raw(live_server, "GET", path)[0] == 401
    assert _raw(live_server, "GET", path, token)[0] == 200


def test_an_encoded_slash_belongs_to_the_name(live_server: RunningServer) -> None:
    """Not to the path: ``a/members`` is a group here and not the members of the group ``a``."""
    admin, token = administrator(live_server), administrator(live_server).token
    name = f"g{uuid.uuid4().hex[:8]}"
    top = "/auth/admin/realms/master/groups"
    made = admin.call("POST", top, json={"name": name}).headers["location"]
    admin.call("POST", f"{top}/{made.rpartition('/')[2]}/children", json={"name": "members"})
    below = quote(f"{name}/members", safe="")
    status, _, body = _raw(live_server, "GET", f"{API}/iam/groups/{below}/members", token)
    assert (status, json.loads(body)) == (200, {"members": []})
    assert _raw(live_server, "GET", f"{API}/iam/groups/{below}", token)[0] == 405
    assert _raw(live_server, "DELETE", f"{API}/iam/groups/{below}", token)[0] == 200
    assert _raw(live_server, "GET", f"{API}/iam/groups/{name}/members", token)[0] == 200


@pytest.mark.parametrize("name", ["100%", "a%2Fb", "%252F", "..", ".", "a b", "é", "x?y#z", "%25", "a+b"])
def test_a_name_arrives_as_it_was_meant(live_server: RunningServer, name: str) -> None:
    token = administrator(live_server).token
    status, _, body = _raw(live_server, "DELETE", f"{API}/iam/users/{quote(name, safe='')}", token)
    assert status == 404
    assert json.loads(body)["message"] == f"user {name} not found"
