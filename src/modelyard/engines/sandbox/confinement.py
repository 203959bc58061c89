"""What a process of a model may have."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)


class Level(IntEnum):
    """How far a process is locked in. ``docs/explanation/sandbox.md`` tells what each level stops."""

    PROCESS = 1
    RESTRICTED = 2
    ISOLATED = 3

    @classmethod
    def named(cls, name: str) -> "Level":
        """From ``process``, ``restricted`` or ``isolated``."""
        return cls[name.upper()]

    @property
    def word(self) -> str:
        """The name as settings and messages have it."""
        return self.name.lower()


@dataclass(frozen=True, kw_only=True)
class Confinement:
    """A command and all that it gets.

    ``command``: the first part is the absolute path of a program; where it is a Python interpreter, its environment and
    the installation below it can be read without being named. ``environment``: besides the few variables that every
    process gets. ``readable``: files and folders that may be read, and programs in them run. ``scratch``: an existing
    folder, the only place for files; it is the working folder, HOME and TMPDIR.

    ``memory_bytes`` is private writable memory, of each process; ``processes`` counts threads, too; ``file_bytes`` is
    the size of each file; ``cpu_seconds`` is the time of each process, without limit when None. ``inherited`` are open
    descriptors, which keep their numbers. ``threads`` is what numeric libraries are told; ``cores`` are the processors
    that it starts on, by their numbers, all where None.
    """

    command: tuple[str, ...]
    scratch: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    readable: tuple[Path, ...] = ()
    inherited: tuple[int, ...] = ()
    memory_bytes: int = 4 * 2**30
    processes: int = 256
    file_bytes: int = 2**30
    open_files: int = 1024
    cpu_seconds: int | None = None
    threads: int = 1
    cores: frozenset[int] | None = None

    def limits(self) -> dict[str, int]:
        """Resource limits by their names without ``RLIMIT_``."""
        chosen = {
            "CORE": 0,
            "DATA": self.memory_bytes,
            "FSIZE": self.file_bytes,
            "NOFILE": self.open_files,
            "NPROC": self.processes,
            "MEMLOCK": 0,
            "MSGQUEUE": 0,
        }
        return chosen if self.cpu_seconds is None else chosen | {"CPU": self.cpu_seconds}

    def variables(self) -> dict[str, str]:
        """The environment of the command: nothing comes from the server's own."""
        folder = str(self.scratch)
        threads = dict.fromkeys(_THREADS, str(self.threads))
        own = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "USER": "model", "LOGNAME": "model"}
        return own | {"HOME": folder, "TMPDIR": folder} | threads | dict(self.environment)
