"""Which processors the processes of models may use, where they may not use all."""

import math
import os
import subprocess
import threading
from collections import Counter


class Cores:
    """Every process gets those that the fewest of the others have. Hold ``lock`` from ``choose`` to ``note``."""

    def __init__(self) -> None:
        self._taken: list[tuple[subprocess.Popen[bytes], frozenset[int]]] = []
        self.lock = threading.Lock()

    def choose(self, processors: float | None) -> frozenset[int] | None:
        """So many, rounded up; None where that would be all of them, nothing was said or the system cannot."""
        if processors is None or not hasattr(os, "sched_getaffinity"):
            return None
        here, wanted = sorted(os.sched_getaffinity(os.getpid())), math.ceil(processors)
        if wanted >= len(here):
            return None
        self._taken = [(process, cores) for process, cores in self._taken if process.returncode is None]
        taken = Counter(core for _, cores in self._taken for core in cores)
        return frozenset(sorted(here, key=lambda core: taken[core])[:wanted])

    def note(self, process: "subprocess.Popen[bytes]", cores: frozenset[int] | None) -> None:
        """The process has them until it ends."""
        if cores is not None:
            self._taken.append((process, cores))
