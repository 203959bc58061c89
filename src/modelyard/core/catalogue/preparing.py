"""Preparations as those who do them see them: begun, taken, kept alive, finished, given up.

A runner holds a preparation by its name and its heartbeats. What it says of one that it has lost counts no longer.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from modelyard.core.catalogue.entities import ModelConfig, ModelStatus, ModelVersion
from modelyard.core.catalogue.runtimes import (
    Environment,
    FileClass,
    ModelRuntime,
    Preparation,
    PreparationStage,
    RuntimeKind,
    Stage,
    StageState,
)
from modelyard.core.kernel.store import Between, Tx

RUNNER_TIMEOUT = timedelta(seconds=10)
LOG_MAX = 256 * 1024
"""Characters; of a longer log the end is kept."""
_ATTEMPTS = 3
_CUT = "(the beginning was cut off)\n"
_CONFIG_RUNTIMES = {RuntimeKind.ONNX: "onnx", RuntimeKind.PROCESS: "flight"}
"""What ``ModelConfig.runtime`` says of a version; ``mlflow`` for those of MLflow."""


@dataclass(frozen=True, slots=True)
class Undertaking:
    """A preparation with what it is to make ready.

    ``input_schema`` and ``output_schema`` are what the upload declared: base64 of a serialized Arrow schema.
    """

    preparation: Preparation
    version: ModelVersion
    input_schema: str | None
    output_schema: str | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """What came of a preparation; the fields are those of ``ModelRuntime`` and the version's signature."""

    kind: RuntimeKind
    sha: str
    signature: dict[str, Any]
    file_class: FileClass
    loader: str = ""
    options: dict[str, Any] | None = None
    environment: str = ""
    parity: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a stage now."""

    stage: Stage
    state: StageState
    message: str
    log: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """The file of a version, kept in the artifact store under ``sha``; ``size`` in bytes."""

    sha: str
    size: int
    file_name: str

    def __str__(self) -> str:
        return f"received {self.file_name}: {self.size} bytes, sha256 {self.sha}"


def begin_preparation(tx: Tx, version: ModelVersion) -> None:
    """The version waits to be made ready from now on; its upload is done, unless it has no file yet."""
    tx.insert(Preparation(0, version.workspace_id, version.id, None, None, 0, tx.now))
    if version.sha:
        received = Received(version.sha, version.size, version.file_name)
        _note(tx, version, Told(Stage.UPLOADED, StageState.DONE, str(received)))


def receive(tx: Tx, preparation_id: int, runner: str, file: Received) -> ModelVersion | None:
    """A version that began without its file has it now; None when the preparation is not the runner's any longer."""
    version = _held(tx, preparation_id, runner)
    if version is None:
        return None
    sha, size, name = file.sha, file.size, file.file_name
    return tx.update(
        ModelVersion,
        version.id,
        lambda found: replace(found, sha=sha, size=size, file_name=name, updated_at=tx.now),
    )


def waiting_preparations(tx: Tx) -> int:
    """How many preparations wait for a runner."""
    return len(tx.values(Preparation, ("id",), runner=None))


def take_preparation(tx: Tx, runner: str) -> Undertaking | None:
    """The oldest preparation that waits, which is this runner's from now on, to be done from its beginning."""
    waiting = tx.first(Preparation, runner=None)
    if waiting is None:
        return None
    values: dict[str, Any] = {"runner": runner, "heartbeat_at": tx.now}
    if not tx.change(Preparation, values, id=waiting.id, runner=None):  # somebody else took it meanwhile
        return None
    version = _moved(tx, waiting.model_version_id, ModelStatus.PREPARING)
    redone = [stage for stage in Stage if stage is not Stage.UPLOADED]
    tx.delete(PreparationStage, model_version_id=version.id, stage=redone)
    config = tx.first(ModelConfig, model_version_id=version.id)  # the first: what the upload said
    schemas = (config.input_schema, config.output_schema) if config else (None, None)
    return Undertaking(replace(waiting, **values), version, *schemas)


def beat(tx: Tx, preparation_id: int, runner: str) -> bool:
    """The runner is alive; False when the preparation is not its any longer and it must stop."""
    return tx.change(Preparation, {"heartbeat_at": tx.now}, id=preparation_id, runner=runner) == 1


def note_stage(tx: Tx, preparation_id: int, runner: str, told: Told) -> bool:
    """Keep what is known of a stage; False when the preparation is not the runner's any longer."""
    held = _held(tx, preparation_id, runner)
    if held is None:
        return False
    _note(tx, held, told)
    return True


def keep_environment(tx: Tx, environment: Environment) -> None:
    """Remember a locked environment; equal locks are one. ``CONFLICT`` when another keeps it at this moment."""
    if tx.get(Environment, environment.id) is None:
        tx.insert(environment)


def wanted_environments(tx: Tx) -> set[str]:
    """The digests of the environments that versions run in."""
    return {digest for (digest,) in tx.values(ModelRuntime, ("environment",), kind=RuntimeKind.PROCESS)}


