"""What ``models:/`` and ``runs:/`` URIs name: see ``core.catalogue.model_places.Registry``."""

import re
from collections.abc import Mapping

from modelyard.core.access.check import ask
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import ArtifactFile, ModelVersion
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import not_found
from modelyard.core.kernel.store import StartsWith, Tx
from modelyard.core.tracking.artifacts import checked_path, location_path
from modelyard.core.tracking.limits import shortened
from modelyard.core.tracking.logged_models import require_logged_model
from modelyard.core.tracking.registered_versions import STAGES, get_version, latest_versions, version_by_alias
from modelyard.core.tracking.registry_views import VersionView
from modelyard.core.tracking.runs import require_run

_LOGGED = re.compile(r"m-[0-9a-f]{32}")


class ModelRegistry:
    """Registered models, logged models and the artifacts of runs, by their URIs."""

    def version(self, tx: Tx, actor: Actor, rest: str) -> ModelVersion | None:
        """The version of ``name/number``, ``name/alias``, ``name@alias`` or ``name/Stage``; None for a logged model."""
        if _LOGGED.fullmatch(rest.partition("/")[0]):
            return None
        return tx.get(ModelVersion, _registered(tx, actor, rest).version.model_version_id)

    def files(self, tx: Tx, actor: Actor, scheme: str, rest: str) -> Mapping[str, tuple[str, int]]:
        """Digest and size of the files below ``<id>/<path>``, by their path below that; one file by its name."""
        key, _, inside = rest.partition("/")
        ask(actor, Permission.EXPERIMENT_READ)
        folder = location_path(_location(tx, actor, scheme, key))
        if folder is None:
            raise not_found("the artifacts of", f"{scheme}:/{shortened(rest)} on this server")
        path = f"{folder}/{checked_path(inside)}" if inside else folder
        one = tx.first(ArtifactFile, path=path)
        if one is not None:
            return {path.rpartition("/")[2]: (one.sha, one.size)}
        found = tx.find(ArtifactFile, path=StartsWith(f"{path}/"))
        if not found:
            raise not_found("model", f"{scheme}:/{shortened(rest)}")
        return {file.path.removeprefix(f"{path}/"): (file.sha, file.size) for file in found}


def _location(tx: Tx, actor: Actor, scheme: str, key: str) -> str:
    if scheme == "runs":
        return require_run(tx, actor, Permission.EXPERIMENT_READ, key).artifact_uri
    return require_logged_model(tx, actor, Permission.EXPERIMENT_READ, key).artifact_uri


def _registered(tx: Tx, actor: Actor, rest: str) -> VersionView:
    name, at, alias = rest.rpartition("@")
    if at:
        return version_by_alias(tx, actor, name, alias)
    name, _, which = rest.rpartition("/")
    if which.isascii() and which.isdecimal():
        return get_version(tx, actor, name, which)
    if which.lower() in (stage.lower() for stage in STAGES):
        newest = latest_versions(tx, actor, name, [which])
        if not newest:
            raise not_found("Model Version", f"of {shortened(name)} in the stage {which}")
        return newest[0]
    return version_by_alias(tx, actor, name, which)
