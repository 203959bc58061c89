"""Secrets, model registries and metadata of models for the matrix."""

from dataclasses import replace

from seldon_things import BASE
from things import Things

from wire import Caller

METADATA = f"{BASE}/model/metadata"
REGISTRY = {"name": "theirs", "token": "very-secret", "url": "http://127.0.0.1:1"}
KEYS = {"s3AccessKeyId": "a", "s3SecretAccessKey": "b"}


def with_secret(owner: Caller, things: Things, name: str) -> Things:
    """A new secret in their namespace."""
    made = owner.post(f"{BASE}/secrets/{things.workspace_name}/bucket/s3/{name}", KEYS)
    return replace(things, secret=made["secretName"])


def with_registry(owner: Caller, things: Things, name: str) -> Things:
    """A new model registry in their workspace."""
    body = {**REGISTRY, "name": name, "workspace_id": things.workspace_id}
    return replace(things, registry=owner.post("/v1/api/models/create_registry", body)["id"])


def with_metadata(admin: Caller, things: Things, name: str) -> Things:
    """A new entry in a project of its own."""
    project, uri = f"{name}-project", f"s3://{name}/model"
    admin.post(METADATA, {"URI": uri, "project": project, "name": name})
    return replace(things, project=project, model_uri=uri)