def finish(tx: Tx, preparation_id: int, runner: str, prepared: Prepared) -> bool:
    """The version can be served; False when the preparation is not the runner's any longer."""
    version = _held(tx, preparation_id, runner)
    if version is None:
        return False
    tx.insert(
        ModelRuntime(
            id=0,
            workspace_id=version.workspace_id,
            model_version_id=version.id,
            kind=prepared.kind,
            sha=prepared.sha,
            loader=prepared.loader,
            options=prepared.options or {},
            environment=prepared.environment,
            file_class=prepared.file_class,
            parity=prepared.parity,
            created_at=tx.now,
        )
    )
    _note(tx, version, Told(Stage.READY, StageState.DONE, f"served by {_server(prepared.kind)}"))
    tx.change(ModelConfig, {"runtime": config_runtime(version, prepared.kind)}, model_version_id=version.id)
    tx.update(
        ModelVersion,
        version.id,
        lambda found: replace(found, signature=prepared.signature, status=ModelStatus.READY, updated_at=tx.now),
    )
    tx.delete(Preparation, id=preparation_id)
    return True


def fail(tx: Tx, preparation_id: int, runner: str, told: Told) -> bool:
    """The version cannot be served, ``told`` says since which stage and why; False when it is not the runner's."""
    version = _held(tx, preparation_id, runner)
    if version is None:
        return False
    _fail(tx, version, told)
    return True


def give_up_preparations(tx: Tx, runners: Collection[str], *, blamed: bool = True) -> None:
    """These runners are dead: others take what they were at, but not that over which too many died.

    Not ``blamed`` on the preparations is that the server stopped.
    """
    for preparation in tx.find(Preparation, runner=list(runners)):
        _release(tx, preparation, blamed=blamed)


def sweep_preparations(tx: Tx) -> None:
    """Give up runners that were not heard of for ``RUNNER_TIMEOUT``."""
    for preparation in tx.find(Preparation, heartbeat_at=Between(at_most=tx.now - RUNNER_TIMEOUT)):
        _release(tx, preparation, blamed=True)


def _release(tx: Tx, preparation: Preparation, *, blamed: bool) -> None:
    attempts = preparation.attempts + blamed
    if attempts >= _ATTEMPTS:
        reason = f"the process that prepared the model ended {attempts} times before it was done; see the server's log"
        version = _moved(tx, preparation.model_version_id, ModelStatus.PREPARING)
        _fail(tx, version, Told(_stage_of(tx, version), StageState.FAILED, reason))
        return
    nobody = replace(preparation, runner=None, heartbeat_at=None, attempts=attempts)
    tx.update(Preparation, preparation.id, lambda _: nobody)
    _moved(tx, preparation.model_version_id, ModelStatus.PENDING)


def _stage_of(tx: Tx, version: ModelVersion) -> Stage:
    """The stage in which a preparation ended that nobody does any longer."""
    running = tx.first(PreparationStage, model_version_id=version.id, state=StageState.RUNNING)
    if running is not None:
        return Stage(running.stage)
    return Stage.SCANNED if version.sha else Stage.UPLOADED


def _fail(tx: Tx, version: ModelVersion, told: Told) -> None:
    _note(tx, version, told)
    summary = f"stage {told.stage}: {told.message}"
    tx.update(
        ModelVersion,
        version.id,
        lambda found: replace(found, status=ModelStatus.ERROR, error_summary=summary, updated_at=tx.now),
    )
    tx.delete(Preparation, model_version_id=version.id)


def _held(tx: Tx, preparation_id: int, runner: str) -> ModelVersion | None:
    held = tx.first(Preparation, id=preparation_id, runner=runner)
    return tx.get(ModelVersion, held.model_version_id) if held else None


def _moved(tx: Tx, version_id: int, status: ModelStatus) -> ModelVersion:
    return tx.update(ModelVersion, version_id, lambda found: replace(found, status=status, updated_at=tx.now))


def _note(tx: Tx, version: ModelVersion, told: Told) -> None:
    known = tx.first(PreparationStage, model_version_id=version.id, stage=told.stage)
    ended = None if told.state is StageState.RUNNING else tx.now
    log = _cut(told.log)
    if known is None:
        fields = (told.stage, told.state, told.message, log, tx.now, ended)
        tx.insert(PreparationStage(0, version.workspace_id, version.id, *fields))
        return
    changed = replace(known, state=told.state, message=told.message, log=log or known.log, finished_at=ended)
    tx.update(PreparationStage, known.id, lambda _: changed)


def _cut(log: str | None) -> str | None:
    if log is None or len(log) <= LOG_MAX:
        return log
    return _CUT + log[-LOG_MAX:]


def _server(kind: RuntimeKind) -> str:
    return "onnxruntime" if kind is RuntimeKind.ONNX else "a process of its own"


def config_runtime(version: ModelVersion, kind: RuntimeKind) -> str:
    """What configurations of a version say that runs there."""
    own = kind is RuntimeKind.PROCESS and version.conversion.get("framework") == "mlflow"
    return "mlflow" if own else _CONFIG_RUNTIMES[kind]
