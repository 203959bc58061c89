"""The published client's calls about users, workspaces and models, parsed by its own strict parsers."""

import importlib
from pathlib import Path
from typing import get_type_hints

from steps import in_workspace, upload

API = "wallaroo.wallaroo_ml_ops_api_client.api"


class Calls:
    """Makes calls, and notes of each its status and whether the client could make something of the answer."""

    def __init__(self, client):
        self.client = client
        self.seen = {}

    def __call__(self, area, name, body=None, note=None):
        module = importlib.import_module(f"{API}.{area}.{name}")
        hints = get_type_hints(module.sync_detailed)
        given = {"body": hints["body"].from_dict(body)} if "body" in hints else {}
        response = module.sync_detailed(client=self.client, **given)
        self.seen[note or name] = [int(response.status_code), response.parsed is not None]
        return plain(response.parsed)


def plain(parsed):
    if isinstance(parsed, list):
        return [plain(item) for item in parsed]
    return parsed.to_dict() if hasattr(parsed, "to_dict") else parsed


def run(given):
    client = in_workspace(given)
    call = Calls(client.mlops())
    space = client.get_current_workspace().id()
    users(call, given["email"])
    workspaces(call, space, given)
    version = models(call, client, space, given)
    streamed(call, given, space)
    deletions(call, space, version)
    return call.seen


def users(call, email):
    user = {"email": email}
    made = call("user", "users_invite", {**user, "roles": []})
    assert made["password"], "a password that was made up is told once"
    edited = {"id": made["id"], "firstName": "A", "lastName": "B", "enabled": True, "isAdmin": False, **user}
    call("user", "users_edit", edited)
    call("user", "users_deactivate", user)
    call("user", "users_activate", user)
    found = call("user", "users_query", {"user_ids": [made["id"], "4d2f8f5e-0000-4000-8000-000000000000"]})
    assert found["users"][made["id"]]["email"] == email
    assert found["users"]["4d2f8f5e-0000-4000-8000-000000000000"] is None
    twice = call("user", "users_invite", {**user, "roles": []}, "invited twice")
    assert "already exists" in twice["msg"]


def workspaces(call, space, given):
    name = given["workspace"]
    member = {"workspace_id": space, "email": given["email"], "user_type": "collaborator"}
    call("workspace", "workspaces_validate")
    call("workspace", "workspaces_create", {"workspace_name": f"{name} 2"})
    taken = call("workspace", "workspaces_create", {"workspace_name": name}, "name taken")
    assert "already exists" in taken["msg"]
    call("workspace", "workspaces_add_user", member)
    members = call("workspace", "workspaces_list_users", {"workspace_id": space})["users"]
    assert [user["user_type"] for user in members] == ["OWNER", "COLLABORATOR"]
    assert call("workspace", "workspaces_remove_user", member) == {"affected_rows": 1}
    owner = {"workspace_id": space, "user_id": members[0]["user_id"]}
    refused = call("workspace", "workspaces_remove_user", owner, "last owner")
    assert "last owner" in refused["msg"]
    listed = {row["name"]: row for row in call("workspace", "workspaces_list", {})["workspaces"]}
    assert listed[name]["models"] == []


def models(call, client, space, given):
    version = upload(client, given, "ccfraud", "ccfraud.onnx")
    number = {"model_version_id": version.id()}
    batching = {"dynamic_batching_config": {}, "continuous_batching_config": {"max_concurrent_batch_size": 8}}
    config = call("model", "insert_model_config", {**number, **batching, "tensor_fields": ["tensor"]})
    assert config["model_config"]["dynamic_batching_config"]["batch_size_target"] == 4
    call("model", "get_model_version_by_id", number)
    assert call("model", "get_upload_logs", {**number, "lines": 1})["logs"][0].endswith("status ready")
    model = call("model", "list_models", {"workspace_id": space})["models"][0]["model"]
    call("model", "list_versions_for_model", {"model_id": "ccfraud", "workspace_id": space})
    call("model", "models_get", {"id": model["id"]})
    both = {"model_id": "ccfraud", "models_pk_id": version.id() + 1000}  # as published examples mix up the numbers
    assert call("model", "models_list_versions", both)[-1]["id"] == version.id()
    call("model", "v1_model_get_config", {"model_id": version.id()})
    assert call("model", "v1_model_get_model_by_id", {"id": model["id"]})["name"] == "ccfraud"
    missing = call("model", "v1_model_get_model_by_id", {"id": 10**30}, "no such model")
    assert missing is None
    return version


def streamed(call, given, space):
    stream = importlib.import_module(f"{API}.model.models_upload_stream")
    http = call.client.get_httpx_client()
    content = unlike(Path(given["examples"], "models", "ccfraud.onnx").read_bytes(), given["workspace"])
    query = {"name": "streamed", "filename": "s.onnx", "visibility": "private", "workspace_id": space}
    raw = http.post("/v1/api/models/upload_stream", params=query, content=content)
    form = http.post("/v1/api/models/upload_stream", data=query, files={"file": ("x.onnx", content)})
    for note, response in (("stream", raw), ("stream as form", form)):
        parsed = stream._parse_response(client=call.client, response=response)
        call.seen[note] = [response.status_code, parsed is not None]


def unlike(model, seed):
    """The model with a field that ONNX does not know (127, of bytes) at its end: another file, as good as this one."""
    text = seed.encode()
    return model + bytes([0b11111_010, 0b111, len(text)]) + text


def deletions(call, space, version):
    unknown = {"model_versions": ["4d2f8f5e-0000-4000-8000-000000000000"]}
    call("model", "delete_model_versions", unknown, "no such version")
    call("model", "delete_model_versions", {"model_versions": [version.version()]})
    freed = call("model", "delete_model", {"model_id": "streamed", "workspace_id": space})
    assert freed["bytes"] > 0, "nobody else has this file"
