"""Where the files of a registered version lie, and the routes by which MLflow's server hands them out.

What lies at ``mlflow-artifacts:`` is handed out by the server's proxy. Files in another store are handed out by the
server itself where it reads that store, as part of a logged model or of the run that made them.
"""

import re
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote, urlsplit

import msgspec

from modelyard.core.catalogue.registry_models import RemoteVersion
from modelyard.core.catalogue.registry_paths import inner_path
from modelyard.core.kernel.errors import DomainError, failed_precondition
from modelyard.registries.api import API, MlflowApi

_PROXY = "/api/2.0/mlflow-artifacts/artifacts"
_LOGGED_MODEL = re.compile(r"models:/(m-[0-9a-f]{32})")
_ELSEWHERE = ("dbfs",)
"""Stores that no MLflow server hands files out of: it gives their address, and clients go there themselves."""


class Shelf(Protocol):
    """A folder on the server. Paths are below the version's folder; empty for itself."""

    def listing(self, path: str) -> tuple[str, dict[str, str]]:
        """The route that lists a folder, and its query."""

    def file(self, path: str) -> tuple[str, dict[str, str]]:
        """The route of a file, and its query."""

    def below(self, path: str) -> str:
        """The folder, as the list of it may call it in its paths."""


@dataclass(frozen=True, slots=True)
class _Proxied:
    root: str

    def listing(self, path: str) -> tuple[str, dict[str, str]]:
        return _PROXY, {"path": self.below(path)}

    def file(self, path: str) -> tuple[str, dict[str, str]]:
        return f"{_PROXY}/{self.below(path)}", {}

    def below(self, path: str) -> str:
        return _joined(self.root, path)


@dataclass(frozen=True, slots=True)
class _OfRun:
    run_id: str
    root: str

    def listing(self, path: str) -> tuple[str, dict[str, str]]:
        below = self.below(path)
        return f"{API}/artifacts/list", {"run_id": self.run_id} | ({"path": below} if below else {})

    def file(self, path: str) -> tuple[str, dict[str, str]]:
        return "/get-artifact", {"run_id": self.run_id, "path": self.below(path)}

    def below(self, path: str) -> str:
        return _joined(self.root, path)


@dataclass(frozen=True, slots=True)
class _OfLoggedModel:
    model_id: str

    def listing(self, path: str) -> tuple[str, dict[str, str]]:
        query = {"artifact_directory_path": path} if path else {}
        return f"{API}/logged-models/{self.model_id}/artifacts/directories", query

    def file(self, path: str) -> tuple[str, dict[str, str]]:
        return f"/ajax-api/2.0/mlflow/logged-models/{self.model_id}/artifacts/files", {"artifact_file_path": path}

    def below(self, path: str) -> str:
        return path


class _Location(msgspec.Struct):
    artifact_uri: str


class _RunInfo(msgspec.Struct):
    artifact_uri: str


class _Run(msgspec.Struct):
    info: _RunInfo


class _FoundRun(msgspec.Struct):
    run: _Run


def shelf_of(api: MlflowApi, version: RemoteVersion) -> Shelf:
    """Where the version's files are; ``FAILED_PRECONDITION`` where the registry does not hand them out."""
    named = {"name": version.name, "version": version.version}
    found = api.get(f"{API}/model-versions/get-download-uri", _Location, "the place of the version's files", named)
    location = found.artifact_uri.rstrip("/")
    root = _proxied(api, location)
    if root is not None:
        return _Proxied(inner_path(root))
    if location.partition(":")[0].lower() in _ELSEWHERE:
        raise _not_handed_out(location)
    logged = _LOGGED_MODEL.fullmatch(version.source or "")
    if logged is not None:
        return _OfLoggedModel(logged[1])
    return _of_run(api, version, location)


def _proxied(api: MlflowApi, location: str) -> str | None:
    """The path behind the registry's own proxy; None for another place."""
    parts = urlsplit(location)
    own = urlsplit(api.registry.url)
    if parts.scheme == "mlflow-artifacts" and parts.netloc in ("", own.netloc):
        return unquote(parts.path).lstrip("/")
    same = (parts.scheme, parts.netloc) == (own.scheme, own.netloc)
    before, found, root = parts.path.partition(f"{_PROXY}/")
    return unquote(root) if same and found and before == own.path else None


def _of_run(api: MlflowApi, version: RemoteVersion, location: str) -> _OfRun:
    if not version.run_id:
        raise _not_handed_out(location)
    run = api.get(f"{API}/runs/get", _FoundRun, "the run of the version", {"run_id": version.run_id}).run
    base = run.info.artifact_uri.rstrip("/")
    if location != base and not location.startswith(f"{base}/"):
        raise _not_handed_out(location)
    inside = location.removeprefix(base).lstrip("/")
    return _OfRun(version.run_id, inner_path(inside) if inside else "")


def _joined(root: str, path: str) -> str:
    return "/".join(part for part in (root, path) if part)


def _not_handed_out(location: str) -> DomainError:
    scheme = location.partition(":")[0][:20]
    return failed_precondition(
        f"the version's files lie at {scheme}:…, which the registry does not hand out: let the MLflow server serve its "
        "artifacts (mlflow server --serve-artifacts, with the store as --artifacts-destination) and log the model "
        "again, or upload the file itself"
    )
