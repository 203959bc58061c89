"""From a registered source to a version of the catalogue: what the folder of an MLflow model holds, and what serves it.

The model itself is never read here: an ONNX file is checked in a process of its own, as in every upload.
"""

import asyncio
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from modelyard.core.access.check import ask
from modelyard.core.access.permissions import Permission
from modelyard.core.catalogue.entities import ArtifactFile
from modelyard.core.catalogue.mlmodel import MLMODEL_MAX, flavors_of, mlmodel_too_large, onnx_file
from modelyard.core.catalogue.model_archive import ARCHIVE
from modelyard.core.catalogue.models import CheckedFile
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, invalid
from modelyard.core.kernel.store import StartsWith, Tx
from modelyard.core.tracking.artifacts import checked_path, location_path
from modelyard.core.tracking.experiments import require_experiment
from modelyard.core.tracking.limits import shortened
from modelyard.core.tracking.logged_models import require_logged_model
from modelyard.core.tracking.registered_versions import (
    Found,
    NewRegisteredVersion,
    create_version,
    get_version,
    may_register,
)
from modelyard.core.tracking.registry_views import VersionView
from modelyard.core.tracking.runs import require_run
from modelyard.dialects.mlflow.model_archive import archived
from modelyard.web.call import Call
from modelyard.web.services import Services

_ELSEWHERE = ("s3:", "gs:", "wasbs:", "abfss:", "hdfs:", "dbfs:", "hf:")
_PYTHON = "python_function"
"""The flavor that lets any other be called in the same way."""
_MODEL_ID = re.compile(r"m-[0-9a-f]{32}")
_CHECK = asyncio.Semaphore(2)  # checks are slow and hungry


async def register(call: Call, new: NewRegisteredVersion) -> VersionView:
    """Look at what is registered, then add the version; nothing is kept of one that is refused."""
    store, actor = call.services.store, call.actor
    await store.read(may_register, actor, new)
    location, run_id = await store.read(_origin, actor, new)
    path = location_path(location)
    found = Found(location, CheckedFile("", 0, None, _unreachable(location)))
    if path is not None:
        files = {name: await store.read(_file, actor, f"{path}/{name}") for name in ("MLmodel",)}
        found = await _looked_at(call, location, path, files["MLmodel"])
    return await store.write(create_version, actor, replace(new, run_id=new.run_id or run_id), found)


async def _looked_at(call: Call, location: str, path: str, description: ArtifactFile | None) -> Found:
    if description is None:
        return Found(location, CheckedFile("", 0, None, "its folder holds no file MLmodel: log it as an MLflow model"))
    place = call.services.artifacts.path(description.sha)
    async with _CHECK:
        flavors = await asyncio.to_thread(_flavors, place, description.size)
    conversion = {"framework": "mlflow", "flavors": sorted(flavors)}
    try:
        name = onnx_file(flavors)
    except DomainError as error:
        if _PYTHON not in flavors:
            file = CheckedFile(description.sha, description.size, None, error.message)
            return Found(location, file, "MLmodel", conversion)
        return Found(location, await _as_it_is(call, description, path), ARCHIVE, conversion)
    name = checked_path(name)
    model = await call.services.store.read(_file, call.actor, f"{path}/{name}")
    if model is None:
        return Found(location, CheckedFile(description.sha, description.size, None, f"its file {name} is missing"))
    folder = f"{path}/{name}".rpartition("/")[0]
    return Found(location, await _checked(call, model, folder), name.rpartition("/")[2], conversion)


async def _as_it_is(call: Call, description: ArtifactFile, path: str) -> CheckedFile:
    """The whole folder, to be made ready for a process of its own."""
    services = call.services
    refusal = await asyncio.to_thread(services.code_refusal)
    if refusal is not None:
        return CheckedFile(description.sha, description.size, None, refusal)
    files = await services.store.read(_below, call.actor, path)
    try:
        async with _CHECK:
            return await asyncio.to_thread(archived, services.artifacts, files, services.limits.upload_bytes)
    except DomainError as error:
        return CheckedFile(description.sha, description.size, None, error.message)


