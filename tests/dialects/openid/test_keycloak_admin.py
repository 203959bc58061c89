"""The real python-keycloak 7.1.1 keeps users, groups, roles, clients and sessions of a running server."""

import uuid
from typing import Any

import pytest
from real_keycloak import Keycloak, RefusedError

from running import RunningServer, eventually
from wire import Caller, administrator, sign_in

_NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def admin(live_server: RunningServer, keycloak: Keycloak) -> Any:
    """Signed in as the administrator, by the client that python-keycloak takes when it is told none."""
    return _admin(live_server, keycloak, live_server.admin_username, live_server.admin_password)


def _admin(server: RunningServer, keycloak: Keycloak, username: str, password: str) -> Any:
    return keycloak.admin(server_url=f"{server.url}/auth/", username=username, password=password, realm_name="master")


def _openid(server: RunningServer, keycloak: Keycloak, client: str = "sdk-client", secret: str | None = None) -> Any:
    return keycloak.openid(
        server_url=f"{server.url}/auth/", realm_name="master", client_id=client, client_secret_key=secret
    )


def _fresh(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def _new_user(admin: Any, **more: Any) -> tuple[str, str, str]:
    """(id, username, password)"""
    name, password = _fresh("u"), uuid.uuid4().hex
    credentials = [{"type": "password", "value": password, "temporary": False}]
    user = {"username": name, "email": f"{name}@example.com", "enabled": True, "credentials": credentials}
    return admin.create_user(user | more), name, password


def _refused(status: int, call: Any, *args: Any, **keywords: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        call(*args, **keywords)
    assert caught.value.status == status, caught.value
    return caught.value.message


def _names(things: list[dict[str, Any]]) -> set[str]:
    return {thing["name"] for thing in things}


# users


def test_a_user_is_made_found_changed_and_removed(live_server: RunningServer, admin: Any) -> None:
    before = admin.users_count()
    user, name, password = _new_user(admin, firstName="Ada", lastName="L")
    assert admin.users_count() == before + 1
    assert admin.get_user_id(name.upper()) == user
    shown = admin.get_user(user)
    assert (shown["username"], shown["firstName"], shown["enabled"]) == (name, "Ada", True)
    assert sign_in(live_server, name, password).token
    assert admin.update_user(user, {"lastName": "Lovelace", "email": f"{name}@example.org"}) == {}
    shown = admin.get_user(user)
    assert (shown["firstName"], shown["lastName"], shown["email"]) == ("Ada", "Lovelace", f"{name}@example.org")
    assert admin.delete_user(user) == {}
    assert "not found" in _refused(404, admin.get_user, user)
    assert admin.get_user_id(name) is None


def test_users_are_searched_and_paged(admin: Any) -> None:
    stem = _fresh("many")
    made = [admin.create_user({"username": f"{stem}-{n}", "firstName": f"First{n}"}) for n in range(3)]
    admin.disable_user(made[2])
    assert [user["id"] for user in admin.get_users({"search": stem})] == made
    assert [user["id"] for user in admin.get_users({"search": stem, "first": 1, "max": 1})] == made[1:2]
    assert [user["id"] for user in admin.get_users({"username": f"{stem}-1", "exact": True})] == made[1:2]
    assert admin.get_users({"username": stem, "exact": True}) == []
    assert [user["id"] for user in admin.get_users({"username": stem, "firstName": "first2"})] == made[2:]
    assert [user["id"] for user in admin.get_users({"search": stem, "enabled": False})] == made[2:]
    assert admin.users_count({"search": stem}) == 3
    assert admin.users_count({"search": stem, "enabled": True}) == 2
    assert "attributes" in _refused(400, admin.get_users, {"q": "team:red"})
    assert "true nor false" in _refused(400, admin.get_users, {"exact": "perhaps"})


def test_a_user_is_made_disabled_and_in_groups(live_server: RunningServer, admin: Any) -> None:
    group = admin.create_group({"name": _fresh("g")})
    path = admin.get_group(group)["path"]
    user, name, password = _new_user(admin, enabled=False, groups=[path])
    assert [each["id"] for each in admin.get_user_groups(user)] == [group]
    assert _cannot_sign_in(live_server, name, password)
    admin.enable_user(user)
    assert sign_in(live_server, name, password).token


def test_a_user_whose_group_is_unknown_is_not_made(admin: Any) -> None:
    name = _fresh("u")
    _refused(404, admin.create_user, {"username": name, "groups": ["/no-such-group"]})
    assert admin.get_user_id(name) is None


def test_names_are_taken_once_and_usernames_stay(admin: Any) -> None:
    user, name, _ = _new_user(admin)
    assert "already exists" in _refused(409, admin.create_user, {"username": name.upper()})
    assert admin.create_user({"username": name}, exist_ok=True) == user
    other, _, _ = _new_user(admin)
    assert "already exists" in _refused(409, admin.update_user, other, {"email": f"{name}@example.com"})
    assert "username" in _refused(400, admin.update_user, user, {"username": "another", "firstName": "Changed"})
    assert admin.get_user(user)["firstName"] == ""


def test_what_a_user_does_not_decide_is_ignored(admin: Any) -> None:
    claimed = {"id": _NOBODY, "createdTimestamp": 1, "realmRoles": ["admin"], "access": {"manage": True}}
    user, _, _ = _new_user(admin, **claimed)
    assert user != _NOBODY
    admin.update_user(user, claimed | {"admin": True, "service": True, "platformRoles": ["ADMIN"]})
    assert admin.get_user(user)["createdTimestamp"] > 1
    assert _names(admin.get_realm_roles_of_user(user)) == {"user"}


# passwords


def test_a_password_is_set_anew_and_the_old_one_is_worthless(live_server: RunningServer, admin: Any) -> None:
    user, name, old = _new_user(admin)
    assert admin.set_user_password(user, "the new one 17", temporary=False) == {}
    assert sign_in(live_server, name, "the new one 17").token
    assert _cannot_sign_in(live_server, name, old)
    admin.update_user(user, {"credentials": [{"type": "password", "value": "and another 18"}]})
    assert sign_in(live_server, name, "and another 18").token
    assert "easy to guess" in _refused(400, admin.set_user_password, user, "password123", temporary=False)
    assert "characters" in _refused(400, admin.set_user_password, user, "", temporary=False)


def test_credentials_are_listed_without_their_hash_and_removed(live_server: RunningServer, admin: Any) -> None:
    user, name, password = _new_user(admin)
    [credential] = admin.get_credentials(user)
    assert set(credential) == {"id", "type", "createdDate", "temporary"}
    assert admin.delete_credential(user, credential["id"]) == {}
    assert admin.get_credentials(user) == []
    assert _cannot_sign_in(live_server, name, password)
    _refused(404, admin.delete_credential, user, credential["id"])
    _refused(404, admin.delete_credential, user, "otp")


def test_nobody_shuts_themselves_out(live_server: RunningServer, admin: Any) -> None:
    me = admin.get_user_id("admin")
    assert "yourself" in _refused(400, admin.delete_user, me)
    assert "yourself" in _refused(400, admin.disable_user, me)
    assert "yourself" in _refused(400, admin.delete_realm_roles_of_user, me, [{"name": "admin"}])
    assert "yourself" in _refused(400, admin.delete_credential, me, "password")
    assert sign_in(live_server, live_server.admin_username, live_server.admin_password).token


# groups


def test_groups_stand_in_one_another(admin: Any) -> None:
    top_name = _fresh("science")
    top = admin.create_group({"name": top_name, "description": "all of it"})
    child = admin.create_group({"name": "vision"}, parent=top)
    grandchild = admin.create_group({"name": "a/b"}, parent=child)
    shown = admin.get_group(top, full_hierarchy=True)
    assert (shown["path"], shown["description"], shown["subGroupCount"]) == (f"/{top_name}", "all of it", 1)
    assert shown["subGroups"][0]["subGroups"][0]["path"] == f"/{top_name}/vision/a~/b"
    assert admin.get_group_by_path(f"/{top_name}/vision")["id"] == child
    assert admin.get_group_by_path(f"/{top_name}/vision/a~/b")["parentId"] == child
    assert [group["id"] for group in admin.get_group_children(child)] == [grandchild]
    assert admin.update_group(child, {"name": "sight"}) == {}
    assert admin.get_group_by_path(f"{top_name}/sight")["id"] == child
    assert admin.delete_group(top) == {}
    for gone in (top, child, grandchild):
        _refused(404, admin.get_group, gone)


def test_groups_are_listed_searched_and_counted(admin: Any) -> None:
    stem = _fresh("s")
    before = admin.groups_count()["count"]
    tops = [admin.create_group({"name": f"{stem}-{n}"}) for n in range(2)]
    leaf = admin.create_group({"name": f"leaf-{stem}"}, parent=tops[0])
    assert admin.groups_count()["count"] == before + 3
    assert admin.groups_count({"search": stem, "top": True})["count"] == 2
    assert set(tops) <= {group["id"] for group in admin.get_groups()}
    assert leaf not in {group["id"] for group in admin.get_groups()}
    [way] = admin.get_groups({"search": f"leaf-{stem}"})
    assert (way["id"], way["subGroups"][0]["id"]) == (tops[0], leaf)
    assert [group["id"] for group in admin.get_groups({"search": f"{stem}-1", "exact": True})] == tops[1:]
    assert [group["id"] for group in admin.get_groups({"search": stem, "first": 1, "max": 5})] == tops[1:]


def test_members_come_and_go(admin: Any) -> None:
    group = admin.create_group({"name": _fresh("g")})
    users = [_new_user(admin)[0] for _ in range(3)]
    for user in (*users, users[0]):
        assert admin.group_user_add(user, group) == {}
    assert {member["id"] for member in admin.get_group_members(group)} == set(users)
    assert len(admin.get_group_members(group, {"first": 1, "max": 1})) == 1
    assert [each["id"] for each in admin.get_user_groups(users[0])] == [group]
    assert admin.group_user_remove(users[0], group) == {}
    assert admin.group_user_remove(users[0], group) == {}
    assert admin.get_user_groups(users[0]) == []
    _refused(404, admin.group_user_add, _NOBODY, group)
    _refused(404, admin.group_user_add, users[0], _NOBODY)


def test_group_names_clash_only_in_one_place(admin: Any) -> None:
    name = _fresh("g")
    group = admin.create_group({"name": name})
    assert "already exists" in _refused(409, admin.create_group, {"name": name})
    admin.create_group({"name": name}, skip_exists=False, parent=group)
    _refused(400, admin.create_group, {"name": ""})
    _refused(404, admin.create_group, {"name": "x"}, parent=_NOBODY)
    assert "not moved" in _refused(400, admin.create_group, {"name": "x", "id": group})
    _refused(404, admin.get_group_by_path, f"/{name}/nothing")


def test_groups_hold_no_roles(admin: Any) -> None:
    group = admin.create_group({"name": _fresh("g")})
    assert admin.get_group_realm_roles(group) == []
    message = _refused(404, admin.assign_group_realm_roles, group, [admin.get_realm_role("admin")])
    assert "groups hold no realm roles" in message


# roles


def test_a_user_who_is_given_admin_may_what_administrators_may(
    live_server: RunningServer, keycloak: Keycloak, admin: Any
) -> None:
    user, name, password = _new_user(admin)
    person = _admin(live_server, keycloak, name, password)
    _refused(403, person.get_clients)
    assert admin.assign_realm_roles(user, [admin.get_realm_role("admin")]) == {}
    assert eventually(lambda: _may(person.get_clients), seconds=2)
    assert _names(admin.get_realm_roles_of_user(user)) == {"admin"}
    assert _names(admin.get_composite_realm_roles_of_user(user)) == {"admin", "user", "inference"}
    assert user in {each["id"] for each in admin.get_realm_role_members("admin")}
    assert admin.delete_realm_roles_of_user(user, [{"name": "admin"}]) == {}
    assert eventually(lambda: not _may(person.get_clients), seconds=2)
    assert admin.get_all_roles_of_user(user)["realmMappings"][0]["name"] == "user"


def test_a_user_has_one_built_in_role_and_without_it_may_nothing(live_server: RunningServer, admin: Any) -> None:
    user, name, password = _new_user(admin)
    message = _refused(400, admin.assign_realm_roles, user, [{"name": "inference"}])
    assert "has the role user" in message
    admin.delete_realm_roles_of_user(user, [{"name": "user"}])
    assert admin.get_all_roles_of_user(user) == {}
    person = sign_in(live_server, name, password)
    assert person.call("GET", "/auth/realms/master/protocol/openid-connect/userinfo").status_code == 403
    admin.assign_realm_roles(user, [{"name": "inference"}])
    assert _names(admin.get_realm_roles_of_user(user)) == {"inference"}
    assert _names(admin.get_available_realm_roles_of_user(user)) >= {"admin", "user"}


def test_custom_roles_are_kept_and_given(admin: Any) -> None:
    name, user = _fresh("auditor"), _new_user(admin)[0]
    assert admin.create_realm_role({"name": name, "description": "reads"}) == name
    assert admin.create_realm_role({"name": name}, skip_exists=True) == name
    _refused(409, admin.create_realm_role, {"name": name})
    role = admin.get_realm_role(name)
    assert (role["composite"], role["clientRole"], role["containerId"]) == (False, False, "master")
    assert admin.get_realm_role_by_id(role["id"]) == role
    assert name in _names(admin.get_realm_roles(search_text=name[2:]))
    for _ in range(2):
        admin.assign_realm_roles(user, [role])
    assert _names(admin.get_realm_roles_of_user(user)) == {"user", name}
    assert [holder["id"] for holder in admin.get_realm_role_members(name)] == [user]
    admin.update_realm_role(name, {"name": f"{name}-2", "description": "reads all"})
    assert admin.get_realm_role_by_id(role["id"])["description"] == "reads all"
    admin.update_role_by_id(role["id"], {"description": ""})
    assert _names(admin.get_realm_roles_of_user(user)) == {"user", f"{name}-2"}
    admin.delete_realm_roles_of_user(user, [{"id": role["id"], "name": f"{name}-2"}])
    assert _names(admin.get_realm_roles_of_user(user)) == {"user"}
    assert admin.delete_role_by_id(role["id"]) == {}
    _refused(404, admin.get_realm_role, f"{name}-2")


def test_built_in_roles_stay_as_they_are(admin: Any) -> None:
    assert _names(admin.get_realm_roles()) >= {"admin", "user", "inference"}
    assert _names(admin.get_composite_realm_roles_of_role("admin")) == {"user", "inference"}
    assert admin.get_role_composites_by_id("user") == []
    assert admin.get_realm_role_groups("admin") == []
    assert "built in" in _refused(400, admin.delete_realm_role, "admin")
    assert "built in" in _refused(400, admin.update_realm_role, "user", {"description": "x"})
    assert "built in" in _refused(409, admin.create_realm_role, {"name": "Admin"})


def test_a_role_must_be_meant_clearly(admin: Any) -> None:
    user = _new_user(admin)[0]
    _refused(404, admin.assign_realm_roles, user, [{"name": "no-such-role"}])
    _refused(404, admin.assign_realm_roles, user, [{"id": "user", "name": "admin"}])
    _refused(400, admin.assign_realm_roles, user, [{}])
    _refused(404, admin.assign_realm_roles, _NOBODY, [{"name": "admin"}])
    assert _names(admin.get_realm_roles_of_user(user)) == {"user"}


# clients


def test_a_client_that_acts_for_itself(live_server: RunningServer, keycloak: Keycloak, admin: Any) -> None:
    name = _fresh("robot")
    assert admin.create_client({"clientId": name, "serviceAccountsEnabled": True, "secret": "a secret of 8+"}) == name
    assert admin.get_client_id(name) == name
    shown = admin.get_client(name)
    assert (shown["publicClient"], shown["serviceAccountsEnabled"], shown["directAccessGrantsEnabled"]) == (0, 1, 0)
    assert "secret" not in shown
    token = _openid(live_server, keycloak, name, "a secret of 8+").token(grant_type="client_credentials")
    assert _openid(live_server, keycloak).userinfo(token["access_token"])["preferred_username"] == (
        f"service-account-{name}"
    )
    account = admin.get_client_service_account_user(name)
    assert _names(admin.get_realm_roles_of_user(account["id"])) == {"inference"}
    assert "service account" in _refused(400, admin.set_user_password, account["id"], "long enough 17")
    assert "delete the client" in _refused(400, admin.delete_user, account["id"])
    assert admin.delete_client(name) == {}
    _refused(404, admin.get_user, account["id"])
    _refused(401, _openid(live_server, keycloak, name, "a secret of 8+").token, grant_type="client_credentials")


def test_a_secret_is_shown_once_and_the_old_one_is_worthless(
    live_server: RunningServer, keycloak: Keycloak, admin: Any
) -> None:
    name = admin.create_client({"clientId": _fresh("robot"), "serviceAccountsEnabled": True})
    first = admin.generate_client_secrets(name)["value"]
    second = admin.generate_client_secrets(name)["value"]
    assert "cannot be shown" in _refused(400, admin.get_client_secrets, name)
    _refused(401, _openid(live_server, keycloak, name, first).token, grant_type="client_credentials")
    assert _openid(live_server, keycloak, name, second).token(grant_type="client_credentials")["access_token"]


def test_a_client_gets_and_loses_grants(live_server: RunningServer, keycloak: Keycloak, admin: Any) -> None:
    name = admin.create_client({"clientId": _fresh("app"), "publicClient": True})
    app, (_, user, password) = _openid(live_server, keycloak, name), _new_user(admin)
    assert "unauthorized_client" in _refused(400, app.token, user, password)
    assert admin.update_client(name, {"directAccessGrantsEnabled": True}) == {}
    assert app.token(user, password)["refresh_token"]
    assert "public client" in _refused(400, admin.generate_client_secrets, name)
    assert "public client" in _refused(400, admin.get_client_secrets, name)
    assert "public client" in _refused(400, admin.update_client, name, {"serviceAccountsEnabled": True})
    assert "does not act for itself" in _refused(400, admin.get_client_service_account_user, name)
    admin.update_client(name, {"publicClient": False})
    _refused(401, app.token, user, password)
    secret = admin.generate_client_secrets(name)["value"]
    assert _openid(live_server, keycloak, name, secret).token(user, password)["access_token"]
    assert admin.get_client_roles(name) == []


def test_clients_are_refused_what_would_not_hold(admin: Any) -> None:
    name = admin.create_client({"clientId": _fresh("app")})
    _refused(409, admin.create_client, {"clientId": name})
    assert admin.create_client({"clientId": name}, skip_exists=True) == name
    for wrong in ("", "a b", "a/b", "../x", "x" * 256):
        assert "not allowed" in _refused(400, admin.create_client, {"clientId": wrong})
    assert "not switched off" in _refused(400, admin.update_client, name, {"enabled": False})
    assert "keeps this client id" in _refused(400, admin.update_client, name, {"clientId": "other"})
    assert "8 to 1024" in _refused(400, admin.update_client, name, {"secret": "short"})
    assert "comes with the server" in _refused(400, admin.delete_client, "sdk-client")
    _refused(404, admin.get_client, "no-such-client")
    assert {"admin-cli", "sdk-client", name} <= {client["clientId"] for client in admin.get_clients()}


def test_a_client_does_not_take_over_a_user_of_its_accounts_name(admin: Any) -> None:
    name = _fresh("robot")
    admin.create_user({"username": f"service-account-{name}"})
    body = {"clientId": name, "serviceAccountsEnabled": True}
    assert "already exists" in _refused(409, admin.create_client, body)
    assert admin.get_client_id(name) is None


# sessions


def test_signing_a_user_out_ends_their_refresh_tokens(
    live_server: RunningServer, keycloak: Keycloak, admin: Any
) -> None:
    (user, name, password), (other, other_name, other_password) = _new_user(admin), _new_user(admin)
    openid = _openid(live_server, keycloak)
    token, others = openid.token(name, password), openid.token(other_name, other_password)
    [session] = admin.get_sessions(user)
    assert session["clients"] == {"sdk-client": "sdk-client"}
    assert (session["id"], session["username"], session["userId"]) == (token["session_state"], name, user)
    assert session["start"] <= session["lastAccess"]
    token = openid.refresh_token(token["refresh_token"])
    assert admin.user_logout(user) == {}
    assert admin.get_sessions(user) == []
    assert "Session not active" in _refused(400, openid.refresh_token, token["refresh_token"])
    assert openid.refresh_token(others["refresh_token"])["access_token"]
    assert len(admin.get_sessions(other)) == 1


def test_sessions_of_a_client_are_listed_and_counted(
    live_server: RunningServer, keycloak: Keycloak, admin: Any
) -> None:
    name = admin.create_client({"clientId": _fresh("app"), "publicClient": True, "directAccessGrantsEnabled": True})
    app, (user, username, password) = _openid(live_server, keycloak, name), _new_user(admin)
    assert admin.get_client_all_sessions(name) == []
    app.token(username, password)
    offline = app.token(username, password, scope="openid offline_access")
    assert [session["userId"] for session in admin.get_client_all_sessions(name)] == [user]
    stats = {each["clientId"]: each for each in admin.get_client_sessions_stats()}
    assert (stats[name]["active"], stats[name]["offline"]) == ("1", "1")
    [consent] = admin.user_consents(user)
    assert (consent["clientId"], consent["additionalGrants"][0]["key"]) == (name, "Offline Token")
    assert admin.revoke_consent(user, name) == {}
    _refused(400, app.refresh_token, offline["refresh_token"])
    _refused(404, admin.revoke_consent, user, name)
    assert len(admin.get_client_all_sessions(name)) == 1
    admin.delete_client(name)
    assert admin.get_sessions(user) == []


def test_one_session_is_ended_by_itself(live_server: RunningServer, keycloak: Keycloak, admin: Any) -> None:
    (_, name, password), openid = _new_user(admin), _openid(live_server, keycloak)
    first, second = openid.token(name, password), openid.token(name, password)
    path = f"/auth/admin/realms/master/sessions/{first['session_state']}"
    root = administrator(live_server)
    assert [root.call("DELETE", path).status_code for _ in range(2)] == [204, 404]
    _refused(400, openid.refresh_token, first["refresh_token"])
    assert openid.refresh_token(second["refresh_token"])["access_token"]


# the realm


def test_the_realm_and_its_keys_are_what_tokens_are_signed_with(
    live_server: RunningServer, keycloak: Keycloak, admin: Any
) -> None:
    assert [realm["realm"] for realm in admin.get_realms()] == ["master", "deploy-realm"]
    realm, openid = admin.get_realm("master"), _openid(live_server, keycloak)
    token = openid.token(live_server.admin_username, live_server.admin_password, scope="openid")
    assert realm["accessTokenLifespan"] == token["expires_in"]
    _refused(404, admin.get_realm, "no-such-realm")
    keys = admin.get_keys()
    assert keys["active"]["RS256"] == keys["keys"][0]["kid"] == openid.certs()["keys"][0]["kid"]
    assert keys["keys"][0]["publicKey"] == openid.public_key()
    assert openid.decode_token(token["access_token"])["preferred_username"] == "admin"
    assert openid.well_known()["issuer"].endswith("/auth/realms/master")
    assert admin.get_server_info()["systemInfo"]["version"]


def test_every_realm_shows_the_same_people(live_server: RunningServer, keycloak: Keycloak, admin: Any) -> None:
    other = keycloak.admin(
        server_url=f"{live_server.url}/auth/",
        username=live_server.admin_username,
        password=live_server.admin_password,
        realm_name="deploy-realm",
        user_realm_name="master",
    )
    user, name, _ = _new_user(admin)
    assert other.get_user_id(name) == user
    assert other.get_realm_role("admin")["containerId"] == "deploy-realm"


def test_failed_sign_ins_are_shown_and_cleared(live_server: RunningServer, admin: Any) -> None:
    user, name, _ = _new_user(admin)
    assert _cannot_sign_in(live_server, name, "wrong password")
    assert admin.get_bruteforce_detection_status(user)["numFailures"] == 1
    assert admin.clear_bruteforce_attempts_for_user(user) == {}
    assert admin.get_bruteforce_detection_status(user)["numFailures"] == 0


# those who do not administer


def test_a_plain_user_sees_names_and_changes_nothing(
    live_server: RunningServer, keycloak: Keycloak, admin: Any
) -> None:
    victim = _new_user(admin)[0]
    group = admin.create_group({"name": _fresh("g")})
    user, name, password = _new_user(admin)
    person = _admin(live_server, keycloak, name, password)
    assert set(person.get_user(victim)) == {"id", "username", "enabled", "createdTimestamp", "email"}
    calls = (
        (person.create_user, {"username": "x"}),
        (person.update_user, user, {"enabled": False}),
        (person.delete_user, victim),
        (person.set_user_password, victim, "taken over 17"),
        (person.get_credentials, victim),
        (person.get_sessions, victim),
        (person.user_logout, victim),
        (person.get_groups,),
        (person.create_group, {"name": "mine"}),
        (person.group_user_add, user, group),
        (person.get_realm_roles,),
        (person.assign_realm_roles, user, [{"name": "admin"}]),
        (person.assign_realm_roles, user, [{"id": "admin"}]),
        (person.get_clients,),
        (person.create_client, {"clientId": "mine"}),
        (person.generate_client_secrets, "api-client"),
        (person.get_client_secrets, "api-client"),
        (person.get_keys,),
        (person.get_realms,),
        (person.get_server_info,),
    )
    for call, *args in calls:
        assert "lacks the permission" in _refused(403, call, *args)
    assert _names(admin.get_realm_roles_of_user(user)) == {"user"}


def _may(call: Any) -> bool:
    try:
        call()
    except RefusedError as error:
        assert error.status == 403, error
        return False
    return True


def _cannot_sign_in(server: RunningServer, username: str, password: str) -> bool:
    form = {"grant_type": "password", "client_id": "sdk-client", "username": username, "password": password}
    path = "/auth/realms/master/protocol/openid-connect/token"
    return Caller(server.url).call("POST", path, data=form).status_code == 401
