"""Secrets of a workspace: credentials for stores outside, kept sealed and never shown again.

Whoever may edit the workspace adds, removes and uses them; whoever sees the workspace sees their names. Their values
are opened for one purpose, to read and write in the store that they are for: ``bucket_credentials``.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from modelyard.core.access.check import require
from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.catalogue.entities import Secret, Workspace
from modelyard.core.catalogue.model_places import Credentials
from modelyard.core.catalogue.workspaces import workspace_by_slug
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import conflict, failed_precondition, invalid, not_found
from modelyard.core.kernel.store import Between, Contains, Tx

STORES = ("s3", "gcs", "local", "http")
"""Types of stores, in rclone's words."""
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,28}[a-z0-9])?")
_VALUE_NAME = re.compile(r"[a-z0-9_]{1,64}")
_BYTES_MAX = 64 * 1024
_VALUES_MAX = 50


class SecretKind(StrEnum):
    """What a secret opens."""

    BUCKET = "bucket"
    REGISTRY = "registry"


class SecretFormat(StrEnum):
    """Which generation of Seldon Core a bucket's secret is named for."""

    ENV_VAR = "env_var"
    CONFIG_PARAM = "config_param"


_SUFFIXES = {SecretFormat.ENV_VAR: "-bucket-envvars", SecretFormat.CONFIG_PARAM: "-bucket-params"}


@dataclass(frozen=True, slots=True)
class Sealed:
    """What only the key of this id opens."""

    key_id: str
    text: str = field(repr=False)


