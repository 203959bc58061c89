"""The files of a registered version, to be copied. See ``core.catalogue.model_places.Folder``."""

from collections.abc import Callable, Mapping

from modelyard.core.kernel.errors import DomainError, ErrorKind, failed_precondition, not_found
from modelyard.registries.api import MlflowApi
from modelyard.registries.shelves import Shelf


class RemoteFolder:
    """``sizes`` by path below ``folder`` of the version, as the registry says; 0 where it does not know."""

    def __init__(
        self, api: MlflowApi, shelf: Shelf, folder: str, sizes: Mapping[str, int], lost: Callable[[], None]
    ) -> None:
        self._api = api
        self._shelf = shelf
        self._folder = folder
        self._sizes = sizes
        self._lost = lost

    def files(self) -> Mapping[str, int]:
        if not self._sizes:
            raise not_found("file", f"below {self._folder or 'the version'}: its folder in the registry is empty")
        return self._sizes

    def copy(self, path: str, write: Callable[[bytes], None]) -> None:
        size, got = self._sizes[path], 0

        def take(chunk: bytes) -> None:
            nonlocal got
            got += len(chunk)
            self._lost()
            if size and got > size:
                raise self._changed(path)
            write(chunk)

        below = f"{self._folder}/{path}" if self._folder else path
        route, query = self._shelf.file(below)
        try:
            self._api.copy(route, f"the file {path}", take, query)
        except DomainError as error:
            if error.kind is ErrorKind.NOT_FOUND:
                raise failed_precondition(
                    f"{error.message}, though it is listed: the registry lists its files but does not hand them out; "
                    "let it serve its artifacts (mlflow server --serve-artifacts)"
                ) from error
            raise
        if size and got != size:
            raise self._changed(path)

    def _changed(self, path: str) -> DomainError:
        return failed_precondition(f"the file {path[:100]!r} is not as large as the registry lists it; try again")