async def _checked(call: Call, model: ArtifactFile, folder: str) -> CheckedFile:
    services = call.services
    try:
        async with _CHECK:
            try:
                signature = await asyncio.to_thread(services.check_model, services.artifacts.path(model.sha))
            except DomainError as error:
                if not error.details.get("external"):
                    raise
                beside = await services.store.read(_beside, call.actor, folder)
                return await asyncio.to_thread(_one_file, services, model, beside)
    except DomainError as error:
        return CheckedFile(model.sha, model.size, None, error.message)
    return CheckedFile(model.sha, model.size, signature.to_json())


def _one_file(services: Services, model: ArtifactFile, beside: list[ArtifactFile]) -> CheckedFile:
    """The model with the tensors that it keeps in files beside it, as a file of its own in the artifact store."""
    files = {file.path.rpartition("/")[2]: services.artifacts.path(file.sha) for file in beside}
    with services.artifacts.upload(services.limits.upload_bytes) as folded:
        folded.replace(partial(services.fold_model, services.artifacts.path(model.sha), files))
        sha = folded.finish()
        signature = services.check_model(folded.path)
        folded.keep()
        return CheckedFile(sha, folded.size, signature.to_json())


def _below(tx: Tx, actor: Actor, folder: str) -> dict[str, ArtifactFile]:
    """All files in and below the folder, by their paths there."""
    actor.checked.add(Permission.EXPERIMENT_READ)
    found = tx.find(ArtifactFile, path=StartsWith(f"{folder}/"))
    return {file.path.removeprefix(f"{folder}/"): file for file in found}


def _beside(tx: Tx, actor: Actor, folder: str) -> list[ArtifactFile]:
    actor.checked.add(Permission.EXPERIMENT_READ)
    found = tx.find(ArtifactFile, path=StartsWith(f"{folder}/"))
    return [file for file in found if "/" not in file.path.removeprefix(f"{folder}/")]


def _flavors(place: Path, size: int) -> dict[str, Any]:
    """The flavors that ``MLmodel`` declares, by name; ``INVALID`` when it is not such a file."""
    if size > MLMODEL_MAX:
        raise mlmodel_too_large(size)
    return flavors_of(place.read_bytes())


def _origin(tx: Tx, actor: Actor, new: NewRegisteredVersion) -> tuple[str, str | None]:
    """Where the files of a source are, and the run that made them where that is known.

    Every run and model that the source names must be readable to who registers it.
    """
    place, run_id = _of_source(tx, actor, new.source)
    if new.logged_model_id and run_id is None:
        run_id = _of_logged_model(tx, actor, new.logged_model_id)[1]
    return place, run_id


def _of_source(tx: Tx, actor: Actor, source: str) -> tuple[str, str | None]:
    scheme, _, rest = source.partition(":")
    match scheme:
        case "runs":
            run_id, _, inside = rest.strip("/").partition("/")
            run = require_run(tx, actor, Permission.EXPERIMENT_READ, run_id)
            return f"{run.artifact_uri}/{checked_path(inside)}" if inside else run.artifact_uri, run.id
        case "models":
            return _of_models(tx, actor, rest.strip("/"))
        case "mlflow-artifacts":
            path = location_path(source) or ""
            require_experiment(tx, actor, Permission.EXPERIMENT_READ, path.partition("/")[0])
            return source, None
    if not source.lower().startswith(_ELSEWHERE) or any(mark in source for mark in ("..", "\\", "#", "?", "%")):
        raise invalid(
            f"Invalid model version source: {shortened(source)!r}. Use runs:/<run id>/<path>, models:/<model id>, an "
            "mlflow-artifacts: address or the address of a store like s3://…; paths of a machine are not taken"
        )
    return source, None


def _of_models(tx: Tx, actor: Actor, rest: str) -> tuple[str, str | None]:
    if _MODEL_ID.fullmatch(rest):
        return _of_logged_model(tx, actor, rest)
    name, _, number = rest.partition("/")
    version = get_version(tx, actor, name, number).version
    return version.storage_location, version.run_id


def _of_logged_model(tx: Tx, actor: Actor, model_id: str) -> tuple[str, str | None]:
    model = require_logged_model(tx, actor, Permission.EXPERIMENT_READ, model_id)
    return model.artifact_uri, model.source_run_id


def _file(tx: Tx, actor: Actor, path: str) -> ArtifactFile | None:
    ask(actor, Permission.EXPERIMENT_READ)
    return tx.first(ArtifactFile, path=path)


def _unreachable(location: str) -> str:
    return f"its files lie at {shortened(location)}, where this server does not read; log the model to this server"