class Sealer(Protocol):
    """Keeps values from whoever reads the database. ``bound`` is what they belong to: they open with nothing else."""

    def seal(self, values: bytes, bound: bytes) -> Sealed:
        """With the newest key."""

    def unseal(self, sealed: Sealed, bound: bytes) -> bytes:
        """``INTERNAL`` when the key is missing or the text is not what was sealed."""


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret to add. ``remote`` is the name for the store in URIs; for a registry, the name of the secret."""

    kind: SecretKind
    remote: str
    store: str
    values: Mapping[str, str] = field(repr=False)
    format: SecretFormat | None = None

    @property
    def name(self) -> str:
        """What it is called in deployments: ``<remote>-bucket-envvars``, ``<remote>-bucket-params`` or ``<remote>``."""
        return self.remote + (_SUFFIXES[self.format] if self.format else "")


@dataclass(frozen=True, slots=True)
class SecretQuery:
    """Which secrets: of a kind (None: all), of a format, whose name contains ``text``; those behind id ``after``."""

    kind: SecretKind | None = None
    format: SecretFormat | None = None
    text: str = ""
    after: int = 0
    limit: int | None = None


def create_secret(tx: Tx, actor: Actor, sealer: Sealer, slug: str, new: NewSecret) -> Secret:
    """Seal a secret; ``CONFLICT`` when the workspace has one of this kind and name."""
    workspace = workspace_by_slug(tx, actor, slug, Permission.SECRET_EDIT)
    _check(new)
    if tx.first(Secret, workspace_id=workspace.id, kind=new.kind, name=new.name) is not None:
        raise conflict(f"the secret {new.name} exists already; delete it first, its values cannot be changed")
    plain = json.dumps(dict(new.values)).encode()
    if len(plain) > _BYTES_MAX:
        raise invalid(f"the secret has {len(plain)} bytes; at most {_BYTES_MAX} are kept")
    sealed = sealer.seal(plain, _bound(workspace.id, new.kind, new.name))
    made = tx.insert(
        Secret(
            id=0,
            workspace_id=workspace.id,
            kind=new.kind,
            name=new.name,
            remote=new.remote,
            format=new.format or "",
            store=new.store,
            key_id=sealed.key_id,
            sealed=sealed.text,
            created_by=actor.user_id,
            created_at=tx.now,
        )
    )
    _record(tx, actor, Action.SECRET_CREATE, made)
    return made


def list_secrets(tx: Tx, actor: Actor, slug: str, query: SecretQuery) -> list[Secret]:
    """The secrets of a workspace in the order they were made; their values stay sealed."""
    workspace = workspace_by_slug(tx, actor, slug, Permission.SECRET_READ)
    wanted = {"kind": query.kind, "format": query.format, "name": Contains(query.text) if query.text else None}
    where: dict[str, Any] = {key: value for key, value in wanted.items() if value is not None}
    return tx.find(Secret, workspace_id=workspace.id, id=Between(query.after + 1), limit=query.limit, **where)


def delete_secret(tx: Tx, actor: Actor, slug: str, kind: SecretKind, name: str) -> None:
    """Remove a secret."""
    workspace = workspace_by_slug(tx, actor, slug, Permission.SECRET_EDIT)
    found = _find(tx, workspace, kind, name)
    tx.delete(Secret, id=found.id)
    _record(tx, actor, Action.SECRET_DELETE, found)


def bucket_credentials(tx: Tx, actor: Actor, sealer: Sealer, workspace_id: int, name: str) -> Credentials:
    """What the secret says, for the use of its store on behalf of somebody who may edit the workspace."""
    require(tx, actor, Permission.SECRET_USE, workspace_id, "secret", name[:100])
    found = tx.first(Secret, workspace_id=workspace_id, kind=SecretKind.BUCKET, name=name)
    if found is None:
        raise failed_precondition(f"the workspace has no bucket secret {name[:100]!r}; create it first", secret=name)
    sealed = Sealed(found.key_id, found.sealed)
    values: dict[str, str] = json.loads(sealer.unseal(sealed, _bound(workspace_id, found.kind, found.name)))
    return {**values, "type": found.store, "remote": found.remote}


def reseal(tx: Tx, sealer: Sealer) -> int:
    """Seal everything anew, with the newest key; returns how many secrets that were. For who owns the database."""
    secrets = tx.find(Secret)
    for secret in secrets:
        bound = _bound(secret.workspace_id, secret.kind, secret.name)
        sealed = sealer.seal(sealer.unseal(Sealed(secret.key_id, secret.sealed), bound), bound)
        tx.change(Secret, {"key_id": sealed.key_id, "sealed": sealed.text}, id=secret.id)
    return len(secrets)


def _find(tx: Tx, workspace: Workspace, kind: SecretKind, name: str) -> Secret:
    found = tx.first(Secret, workspace_id=workspace.id, kind=kind, name=name)
    if found is None:
        raise not_found("secret", name[:100])
    return found


def _check(new: NewSecret) -> None:
    what = "remote" if new.kind is SecretKind.BUCKET else "secret"
    if not _NAME.fullmatch(new.remote):
        raise invalid(
            f"the {what} name {new.remote[:60]!r} is not allowed: use at most 30 lower-case letters, digits and inner "
            "hyphens"
        )
    if new.kind is SecretKind.BUCKET and new.store not in STORES:
        raise invalid(f"remoteType {new.store[:40]!r} is unknown; use one of {', '.join(STORES)}")
    if not new.values or len(new.values) > _VALUES_MAX:
        raise invalid(f"a secret has 1 to {_VALUES_MAX} values, got {len(new.values)}")
    for name in new.values:
        if not _VALUE_NAME.fullmatch(name) or name in ("type", "remote"):
            raise invalid(f"{name[:64]!r} cannot name a value of a secret: use lower-case letters, digits and '_'")


def _bound(workspace_id: int, kind: str, name: str) -> bytes:
    return f"{workspace_id}/{kind}/{name}".encode()


def _record(tx: Tx, actor: Actor, action: Action, secret: Secret) -> None:
    told: dict[str, Any] = {"workspace_id": secret.workspace_id, "name": secret.name}
    record(tx, actor, action, "secret", secret.id, **told, kind=secret.kind, store=secret.store)
