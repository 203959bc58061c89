"""Model registries outside: who may see, use and share them, and the token that opens them.

A registry belongs to the workspaces that it is attached to, by the same rights as their secrets: who sees a workspace
sees its registries, who may edit the workspace attaches, detaches and uses them. One that is attached nowhere belongs
to whoever made it. Its token is sealed, and opened only to call the registry.
"""

from dataclasses import dataclass, field
from typing import Any

from modelyard.core.access.check import allowed, ask, holds, require, require_platform, visible
from modelyard.core.access.permissions import Permission
from modelyard.core.access.reading import find_among
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import plain, record
from modelyard.core.catalogue.entities import ExternalRegistry, RegistryAttachment, Workspace
from modelyard.core.catalogue.registry_rules import checked_token, checked_url
from modelyard.core.catalogue.secrets import Sealed, Sealer
from modelyard.core.catalogue.workspaces import existing
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import not_found
from modelyard.core.kernel.ids import new_uuid
from modelyard.core.kernel.names import title
from modelyard.core.kernel.store import Tx

_WHAT = "model registry"


@dataclass(frozen=True, slots=True)
class NewRegistry:
    """A registry to connect. ``token`` is a bearer token or ``user:password``; empty where none is asked for."""

    name: str
    url: str
    token: str = field(repr=False)
    workspace_id: int | None = None


@dataclass(frozen=True, slots=True)
class RegistryView:
    """A registry with those of its workspaces that the actor may see."""

    registry: ExternalRegistry
    workspaces: list[Workspace]


@dataclass(frozen=True, slots=True)
class OpenRegistry:
    """How a registry is called: its name for messages, its root and its token."""

    name: str
    url: str
    token: str = field(repr=False)


def create_registry(tx: Tx, actor: Actor, sealer: Sealer, new: NewRegistry) -> ExternalRegistry:
    """Connect a registry, in a workspace or for oneself at first; it is not called yet."""
    _may_create(tx, actor, new.workspace_id)
    name, url, registry_id = title(_WHAT, new.name), checked_url(new.url), new_uuid()
    sealed = sealer.seal(checked_token(new.token).encode(), _bound(registry_id, url))
    made = tx.insert(
        ExternalRegistry(
            id=registry_id,
            name=name,
            url=url,
            key_id=sealed.key_id,
            sealed=sealed.text,
            created_by=actor.user_id,
            created_at=tx.now,
            updated_at=tx.now,
        )
    )
    if new.workspace_id is not None:
        tx.insert(RegistryAttachment(0, new.workspace_id, made.id))
    _record(tx, actor, Action.REGISTRY_CREATE, made, new.workspace_id)
    return made


def attach_registry(tx: Tx, actor: Actor, registry_id: str, workspace_id: int) -> None:
    """Let a workspace use it, too; nothing happens where it does already."""
    registry = _registry(tx, actor, Permission.SECRET_EDIT, registry_id)
    require(tx, actor, Permission.SECRET_EDIT, workspace_id, "workspace", workspace_id)
    existing(tx, workspace_id)
    if _attachment(tx, registry_id, workspace_id) is None:
        tx.insert(RegistryAttachment(0, workspace_id, registry_id))
        _record(tx, actor, Action.REGISTRY_ATTACH, registry, workspace_id)


def detach_registry(tx: Tx, actor: Actor, registry_id: str, workspace_id: int) -> None:
    """A workspace uses it no longer; after the last one it belongs to whoever made it."""
    require(tx, actor, Permission.SECRET_EDIT, workspace_id, _WHAT, registry_id)
    attachment = _attachment(tx, registry_id, workspace_id)
    registry = tx.get(ExternalRegistry, registry_id)
    if attachment is None or registry is None:
        raise not_found(_WHAT, registry_id)
    tx.delete(RegistryAttachment, id=attachment.id)
    _record(tx, actor, Action.REGISTRY_DETACH, registry, workspace_id)


def get_registry(tx: Tx, actor: Actor, registry_id: str) -> RegistryView:
    """One registry; its token stays sealed."""
    registry = _registry(tx, actor, Permission.SECRET_READ, registry_id)
    places = set(_places(tx, registry_id))
    seen = find_among(tx, Workspace, id={p for p in places if allowed(tx, actor, Permission.SECRET_READ, p)})
    return RegistryView(registry, seen)


