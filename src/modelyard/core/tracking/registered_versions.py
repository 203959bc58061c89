"""Versions of registered models. Each is a version of the catalogue, which says whether it can be served here."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from modelyard.core.access.check import visible
from modelyard.core.access.permissions import Permission
from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.audit.entities import Outcome
from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.catalogue.models import CheckedFile, NewVersion, add_version, described, remove_versions
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid, not_found
from modelyard.core.kernel.search import Condition, Order
from modelyard.core.kernel.store import Existing, Part, Tx
from modelyard.core.serving.removal import refuse_deployed
from modelyard.core.tracking.clock import milliseconds
from modelyard.core.tracking.entities import RegisteredAlias, RegisteredModel, RegisteredVersion, RegisteredVersionTag
from modelyard.core.tracking.limits import MODEL_TAG_MAX, check_key, check_length, shortened
from modelyard.core.tracking.logged_models import require_logged_model
from modelyard.core.tracking.pairs import write_pairs
from modelyard.core.tracking.registry import DESCRIPTION_MAX, OWN, require_model, touch_model
from modelyard.core.tracking.registry_views import VersionView, version_views
from modelyard.core.tracking.runs import require_run

STAGES = ("None", "Staging", "Production", "Archived")
_ACTIVE_STAGES = ("Staging", "Production")
_ALIAS = re.compile(r"[\w\-]{1,255}")
_RESERVED_ALIAS = re.compile(r"latest|v\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NewRegisteredVersion:
    """What is registered: ``source`` says where its files are, the run and the logged model where it came from."""

    name: str
    source: str
    run_id: str | None = None
    logged_model_id: str | None = None
    run_link: str | None = None
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """What is at a source: the place of its files, the file to serve, and what else is known of it."""

    location: str
    file: CheckedFile
    file_name: str = ""
    conversion: Mapping[str, object] = field(default_factory=dict)


def may_register(tx: Tx, actor: Actor, new: NewRegisteredVersion) -> None:
    """Whether the actor may register this: change the model, and read the run and logged model it comes from."""
    require_model(tx, actor, Permission.MODEL_EDIT, new.name)
    if new.run_id:
        require_run(tx, actor, Permission.EXPERIMENT_READ, new.run_id)
    if new.logged_model_id:
        require_logged_model(tx, actor, Permission.EXPERIMENT_READ, new.logged_model_id)


def create_version(tx: Tx, actor: Actor, new: NewRegisteredVersion, found: Found) -> VersionView:
    """Add the next version of a registered model."""
    may_register(tx, actor, new)
    model = require_model(tx, actor, Permission.MODEL_EDIT, new.name)
    if new.description is not None:
        check_length("description", new.description, DESCRIPTION_MAX)
    upload = NewVersion(model.workspace_id, model.name, found.file_name, conversion=dict(found.conversion))
    version = add_version(tx, actor, upload, found.file, new.source)
    number, now = model.last_number + 1, milliseconds(tx.now)
    tx.update(RegisteredModel, model.model_id, lambda m: replace(m, last_number=number))
    made = tx.insert(
        RegisteredVersion(
            version.id,
            model.model_id,
            model.workspace_id,
            model.name,
            number,
            actor.username,
            STAGES[0],
            new.description or "",
            new.source,
            found.location,
            new.run_id or None,
            new.run_link or None,
            new.logged_model_id or None,
            "READY",
            None,
            now,
            now,
        )
    )
    write_pairs(tx, RegisteredVersionTag, made.model_version_id, new.tags.items(), "tag", MODEL_TAG_MAX)
    touch_model(tx, model)
    return version_views(tx, [made])[0]


def get_version(tx: Tx, actor: Actor, name: str, number: str) -> VersionView:
    """One version."""
    return version_views(tx, [_require(tx, actor, Permission.MODEL_READ, name, number)[1]])[0]


def version_by_alias(tx: Tx, actor: Actor, name: str, alias: str) -> VersionView:
    """The version an alias points to."""
    model = require_model(tx, actor, Permission.MODEL_READ, name)
    if alias.lower() == "latest":
        newest = tx.first(RegisteredVersion, order_by="-number", model_id=model.model_id)
    else:
        number = _numbered(tx, model, alias)
        newest = tx.first(
            RegisteredVersion, order_by="number", model_id=model.model_id, number=-1 if number is None else number
        )
    if newest is None:
        raise invalid(f"Registered model alias {shortened(alias)} not found.")
    return version_views(tx, [newest])[0]


def latest_versions(tx: Tx, actor: Actor, name: str, stages: Sequence[str]) -> list[VersionView]:
    """The newest version of each stage, of all stages without a choice."""
    model = require_model(tx, actor, Permission.MODEL_READ, name)
    wanted = [_stage(stage) for stage in stages] or list(STAGES)
    newest = {v.stage: v for v in tx.find(RegisteredVersion, order_by="number", model_id=model.model_id)}
    return version_views(tx, [newest[stage] for stage in STAGES if stage in wanted and stage in newest])


def search_versions(
    tx: Tx, actor: Actor, conditions: Iterable[Condition], orders: tuple[Order, ...], part: Part
) -> list[VersionView]:
    """The versions that fit, of registered models that the actor may see; access is decided inside the query."""
    found = tx.search(
        RegisteredVersion,
        tuple(conditions),
        orders,
        part,
        **visible(actor, Permission.MODEL_READ, OWN),
    )
    return version_views(tx, found)


def describe_version(tx: Tx, actor: Actor, name: str, number: str, description: str | None) -> VersionView:
    """Give a version another description."""
    model, version = _require(tx, actor, Permission.MODEL_EDIT, name, number)
    if description is not None:
        check_length("description", description, DESCRIPTION_MAX)
    return _changed(tx, model, replace(version, description=description))


def move_version(
    tx: Tx, actor: Actor, name: str, number: str, stage: str, *, archive_others: bool = False
) -> VersionView:
    """Move a version to a stage; ``archive_others`` archives those that are there."""
    require_model(tx, actor, Permission.MODEL_EDIT, name)
    wanted = _stage(stage)
    model, version = _require(tx, actor, Permission.MODEL_EDIT, name, number)
    if archive_others and wanted not in _ACTIVE_STAGES:
        raise invalid(
            f"Model version transition cannot archive existing model versions because '{wanted}' is not an active "
            f"stage: active are {', '.join(_ACTIVE_STAGES)}"
        )
    if archive_others:
        for other in tx.find(RegisteredVersion, order_by="number", model_id=model.model_id, stage=wanted):
            if other.number != version.number:
                _moved(tx, actor, model, other, "Archived")
    return _moved(tx, actor, model, version, wanted)


def delete_version(tx: Tx, actor: Actor, name: str, number: str) -> list[ModelVersion]:
    """Remove a version, and return it as the catalogue knows it; ``CONFLICT`` while it is deployed."""
    model, version = _require(tx, actor, Permission.MODEL_DELETE, name, number)
    held = tx.find(ModelVersion, id=version.model_version_id)
    refuse_deployed(tx, held)
    tx.delete(RegisteredVersionTag, model_version_id=version.model_version_id)
    tx.delete(RegisteredAlias, model_id=model.model_id, number=version.number)
    tx.delete(RegisteredVersion, model_version_id=version.model_version_id)
    remove_versions(tx, held)
    touch_model(tx, model)
    for gone in held:
        record(tx, actor, Action.MODEL_DELETE, "model_version", gone.id, **described(gone))
    return held


def set_version_tag(tx: Tx, actor: Actor, name: str, number: str, key: str, value: str) -> None:
    """Put a tag on a version."""
    model, version = _require(tx, actor, Permission.MODEL_EDIT, name, number)
    write_pairs(tx, RegisteredVersionTag, version.model_version_id, [(key, value)], "tag", MODEL_TAG_MAX)
    _changed(tx, model, version)


def delete_version_tag(tx: Tx, actor: Actor, name: str, number: str, key: str) -> None:
    """Take a tag off a version; nothing happens without it."""
    _, version = _require(tx, actor, Permission.MODEL_MANAGE, name, number)
    tx.delete(RegisteredVersionTag, model_version_id=version.model_version_id, key=check_key("tag", key))


def set_alias(tx: Tx, actor: Actor, name: str, alias: str, number: str) -> None:
    """Point an alias to a version, away from where it pointed before."""
    require_model(tx, actor, Permission.MODEL_EDIT, name)
    if not _ALIAS.fullmatch(alias) or _RESERVED_ALIAS.fullmatch(alias):
        raise invalid(
            f"Invalid alias name: {shortened(alias)!r}: use letters, digits, dashes and underscores; 'latest' and "
            "names like 'v1' are kept for the versions themselves"
        )
    model, version = _require(tx, actor, Permission.MODEL_EDIT, name, number)
    before = _numbered(tx, model, alias)
    tx.insert_all([RegisteredAlias(0, model.model_id, alias, version.number)], existing=Existing.REPLACE)
    touch_model(tx, model)
    _record_alias(tx, actor, model, alias, before, version.number)


def delete_alias(tx: Tx, actor: Actor, name: str, alias: str) -> None:
    """Remove an alias; nothing happens without it."""
    model = require_model(tx, actor, Permission.MODEL_EDIT, name)
    before = _numbered(tx, model, alias)
    if tx.delete(RegisteredAlias, model_id=model.model_id, alias=alias):
        touch_model(tx, model)
        _record_alias(tx, actor, model, alias, before, None)


def _require(
    tx: Tx, actor: Actor, permission: Permission, name: str, number: str
) -> tuple[RegisteredModel, RegisteredVersion]:
    model = require_model(tx, actor, permission, name)
    if not re.fullmatch(r"-?[0-9]{1,100}", number):
        raise invalid(f"Model version must be an integer, got '{shortened(number)}'")
    version = tx.first(RegisteredVersion, order_by="number", model_id=model.model_id, number=int(number))
    if version is None:
        raise not_found("Model Version", f"(name={shortened(name)}, version={number})")
    return model, version


def _moved(tx: Tx, actor: Actor, model: RegisteredModel, version: RegisteredVersion, stage: str) -> VersionView:
    view = _changed(tx, model, replace(version, stage=stage))
    if stage != version.stage:
        told = {**_named(model), "number": version.number, "stage": stage, "before": version.stage}
        record(tx, actor, Action.MODEL_STAGE, "model_version", version.model_version_id, Outcome.OK, **told)
    return view


def _numbered(tx: Tx, model: RegisteredModel, alias: str) -> int | None:
    held = tx.first(RegisteredAlias, model_id=model.model_id, alias=alias)
    return held.number if held else None


def _record_alias(  # which alias of what, from where to where
    tx: Tx, actor: Actor, model: RegisteredModel, alias: str, before: int | None, after: int | None
) -> None:
    if before != after:
        told = {**_named(model), "alias": alias, "number": after, "before": before}
        record(tx, actor, Action.MODEL_ALIAS, "model", model.model_id, Outcome.OK, **told)


def _named(model: RegisteredModel) -> dict[str, Any]:
    return {"workspace_id": model.workspace_id, "name": model.name}


def _changed(tx: Tx, model: RegisteredModel, new: RegisteredVersion) -> VersionView:
    now = milliseconds(tx.now)
    changed = replace(new, last_updated_timestamp=now)
    tx.update(RegisteredVersion, new.model_version_id, lambda _: changed)
    touch_model(tx, model)
    return version_views(tx, [changed])[0]


def _stage(name: str) -> str:
    for stage in STAGES:
        if stage.lower() == name.lower():
            return stage
    raise invalid(f"Invalid Model Version stage: {shortened(name)}. Value must be one of {', '.join(STAGES)}.")
