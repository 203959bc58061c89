"""What the metadata lists works, and what it does not list does not."""

from apps import App, register

from browser import Browser
from running import RunningServer
from wire import Caller, administrator

_REALM = "/auth/realms/master"


def test_every_endpoint_that_is_listed_is_served(live_server: RunningServer) -> None:
    found = Caller(live_server.url).call("GET", f"{_REALM}/.well-known/openid-configuration").json()
    endpoints = {name: url for name, url in found.items() if name.endswith(("_endpoint", "_uri"))}
    assert set(endpoints) == {
        "authorization_endpoint",
        "device_authorization_endpoint",
        "end_session_endpoint",
        "introspection_endpoint",
        "jwks_uri",
        "revocation_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
    }
    caller = Caller(live_server.url)
    for url in endpoints.values():
        path = url.removeprefix(live_server.url)
        assert caller.call("GET", path).status_code != 404, path
        assert path.startswith(f"{_REALM}/protocol/openid-connect/")


def test_both_places_of_the_metadata_say_the_same(live_server: RunningServer) -> None:
    caller = Caller(live_server.url)
    first = caller.call("GET", f"{_REALM}/.well-known/openid-configuration").json()
    second = caller.call("GET", f"/.well-known/oauth-authorization-server{_REALM}").json()
    assert first == second
    assert caller.call("GET", "/.well-known/oauth-authorization-server/auth/realms/none").status_code == 404


def test_no_member_would_be_taken_for_a_setting_by_the_seldon_sdk(live_server: RunningServer) -> None:
    found = Caller(live_server.url).call("GET", f"{_REALM}/.well-known/openid-configuration").json()
    forbidden = {"token", "scope", "redirect_uri", "client_id", "grant_type", "verify", "token_endpoint_auth_method"}
    assert not forbidden & set(found)


def test_only_what_is_listed_is_accepted(live_server: RunningServer, browser: Browser) -> None:
    found = Caller(live_server.url).call("GET", f"{_REALM}/.well-known/openid-configuration").json()
    app = register(live_server)
    for name in ("code token", "id_token", "none", "token"):
        assert name not in found["response_types_supported"]
        assert app.ask(browser, response_type=name).reply["error"] == "unsupported_response_type"
    for name in ("form_post", "fragment", "query.jwt"):
        assert name not in found["response_modes_supported"]
        assert "error" in app.ask(browser, response_mode=name).reply
    for name in found["scopes_supported"]:
        assert app.ask(browser, scope=name).status == 200
    for name in found["prompt_values_supported"]:
        assert app.ask(browser, prompt=name).status in (200, 302)
    for grant in found["grant_types_supported"]:
        assert app.post("/token", grant_type=grant).json()["error"] in ("invalid_request", "unauthorized_client")
    assert app.post("/token", grant_type="implicit").json()["error"] == "unsupported_grant_type"


def test_administrators_keep_clients_as_in_keycloak(live_server: RunningServer, browser: Browser) -> None:
    admin, app = administrator(live_server), register(live_server, publicClient=False)
    place = f"/auth/admin/realms/master/clients/{app.id}"
    (shown,) = admin.call("GET", "/auth/admin/realms/master/clients", params={"clientId": app.id}).json()
    assert shown == admin.call("GET", place).json()
    assert (shown["publicClient"], shown["directAccessGrantsEnabled"]) == (False, False)
    assert not {"secret", "secretHash"} & set(shown)
    changed = {**shown, "redirectUris": ["https://other.example/back"], "serviceAccountsEnabled": True}
    assert admin.call("PUT", place, json=changed).status_code == 204
    assert app.ask(browser).status == 400
    secret = admin.call("POST", f"{place}/client-secret").json()["value"]
    renewed = App(live_server, app.id, secret)
    assert app.post("/token", grant_type="client_credentials").json()["error"] == "invalid_client"
    assert renewed.post("/token", grant_type="client_credentials").status_code == 200
    assert admin.call("POST", "/auth/admin/realms/master/clients", json={"clientId": app.id}).status_code == 409


def test_clients_get_no_addresses_that_could_lose_codes(live_server: RunningServer) -> None:
    admin = administrator(live_server)
    for uri in (
        "*",
        "https://x.io/*",
        "//x.io/cb",
        "/\\x.io",
        "javascript:alert(1)",
        "https://a@x.io/",
        "https://x.io/#a",
    ):
        body = {"clientId": "never-made", "publicClient": True, "redirectUris": [uri]}
        assert admin.call("POST", "/auth/admin/realms/master/clients", json=body).status_code == 400, uri
    assert admin.call("GET", "/auth/admin/realms/master/clients/never-made").status_code == 404
    alone = {"clientId": "never-made", "publicClient": True, "serviceAccountsEnabled": True}
    assert admin.call("POST", "/auth/admin/realms/master/clients", json=alone).status_code == 400
