"""Secrets through the real SDK: written, listed by name, removed, and nowhere to be read again."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from sdk_calls import SdkCalls
from seldon_stand import BASE, namespace

from running import RunningServer, StartServer
from wire import Caller, administrator, invite, sign_in

API = "SecretsServiceApi"
CANARY = "wJalr-canary-8817"


@pytest.fixture
def calls(seldon_python: Path, tmp_path: Path) -> SdkCalls:
    return SdkCalls(seldon_python, tmp_path)


@pytest.fixture(scope="module")
def server(start_module_server: StartServer) -> RunningServer:
    return start_module_server(s3_endpoints="https://s3.example.com")


@pytest.fixture(scope="module")
def caller(server: RunningServer) -> Caller:
    return administrator(server)


@pytest.fixture
def space(caller: Caller) -> str:
    return namespace(caller)[0]


def keys(**more: str) -> dict[str, Any]:
    return {"model": "V1S3Credentials", "s3_access_key_id": "AKID", "s3_secret_access_key": CANARY, **more}


def test_each_kind_is_created_listed_by_name_and_deleted(calls: SdkCalls, caller: Caller, space: str) -> None:
    gcs = {"type": "service_account", "private_key": CANARY}
    rclone = {"model": "V1RcloneConfig", "remote_type": "s3", "variables": {"access_key_id": "a", "endpoint": ""}}
    docker = {"auths": {"registry.example.com": {"auth": CANARY}}}
    found = calls.all(
        caller,
        (API, "secrets_service_create_s3_bucket_secret", [space, "lake", keys()], {}),
        (API, "secrets_service_create_s3_bucket_secret", [space, "lake", keys()], {"secret_version": "CORE_2"}),
        (API, "secrets_service_create_gcs_bucket_secret", [space, "cold", gcs], {}),
        (API, "secrets_service_create_rclone_bucket_secret", [space, "near", rclone], {"format": "config_param"}),
        (API, "secrets_service_create_registry_secret", [space, "images", docker], {}),
        (API, "secrets_service_list_secrets", [space, "all"], {}),
        (API, "secrets_service_list_secrets", [space, "bucket"], {"bucket_secret_format": "config_param"}),
        (API, "secrets_service_list_secrets", [space, "registry"], {}),
        (API, "secrets_service_list_secrets", [space, "all"], {"search": "COLD"}),
        (API, "secrets_service_delete_secret", [space, "bucket", "cold-bucket-envvars"], {}),
        (API, "secrets_service_delete_secret", [space, "bucket", "cold-bucket-envvars"], {}),
        (API, "secrets_service_list_secrets", [space, "all"], {"page_size": "3"}),
    )
    assert [each.get("status") for each in found] == [None] * 10 + [404, None]
    listed = [[secret["secretName"] for secret in each["answer"]["secrets"]] for each in found[5:9]]
    everything = ["lake-bucket-envvars", "lake-bucket-params", "cold-bucket-envvars", "near-bucket-params", "images"]
    assert listed == [everything, ["lake-bucket-params", "near-bucket-params"], ["images"], ["cold-bucket-envvars"]]
    assert found[5]["answer"]["secrets"][0] == {
        "secretName": "lake-bucket-envvars",
        "secretType": "bucket",
        "bucketSecretFormat": "env_var",
        "remoteName": "lake",
    }
    token = found[11]["answer"]["nextPageToken"]
    (rest,) = calls.all(caller, (API, "secrets_service_list_secrets", [space, "all"], {"page_token": token}))
    assert [secret["secretName"] for secret in rest["answer"]["secrets"]] == ["images"]
    assert CANARY not in str(found)


def test_a_secret_cannot_be_overwritten(calls: SdkCalls, caller: Caller, space: str) -> None:
    create = (API, "secrets_service_create_s3_bucket_secret", [space, "lake", keys()], {})
    again = calls.all(caller, create, create)[1]
    assert again["status"] == 409
    assert "delete it first" in again["body"]["message"]


@pytest.mark.parametrize("remote", ["UPPER", "-a", "a-", "a" * 31, "a.b", "a_b", "a b", "ä"])
def test_names_that_the_documentation_forbids_are_refused(caller: Caller, space: str, remote: str) -> None:
    for path in (f"bucket/s3/{remote}", f"registry/{remote}"):
        body = {"s3AccessKeyId": "a", "s3SecretAccessKey": CANARY}
        answer = caller.call("POST", f"{BASE}/secrets/{space}/{path}", json=body)
        assert answer.status_code == 400, answer.text
        assert "30 lower-case letters" in answer.json()["message"]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("bucket/s3/x", {"s3AccessKeyId": "a"}, "s3SecretAccessKey is missing"),
        ("bucket/s3/x", {"s3AccessKeyId": 5, "s3SecretAccessKey": CANARY}, "$.s3AccessKeyId"),
        ("bucket/s3/x", [CANARY], "not of the expected form"),
        (
            "bucket/s3/x",
            {"s3AccessKeyId": "a", "s3SecretAccessKey": CANARY, "endpoint": "http://169.254.169.254"},
            "s3_endpoints",
        ),
        ("bucket/s3/x?secretVersion=CORE_3", {"s3AccessKeyId": "a", "s3SecretAccessKey": CANARY}, "secretVersion"),
        ("bucket/rclone/x", {"remoteType": "sftp", "variables": {"pass": CANARY}}, "s3, gcs, local, http"),
        ("bucket/rclone/x", {"variables": {"pass": CANARY}}, "remoteType is missing"),
        ("bucket/rclone/x", {"remoteType": "s3", "variables": {}}, "1 to 50 values"),
        ("bucket/rclone/x", {"remoteType": "s3", "variables": {"../x": CANARY}}, "cannot name a value"),
        ("bucket/rclone/x", {"remoteType": "s3", "variables": {"type": "gcs", "a": CANARY}}, "but variables say"),
        ("bucket/rclone/x?format=yaml", {"remoteType": "s3", "variables": {"a": CANARY}}, "format"),
        ("bucket/gcs/x", {}, "must be an object"),
        ("bucket/gcs/x", {"private_key": CANARY * 5000}, "65536 are kept"),
        ("registry/x", {}, "must be an object"),
    ],
)
def test_a_wrong_body_is_refused_without_repeating_it(
    caller: Caller, space: str, path: str, body: Any, words: str
) -> None:
    answer = caller.call("POST", f"{BASE}/secrets/{space}/{path}", json=body)
    assert answer.status_code == 400, answer.text
    assert words in answer.json()["message"]
    assert CANARY not in answer.text


def test_secrets_are_for_those_who_edit_the_namespace_and_their_names_for_those_who_see_it(
    server: RunningServer, caller: Caller
) -> None:
    name, workspace_id = namespace(caller)
    people = {kind: invite(server, kind) for kind in ("collaborator", "reader", "stranger")}
    for kind in ("collaborator", "reader"):
        body = {"workspace_id": workspace_id, "user_id": people[kind].id, "role": kind}
        caller.post("/v1/api/workspaces/add_user", {**body, "user_type": kind.upper()})
    statuses = {}
    for kind, person in people.items():
        somebody = sign_in(server, person.email, person.password)
        body = {"s3AccessKeyId": "a", "s3SecretAccessKey": CANARY}
        statuses[kind] = [
            somebody.call("POST", f"{BASE}/secrets/{name}/bucket/s3/{kind}", json=body).status_code,
            somebody.call("GET", f"{BASE}/secrets/{name}/all").status_code,
            somebody.call("DELETE", f"{BASE}/secrets/{name}/bucket/{kind}-bucket-envvars").status_code,
        ]
    assert statuses == {"collaborator": [200, 200, 200], "reader": [403, 200, 403], "stranger": [404, 404, 404]}


def test_no_value_is_in_any_file_of_the_server(server: RunningServer, caller: Caller, space: str) -> None:
    canary = f"canary-{uuid.uuid4().hex}"
    caller.post(f"{BASE}/secrets/{space}/bucket/s3/deep", {"s3AccessKeyId": canary, "s3SecretAccessKey": canary})
    caller.call("POST", f"{BASE}/secrets/{space}/bucket/s3/deep", json={"s3AccessKeyId": canary})
    caller.post(f"{BASE}/secrets/{space}/registry/deep", {"auths": {"x": canary}})
    audit = caller.call("GET", "/api/v1/audit", params={"action": "secret.create"}).text
    assert "deep-bucket-envvars" in audit
    assert canary not in audit
    files = [path for path in (*server.data.rglob("*"), *server.data.parent.glob("output-*")) if path.is_file()]
    assert any(path.name.startswith("modelyard.db-wal") or path.name == "modelyard.db" for path in files)
    assert [path.name for path in files if canary.encode() in path.read_bytes()] == []


def test_the_keys_are_for_the_server_s_user_alone(server: RunningServer) -> None:
    folder = server.data / "secret-keys"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600]
