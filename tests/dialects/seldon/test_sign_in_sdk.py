"""The unmodified Seldon Deploy SDK signs in, by all the ways it has, and calls the API with what it got."""

import html
import re
from typing import Any

import pytest
from signing_in import API, Sdk, finished, id_token, log_in, register

from browser import Browser
from running import RunningServer, StartServer, eventually
from wire import Caller, Person, administrator, invite

_SHOWN = re.compile(r'<code class="whole">([^<]+)</code>')


def test_a_person_signs_in_with_the_public_client_and_is_who_they_are(sdk: Sdk, person: Person) -> None:
    found = sdk.as_(person, "by_openid")
    assert found["user"] == {"id": person.email, "name": person.email, "email": person.email, "groups": []}


def test_the_calls_of_the_documents_work_as_they_stand_there(sdk: Sdk, person: Person) -> None:
    assert sdk.as_(person, "by_openid_as_documented")["user"]["id"] == person.email


def test_a_person_signs_in_with_a_confidential_client(live_server: RunningServer, sdk: Sdk, person: Person) -> None:
    client_id, secret = register(live_server, flagged=True)
    found = sdk.as_(person, "by_openid", client_id=client_id, config={"oidc_client_secret": secret})
    assert found["user"]["id"] == person.email


@pytest.mark.parametrize("flagged", [True, False])
def test_a_client_acts_for_itself(live_server: RunningServer, sdk: Sdk, flagged: bool) -> None:
    client_id, secret = register(live_server, flagged=flagged)
    config = {"oidc_client_secret": secret, "auth_method": "client_credentials", "oidc_resource": "deploy"}
    found = sdk.run("by_openid", client_id=client_id, config=config)
    assert found["user"]["id"] == f"service-account-{client_id}"


def test_a_person_signs_in_by_browser_and_pastes_the_code(live_server: RunningServer, sdk: Sdk, person: Person) -> None:
    client_id, secret = register(live_server, flagged=True)
    config = {"oidc_client_secret": secret, "auth_method": "auth_code", "oidc_resource": "deploy"}
    process, result = sdk.start("by_openid", client_id=client_id, config=config)
    assert process.stdout is not None
    address = next(line.strip() for line in process.stdout if line.strip().startswith("http"))
    browser = Browser(live_server.url)
    back = browser.submit(browser.get(address), "login", username=person.email, password=person.password)
    page = browser.get(back.location)
    assert page.status == 200
    code = html.unescape(_SHOWN.findall(page.text)[0])
    assert finished(process, result, f"{code}\n")["user"]["id"] == person.email


def test_a_token_that_does_not_count_is_replaced_and_the_call_repeated(sdk: Sdk, person: Person) -> None:
    found = sdk.as_(person, "again_after_401", bad_token="old.and.gone")
    assert found["user"]["id"] == person.email
    assert found["token"] != "old.and.gone"


def test_another_realm_serves_as_well(start_server: StartServer, seldon_python: Any, tmp_path: Any) -> None:
    server = start_server(realms="master,plant")
    person = invite(server, "realm")
    sdk = Sdk(server, seldon_python, tmp_path)
    assert sdk.as_(person, "by_openid", realm="plant")["user"]["id"] == person.email


def test_a_session_by_form_and_cookie(sdk: Sdk, person: Person) -> None:
    found = sdk.as_(person, "by_session")
    assert found["user"]["id"] == person.email
    assert found["cookie"].startswith("modelyard-api-session=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(found["cookie"].split("; "))
    assert "Secure" not in found["cookie"]


def test_a_session_that_ended_is_renewed_by_the_sdk(live_server: RunningServer, sdk: Sdk, person: Person) -> None:
    old = log_in(live_server, person).headers["set-cookie"]
    path = f"/auth/admin/realms/master/users/{person.id}/logout"
    assert administrator(live_server).call("POST", path).status_code == 204
    headers = {"Cookie": old}
    assert eventually(lambda: Caller(live_server.url).call("GET", f"{API}/user", headers=headers).status_code == 401)
    found = sdk.as_(person, "session_again_after_401", cookie=old)
    assert found["user"]["id"] == person.email
    assert found["bearer"].startswith("modelyard-api-session=")


def test_the_sdk_reads_why_it_is_refused(live_server: RunningServer, sdk: Sdk, person: Person) -> None:
    bad = sdk.run("refused", bad_token=id_token(live_server, person, "sdk-client"))
    assert bad["status"] == 401
    assert "ID tokens of the client sdk-client" in bad["message"]
    assert sdk.run("refused")["status"] == 401


def test_the_environment_and_the_health_check(live_server: RunningServer, sdk: Sdk, person: Person) -> None:
    found = sdk.as_(person, "environment")
    assert found["namespaces"] == []
    assert found["check"] == ["DISABLED", "DISABLED"]
    assert found["health"]["POSTGRES"] == {"POSTGRES": "ENABLED_AND_REACHABLE"}
    assert found["health"]["KAFKA"] == {"KAFKA": "DISABLED"}
    used = {name for name, status in found["health"]["ALL"].items() if status == "ENABLED_AND_REACHABLE"}
    assert used == {"POSTGRES", "KEYCLOAK", "MINIO", "SELDONCORE_V1", "SELDONCORE_V2"}
    assert len(found["health"]["ALL"]) == 15
    assert found["fetched"] != "None"
