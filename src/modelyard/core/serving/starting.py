"""What a process of a model is started with."""

from dataclasses import dataclass, field
from typing import Protocol

from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.catalogue.runtimes import Environment, ModelRuntime
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.resources import Resources


class Startable(Protocol):
    """All that is needed to start one process of a version that runs in processes."""

    @property
    def version(self) -> ModelVersion:
        """Which version."""

    @property
    def runtime(self) -> ModelRuntime:
        """How it runs."""

    @property
    def environment(self) -> Environment | None:
        """The packages that it runs with; None where they are not known any longer."""

    @property
    def resources(self) -> Resources:
        """What the process may have."""


@dataclass(frozen=True, slots=True)
class Start:
    """See ``Startable``: a process that belongs to no deployment."""

    version: ModelVersion
    runtime: ModelRuntime
    environment: Environment | None
    resources: Resources = field(default_factory=Resources)


def start_of(tx: Tx, version: ModelVersion, runtime: ModelRuntime) -> Start:
    """What a process of the version is started with, wherever nothing is said of its resources."""
    return Start(version, runtime, tx.get(Environment, runtime.environment))
