"""The first stage of uploads from a model registry: what the registry holds becomes the version's file.

A file is taken as it is. Of a folder the file that ``MLmodel`` names for the framework is taken, or the only one that
the framework's files are named like; where the framework takes archives, all of the folder as one.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, Any

from modelyard.core.catalogue.artifacts import Upload
from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.catalogue.frameworks import FRAMEWORKS, ONNX
from modelyard.core.catalogue.mlmodel import MLMODEL_MAX, flavors_of, mlmodel_too_large
from modelyard.core.catalogue.model_archive import ARCHIVE, write_archive
from modelyard.core.catalogue.model_files import MLMODEL, find_model
from modelyard.core.catalogue.model_places import Folder
from modelyard.core.catalogue.preparing import Received, Undertaking, receive
from modelyard.core.catalogue.upload_rules import check_file_name, framework_of
from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid
from modelyard.preparing.commission import Workshop
from modelyard.preparing.isolated import StoppedError
from modelyard.preparing.telling import StageLog, Telling

_NAMED = {"sklearn": "pickled_model", "xgboost": "data", "lightgbm": "data"}
"""By framework, and flavor of the same name, what ``MLmodel`` calls the model's file."""
_SHOWN = 10


def fetched(  # what is made ready, now with its file
    shop: Workshop, work: Undertaking, runner: str, telling: Telling, log: StageLog
) -> ModelVersion:
    """Download the version's file, keep it, and record that."""
    with ExitStack() as uploads:
        folder = shop.fetch(work.version, partial(_go_on, telling))
        sizes = folder.files()
        _check_sizes(sizes, shop.limit)
        received, incoming = _taken(shop, work.version, _Source(folder, sizes, log), uploads)
        check_file_name(work.version.conversion, received.file_name)
        incoming.keep()
        version = shop.store.run_write(receive, work.preparation.id, runner, received)
        if version is None:
            raise StoppedError
        incoming.keep()  # in case a sweep fell between: from here on the row protects it
    log.message = str(received)
    return version


class _Source:
    """The folder, told about while it is copied."""

    def __init__(self, folder: Folder, sizes: Mapping[str, int], log: StageLog) -> None:
        self.sizes = sizes
        self._folder = folder
        self._log = log

    def into(self, path: str, write: Any) -> None:
        """Copy a file."""
        self._log.line(f"downloading {path}, {self.sizes[path] or 'an unknown number of'} bytes")
        self._folder.copy(path, write)

    def small(self, path: str) -> bytes:
        """The content of a file that says something about the model."""
        content = bytearray()

        def take(chunk: bytes) -> None:
            content.extend(chunk)
            if len(content) > MLMODEL_MAX:
                raise mlmodel_too_large(len(content))

        self.into(path, take)
        return bytes(content)


def _taken(shop: Workshop, version: ModelVersion, source: _Source, uploads: ExitStack) -> tuple[Received, Upload]:
    """The version's file."""
    framework = framework_of(version.conversion)
    if framework == ONNX:
        return _onnx(shop, source, uploads)
    alone = next(iter(source.sizes)) if len(source.sizes) == 1 else None
    path = alone if alone and _fits(framework, alone) else _named(framework, source) or _only(framework, source.sizes)
    incoming = uploads.enter_context(shop.artifacts.upload(shop.limit))
    if path is not None:
        source.into(path, incoming.write)
        return _finished(incoming, path), incoming
    if ".zip" not in FRAMEWORKS[framework].suffixes:
        raise _unclear(framework, source.sizes)
    incoming.replace(partial(_archive, source, shop.limit))
    return _finished(incoming, ARCHIVE), incoming


def _onnx(shop: Workshop, source: _Source, uploads: ExitStack) -> tuple[Received, Upload]:
    """The model; where it keeps its tensors in files beside it, as one file."""
    found = find_model(source.sizes, source.small)
    model = _copied(shop, source, found.path, uploads)
    received = _finished(model, found.path)
    try:
        shop.check(model.path)
    except DomainError as error:
        if not error.details.get("external") or not found.beside:
            raise
        beside = {_base(path): _copied(shop, source, path, uploads) for path in found.beside}
        for each in beside.values():
            each.finish()
        whole = uploads.enter_context(shop.artifacts.upload(shop.limit))
        whole.replace(partial(shop.fold, model.path, {name: each.path for name, each in beside.items()}))
        return _finished(whole, found.path), whole
    return received, model


def _copied(shop: Workshop, source: _Source, path: str, uploads: ExitStack) -> Upload:
    incoming = uploads.enter_context(shop.artifacts.upload(shop.limit))
    source.into(path, incoming.write)
    return incoming


def _finished(incoming: Upload, path: str) -> Received:
    return Received(incoming.finish(), incoming.size, _base(path))


def _named(framework: str, source: _Source) -> str | None:
    """The file that ``MLmodel`` names for the framework."""
    if framework not in _NAMED or MLMODEL not in source.sizes:
        return None
    flavor = flavors_of(source.small(MLMODEL)).get(framework)
    name = flavor.get(_NAMED[framework]) if isinstance(flavor, dict) else None
    return name if isinstance(name, str) and name in source.sizes else None


def _only(framework: str, sizes: Mapping[str, int]) -> str | None:
    """The only file that is named as a model of the framework, but for archives."""
    found = [path for path in sizes if _fits(framework, path) and not path.lower().endswith(".zip")]
    return found[0] if len(found) == 1 else None


def _fits(framework: str, path: str) -> bool:
    return path.lower().endswith(FRAMEWORKS[framework].suffixes)


def _archive(source: _Source, limit: int, target: Path) -> None:
    written = 0

    def copy(path: str, sink: IO[bytes]) -> None:
        def write(chunk: bytes) -> None:
            nonlocal written
            written += len(chunk)
            if written > limit:
                raise _too_large(limit)
            sink.write(chunk)

        source.into(path, write)

    write_archive(target, source.sizes, copy)


def _go_on(telling: Telling) -> None:
    if telling.lost():
        raise StoppedError


def _check_sizes(sizes: Mapping[str, int], limit: int) -> None:
    if sum(sizes.values()) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> DomainError:
    message = f"the version's files have more than {limit} bytes, the limit of uploads; name one of them in the path"
    return DomainError(ErrorKind.TOO_LARGE, message)


def _unclear(framework: str, sizes: Mapping[str, int]) -> DomainError:
    shown = ", ".join(sorted(sizes)[:_SHOWN])
    return invalid(
        f"which of the version's files is the model of {framework} does not show ({shown}); name it in the path, like "
        "models:/iris/3/model.pkl"
    )


def _base(path: str) -> str:
    return path.rpartition("/")[2]
