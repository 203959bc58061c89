"""What an MLflow server, or what speaks like one, says of its models. See ``core.catalogue.registry_models``."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import msgspec

from modelyard.core.catalogue.model_places import FILES_MAX, Folder, too_many_files
from modelyard.core.catalogue.registries import OpenRegistry
from modelyard.core.catalogue.registry_models import RemoteFiles, RemoteModel, RemoteVersion
from modelyard.core.catalogue.registry_paths import RegisteredPath, inner_path, model_name_fits
from modelyard.core.kernel.errors import invalid, not_found
from modelyard.core.kernel.names import number_in
from modelyard.outgoing.calling import Outgoing
from modelyard.registries.api import API, MlflowApi
from modelyard.registries.folder import RemoteFolder
from modelyard.registries.shelves import Shelf, shelf_of

_LOOK_SECONDS = 20.0
_DOWNLOAD_SECONDS = 60.0, 3600.0
_SLOWEST = 100_000
"""Bytes in a second: who is slower keeps others waiting, whose uploads come after."""
_PAGES_MAX = 20
_LIMIT = {"max_results": "100"}
_FOLDERS_MAX = 200


class _Page(msgspec.Struct):
    next_page_token: str | None = None


class _Models(_Page):
    registered_models: list[RemoteModel] = []


class _Versions(_Page):
    model_versions: list[RemoteVersion] = []


class _Version(msgspec.Struct):
    model_version: RemoteVersion


class _Entry(msgspec.Struct):
    path: str
    is_dir: bool = False
    file_size: int | None = None


class _Entries(_Page):
    files: list[_Entry] = []


P = TypeVar("P", bound=_Page)


class MlflowRegistries:
    """See ``core.catalogue.registry_models.Registries``."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing

    def models(self, registry: OpenRegistry) -> list[RemoteModel]:
        api = MlflowApi(self._outgoing, registry, _LOOK_SECONDS)
        pages = _pages(api, f"{API}/registered-models/search", _Models, "its models", _LIMIT)
        return [model for page in pages for model in page.registered_models]

    def versions(self, registry: OpenRegistry, name: str) -> list[RemoteVersion]:
        api = MlflowApi(self._outgoing, registry, _LOOK_SECONDS)
        _check_name(name)
        asked = {"filter": f"name='{name}'", **_LIMIT}
        pages = _pages(api, f"{API}/model-versions/search", _Versions, "the versions of the model", asked)
        found = [version for page in pages for version in page.model_versions]
        return sorted(found, key=lambda each: (len(each.version), each.version), reverse=True)

    def files(self, registry: OpenRegistry, name: str, version: str) -> RemoteFiles:
        _check_name(name)
        if number_in(version) is None:
            raise invalid(f"{version[:40]!r} is not the number of a registered version")
        api = MlflowApi(self._outgoing, registry, _LOOK_SECONDS)
        found = _version(api, RegisteredPath(name, version, None))
        sizes, folders = _below(api, shelf_of(api, found), "")
        return RemoteFiles(found, sizes, tuple(folders))

    def folder(self, registry: OpenRegistry, path: RegisteredPath, lost: Callable[[], None]) -> Folder:
        api = MlflowApi(self._outgoing, registry, _LOOK_SECONDS)
        shelf = shelf_of(api, _version(api, path))
        above, _, name = path.path.rpartition("/")
        if path.path:
            entry = next((each for each in _listed(api, shelf, above) if each.path == path.path), None)
            if entry is None:
                raise not_found(f"{path.path} in the version", f"{path.name} {path.version or path.alias}")
            if not entry.is_dir:
                return _to_copy(api, shelf, above, {name: entry.file_size or 0}, lost)
        sizes, _ = _below(api, shelf, path.path)
        return _to_copy(api, shelf, path.path, sizes, lost)


def _to_copy(  # the files, and the time for them
    api: MlflowApi, shelf: Shelf, folder: str, sizes: dict[str, int], lost: Callable[[], None]
) -> RemoteFolder:
    least, most = _DOWNLOAD_SECONDS
    api.allow(min(least + sum(sizes.values()) / _SLOWEST, most))
    return RemoteFolder(api, shelf, folder, sizes, lost)


def _version(api: MlflowApi, path: RegisteredPath) -> RemoteVersion:
    what = f"version {path.version or path.alias} of the model {path.name}"
    if path.alias:
        route, asked = "registered-models/alias", {"name": path.name, "alias": path.alias}
    else:
        route, asked = "model-versions/get", {"name": path.name, "version": str(path.version)}
    return api.get(f"{API}/{route}", _Version, what, asked).model_version


def _below(api: MlflowApi, shelf: Shelf, folder: str) -> tuple[dict[str, int], list[str]]:
    """Sizes of all files in and below the folder, by their paths there, and the folders between."""
    sizes: dict[str, int] = {}
    folders: list[str] = []
    waiting = deque([folder])
    while waiting:
        for entry in _listed(api, shelf, waiting.popleft()):
            inside = entry.path.removeprefix(f"{folder}/") if folder else entry.path
            if entry.is_dir:
                folders.append(inside)
                waiting.append(entry.path)
            else:
                sizes[inside] = entry.file_size or 0
        if len(sizes) > FILES_MAX or len(folders) > _FOLDERS_MAX:
            raise too_many_files()
    return sizes, folders


def _listed(api: MlflowApi, shelf: Shelf, folder: str) -> list[_Entry]:
    """What lies in a folder, with checked paths below the version's."""
    route, query = shelf.listing(folder)
    found: dict[str, _Entry] = {}
    for raw in _entries(api, route, query):
        named = raw.path.removeprefix(f"{shelf.below(folder)}/") if shelf.below(folder) else raw.path
        path = inner_path(f"{folder}/{named}" if folder else named)
        if "/" in named or path in found or (raw.file_size or 0) < 0:
            raise invalid(f"the registry lists {raw.path[:100]!r}, which is no file of that folder or is there twice")
        found[path] = _Entry(path, raw.is_dir, raw.file_size)
    return list(found.values())


def _entries(api: MlflowApi, route: str, query: dict[str, str]) -> Iterator[_Entry]:
    page = _Entries()
    for page in _pages(api, route, _Entries, "the list of the version's files", query):
        yield from page.files
    if page.next_page_token:
        raise too_many_files()


def _pages(api: MlflowApi, route: str, kind: type[P], what: str, query: Mapping[str, str]) -> Iterator[P]:
    """One page after another, as many as are looked through: the last one may say that there are more."""
    token: str | None = ""
    for _ in range(_PAGES_MAX):
        page = api.get(route, kind, what, {**query, "page_token": token} if token else query)
        yield page
        token = page.next_page_token
        if not token:
            return


def _check_name(name: str) -> None:
    if not model_name_fits(name):
        raise invalid(f"{name[:100]!r} cannot be the name of a registered model")
