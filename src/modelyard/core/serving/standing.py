"""What the processes of a deployment's models mean for a worker: whom it may ask, and whether it may begin."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from modelyard.core.serving.entities import ModelProcess, ProcessState
from modelyard.core.serving.generation import Generator
from modelyard.core.serving.graph.nodes import LoadedModel

_COMING = (ProcessState.STARTING, ProcessState.RESTARTING, ProcessState.ASLEEP)


class Replicated(LoadedModel, Generator, Protocol):
    """A model that runs in processes elsewhere."""

    def use(self, sockets: Sequence[str]) -> None:
        """Ask these from now on; paths below the data folder."""

    def close(self) -> None:
        """Nothing new is asked, see ``ProcessModel``."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The processes of one revision, by the places of their models; ``places`` are those that need one."""

    places: frozenset[int]
    processes: Mapping[int, Sequence[ModelProcess]]

    @property
    def is_ready(self) -> bool:
        """Whether each model has a process that is ready, or sleeps: that was ready before."""
        return all(self._in(place, (ProcessState.READY, ProcessState.ASLEEP)) for place in self.places)

    @property
    def error(self) -> str | None:
        """Why it cannot be served: all processes of one of its models are given up."""
        for place in sorted(self.places):
            here = self.processes.get(place, ())
            if here and all(process.state == ProcessState.FAILED for process in here):
                return here[0].error or "a process of its model failed"
        return None

    def sockets(self, place: int) -> list[str]:
        """Whom to ask. Where none is ready, those that come back, or wake: a request waits there until they do."""
        return [process.socket for process in self._in(place, (ProcessState.READY,)) or self._in(place, _COMING)]

    def _in(self, place: int, states: Sequence[ProcessState]) -> list[ModelProcess]:
        return [process for process in self.processes.get(place, ()) if process.state in states]


def by_revision(processes: Sequence[ModelProcess]) -> dict[tuple[int, int], dict[int, list[ModelProcess]]]:
    """Processes by (deployment id, revision) and place."""
    found: dict[tuple[int, int], dict[int, list[ModelProcess]]] = defaultdict(lambda: defaultdict(list))
    for process in processes:
        found[process.deployment_id, process.revision][process.place].append(process)
    return found
