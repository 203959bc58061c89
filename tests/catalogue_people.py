"""Five people and a workspace: its owner, a collaborator, a reader, a stranger, and the platform's administrator."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from modelyard.core.access.permissions import Role
from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.catalogue.models import CheckedFile, NewVersion, record_upload
from modelyard.core.catalogue.workspaces import add_member, create_workspace
from modelyard.core.identity.users import NewUser, add_user, load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.storage.store import SqlStore

SIGNATURE = {
    "inputs": [{"name": "tensor", "dtype": "float32", "shape": [None, 29]}],
    "outputs": [{"name": "dense_1", "dtype": "float32", "shape": [None, 1]}],
}


@dataclass(frozen=True)
class People:
    """Actors by their role in the workspace ``space``."""

    owner: Actor
    collaborator: Actor
    reader: Actor
    stranger: Actor
    admin: Actor
    space: int

    def __getitem__(self, name: str) -> Actor:
        actor: Actor = getattr(self, name)
        return actor


def join(store: SqlStore, name: str, role: Role = Role.USER) -> Actor:
    """A new user as the caller of use-cases."""
    user = store.run_write(add_user, NewUser(name, f"{name}@example.com", None, (role,)))
    return store.run_read(load_actor, user.id, None)


def gather(store: SqlStore) -> People:
    """The people, in a store that has nobody yet."""
    owner, collaborator, reader, stranger = (join(store, n) for n in ("owner", "collaborator", "reader", "stranger"))
    space = store.run_write(create_workspace, owner, "fraud").id
    store.run_write(add_member, owner, space, collaborator.username, "collaborator")
    store.run_write(add_member, owner, space, reader.username, "reader")
    return People(owner, collaborator, reader, stranger, join(store, "admin", Role.ADMIN), space)


def upload(store: SqlStore, actor: Actor, space: int, name: str = "ccfraud", sha: str = "a" * 64) -> ModelVersion:
    """A version as an upload records it."""
    new = NewVersion(space, name, f"{name}.onnx", conversion={"framework": "onnx"})
    return store.run_write(record_upload, actor, new, CheckedFile(sha, 100, SIGNATURE))


def kind_of(action: Callable[..., object], *args: Any) -> ErrorKind:
    """How the action fails."""
    with pytest.raises(DomainError) as caught:
        action(*args)
    return caught.value.kind
