"""Starting one process of a model."""

import json
import math
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from modelyard.core.catalogue.artifacts import ArtifactStore
from modelyard.core.catalogue.runtimes import Environment
from modelyard.core.catalogue.verified_files import VerifiedFiles
from modelyard.core.kernel.errors import failed_precondition
from modelyard.core.serving.starting import Startable
from modelyard.engines.process.cores import Cores
from modelyard.engines.process.runtime_files import runtime_folder
from modelyard.engines.sandbox import Confinement, Level, available_level, start, why_not_higher


@dataclass(frozen=True, slots=True)
class Running:
    """A process that was started. ``control`` and ``output`` do not block; ``level`` says how far it is locked in."""

    process: "subprocess.Popen[bytes]"
    control: socket.socket
    output: int
    level: str


PythonOf = Callable[[Environment], Path]
"""The interpreter of an environment, which is built where it is not there yet."""


class Launcher:
    """Blocking, and for any number of threads."""

    def __init__(self, data: Path, artifacts: ArtifactStore, python_of: PythonOf, least: Level = Level.PROCESS) -> None:
        """``least`` is how far processes must be locked in at least."""
        self._data = data
        self._files = VerifiedFiles(artifacts)
        self._python_of = python_of
        self._least = least
        self._cores = Cores()

    def launch(self, wanted: Startable, listener: socket.socket, scratch: Path) -> Running:
        """Start it. ``DomainError`` when what it needs cannot be had, ``OSError`` when the system cannot."""
        if available_level() < self._least:
            raise failed_precondition(
                f"models with code must be {self._least.word} on this server, and this machine reaches only "
                f"{available_level().word}: {why_not_higher()}; see sandbox_minimum"
            )
        if wanted.environment is None:
            raise failed_precondition(f"the environment of model {wanted.version.name} is not known; upload it again")
        python, path = self._python_of(wanted.environment), self._files.path(wanted.runtime.sha).absolute()
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        try:
            config = _config(wanted, path, scratch, listener.fileno(), theirs.fileno())
            inherited = (listener.fileno(), theirs.fileno())
            with self._cores.lock:
                confinement = self._confinement(wanted, python, (config, path), scratch, inherited)
                process = start(confinement, writing, writing)
                self._cores.note(process, confinement.cores)
        except BaseException:
            ours.close()
            os.close(reading)
            raise
        finally:
            theirs.close()
            os.close(writing)
        ours.setblocking(False)
        os.set_blocking(reading, False)
        return Running(process, ours, reading, available_level().word)

    def _confinement(  # what goes where
        self, wanted: Startable, python: Path, files: tuple[Path, Path], scratch: Path, inherited: tuple[int, ...]
    ) -> Confinement:
        runtime, resources = runtime_folder(self._data).absolute(), wanted.resources
        return Confinement(
            command=(str(python), "-m", "modelyard_runtime", "serve", str(files[0])),
            environment={"PYTHONPATH": str(runtime), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
            readable=(runtime, *files),
            scratch=scratch,
            inherited=inherited,
            memory_bytes=resources.memory_bytes or _usual_memory(),
            threads=math.ceil(resources.cpu or 1),
            cores=self._cores.choose(resources.cpu),
        )


@cache
def _usual_memory() -> int:
    """Where a deployment says nothing: half of what the machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _config(wanted: Startable, path: Path, scratch: Path, listener: int, control: int) -> Path:
    """Written beside the scratch folder, which is new and empty."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    signature = wanted.version.signature or {}
    config = {
        "loader": wanted.runtime.loader,
        "path": str(path),
        "file_name": wanted.version.file_name,
        "options": wanted.runtime.options,
        "inputs": signature.get("inputs"),
        "outputs": signature.get("outputs"),
        "scratch": str(scratch),
        "socket_fd": listener,
        "control_fd": control,
    }
    place = scratch.with_suffix(".json")
    place.write_text(json.dumps(config))
    return place