def list_registries(tx: Tx, actor: Actor, workspace_id: int | None = None) -> list[ExternalRegistry]:
    """Those of a workspace; without one all that the actor may see, in the order of their making."""
    if workspace_id is not None:
        require(tx, actor, Permission.SECRET_READ, workspace_id, "workspace", workspace_id)
        existing(tx, workspace_id)
        attached = tx.find(RegistryAttachment, workspace_id=workspace_id)
        return _in_order(find_among(tx, ExternalRegistry, id={each.registry_id for each in attached}))
    attached = tx.find(RegistryAttachment, **visible(actor, Permission.SECRET_READ))
    seen = find_among(tx, ExternalRegistry, id={each.registry_id for each in attached})
    own = tx.find(ExternalRegistry, created_by=actor.user_id)
    placed = {each.registry_id for each in find_among(tx, RegistryAttachment, registry_id={each.id for each in own})}
    return _in_order([*seen, *(each for each in own if each.id not in placed)])


def open_registry(tx: Tx, actor: Actor, sealer: Sealer, registry_id: str) -> OpenRegistry:
    """How it is called, to look around in it on behalf of somebody who may use it."""
    return _opened(sealer, _registry(tx, actor, Permission.SECRET_USE, registry_id))


def may_use(tx: Tx, actor: Actor, registry_id: str, workspace_id: int) -> ExternalRegistry:
    """The registry, for somebody who may take models from it into this workspace, which it must be attached to."""
    require(tx, actor, Permission.SECRET_USE, workspace_id, _WHAT, registry_id)
    found = _of_workspace(tx, registry_id, workspace_id)
    if found is None:
        raise not_found(_WHAT, registry_id)
    return found


def open_for_workspace(tx: Tx, sealer: Sealer, registry_id: str, workspace_id: int) -> OpenRegistry | None:
    """How it is called, for work that was begun in this workspace; None once it is attached there no longer."""
    found = _of_workspace(tx, registry_id, workspace_id)
    return _opened(sealer, found) if found else None


def reseal_registries(tx: Tx, sealer: Sealer) -> int:
    """Seal all tokens anew, with the newest key; returns how many. For who owns the database."""
    registries = tx.find(ExternalRegistry)
    for each in registries:
        bound = _bound(each.id, each.url)
        sealed = sealer.seal(sealer.unseal(Sealed(each.key_id, each.sealed), bound), bound)
        tx.change(ExternalRegistry, {"key_id": sealed.key_id, "sealed": sealed.text}, id=each.id)
    return len(registries)


def _may_create(tx: Tx, actor: Actor, workspace_id: int | None) -> None:
    if workspace_id is None:
        ask(actor, Permission.SECRET_EDIT)
        require_platform(actor, Permission.WORKSPACE_CREATE)
        return
    require(tx, actor, Permission.SECRET_EDIT, workspace_id, "workspace", workspace_id)
    existing(tx, workspace_id)


def _registry(tx: Tx, actor: Actor, permission: Permission, registry_id: str) -> ExternalRegistry:
    """The registry, for somebody who holds the permission on one of its workspaces."""
    ask(actor, permission)
    found = tx.get(ExternalRegistry, registry_id)
    if found is None:
        raise not_found(_WHAT, registry_id)
    places = _places(tx, registry_id)
    own = not places and found.created_by == actor.user_id
    if own or holds(actor, permission) or any(allowed(tx, actor, permission, place) for place in places):
        return found
    for place in places:
        if allowed(tx, actor, Permission.WORKSPACE_READ, place):
            require(tx, actor, permission, place, _WHAT, registry_id)
    raise not_found(_WHAT, registry_id)


def _of_workspace(tx: Tx, registry_id: str, workspace_id: int) -> ExternalRegistry | None:
    attached = _attachment(tx, registry_id, workspace_id)
    return tx.get(ExternalRegistry, registry_id) if attached else None


def _attachment(tx: Tx, registry_id: str, workspace_id: int) -> RegistryAttachment | None:
    return tx.first(RegistryAttachment, registry_id=registry_id, workspace_id=workspace_id)


def _places(tx: Tx, registry_id: str) -> list[int]:
    return [place for (place,) in tx.values(RegistryAttachment, ("workspace_id",), registry_id=registry_id)]


def _in_order(registries: list[ExternalRegistry]) -> list[ExternalRegistry]:
    return sorted(registries, key=lambda each: (each.created_at, each.id))


def _opened(sealer: Sealer, found: ExternalRegistry) -> OpenRegistry:
    token = sealer.unseal(Sealed(found.key_id, found.sealed), _bound(found.id, found.url))
    return OpenRegistry(found.name, found.url, token.decode())


def _bound(registry_id: str, url: str) -> bytes:
    """The address is part of it: a token opens for no other one."""
    return f"registry/{registry_id}/{url}".encode()


def _record(tx: Tx, actor: Actor, action: Action, registry: ExternalRegistry, workspace_id: int | None) -> None:
    told: dict[str, Any] = {"workspace_id": workspace_id, "name": registry.name, "url": plain(registry.url)}
    record(tx, actor, action, "model_registry", registry.id, **told)
