"""Registered models and versions with everything that hangs on them, for many at once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelyard.core.kernel.batches import batches
from modelyard.core.kernel.store import Tx
from modelyard.core.tracking.entities import (
    RegisteredAlias,
    RegisteredModel,
    RegisteredModelTag,
    RegisteredVersion,
    RegisteredVersionTag,
)


@dataclass(frozen=True, slots=True)
class VersionView:
    """A registered version with its tags and the aliases that point to it."""

    version: RegisteredVersion
    tags: Mapping[str, str]
    aliases: Sequence[str]


@dataclass(frozen=True, slots=True)
class ModelView:
    """A registered model with its tags, its aliases and the latest version of each stage."""

    model: RegisteredModel
    tags: Mapping[str, str]
    aliases: Sequence[RegisteredAlias]
    latest: Sequence[VersionView]


def model_views(tx: Tx, models: Sequence[RegisteredModel]) -> list[ModelView]:
    """The registered models, in their order, with what hangs on them."""
    tags: dict[int, dict[str, str]] = defaultdict(dict)
    aliases: dict[int, list[RegisteredAlias]] = defaultdict(list)
    latest: dict[int, dict[str, RegisteredVersion]] = defaultdict(dict)
    for ids in batches([model.model_id for model in models]):
        for model_id, key, value in tx.values(RegisteredModelTag, ("model_id", "key", "value"), model_id=ids):
            tags[model_id][key] = value
        for alias in tx.find(RegisteredAlias, model_id=ids):
            aliases[alias.model_id].append(alias)
        for version in tx.find(RegisteredVersion, order_by="number", model_id=ids):
            latest[version.model_id][version.stage] = version
    shown = version_views(tx, [version for stages in latest.values() for version in stages.values()])
    by_model: dict[int, list[VersionView]] = defaultdict(list)
    for view in shown:
        by_model[view.version.model_id].append(view)
    return [
        ModelView(m, tags.get(m.model_id, {}), aliases.get(m.model_id, []), by_model.get(m.model_id, []))
        for m in models
    ]


def version_views(tx: Tx, versions: Sequence[RegisteredVersion]) -> list[VersionView]:
    """The registered versions, in their order, with what hangs on them."""
    tags: dict[int, dict[str, str]] = defaultdict(dict)
    aliases: dict[tuple[int, int], list[str]] = defaultdict(list)
    for some in batches(versions):
        rows = tx.values(
            RegisteredVersionTag,
            ("model_version_id", "key", "value"),
            model_version_id=[version.model_version_id for version in some],
        )
        for version_id, key, value in rows:
            tags[version_id][key] = value
        for alias in tx.find(RegisteredAlias, order_by="alias", model_id={version.model_id for version in some}):
            aliases[alias.model_id, alias.number].append(alias.alias)
    return [VersionView(v, tags.get(v.model_version_id, {}), aliases.get((v.model_id, v.number), [])) for v in versions]
