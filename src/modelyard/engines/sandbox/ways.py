"""The ways to reach a level, and the command of each."""

import os
import secrets
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from modelyard.engines.confine.orders import Orders
from modelyard.engines.sandbox.confinement import Confinement, Level
from modelyard.engines.sandbox.counting import counts_by_namespace, tasks_of_user
from modelyard.engines.sandbox.paths import interpreter_files, kernel_files, system_files

_LAUNCHER = Path(__file__).parents[1] / "confine"
_FIRST_UID, _UIDS = 2_000_000_000, 2**22  # beyond what systems and containers give to anybody
_FIRST_LOW_UID, _LOW_UIDS = 61_184, 4_336  # where only 65536 are mapped: systemd's range for such users


@dataclass(frozen=True)
class Way:
    """``bubblewrap`` is its path where it makes the namespaces; with ``own_user`` the process is another user's."""

    level: Level
    own_user: bool = False
    bubblewrap: str | None = None

    @property
    def word(self) -> str:
        """How messages call it."""
        if self.level is not Level.ISOLATED:
            return self.level.word
        return "bubblewrap" if self.bubblewrap else "own namespaces"

    def orders(self, confinement: Confinement) -> Orders:
        """What the launcher is told."""
        program = confinement.command[0]
        readable = (*map(str, confinement.readable), *interpreter_files(program), program)
        hidden = self.bubblewrap is not None
        return {
            "command": list(confinement.command),
            "environment": confinement.variables(),
            "folder": str(confinement.scratch),
            "parent": None if hidden else os.getpid(),
            "uid": _uid_for(confinement.scratch) if self.own_user else None,
            "own_namespaces": self.level is Level.ISOLATED and not hidden,
            "rules": self.level is not Level.PROCESS,
            "readable": [*system_files(), *kernel_files(), *readable],
            "writable": [str(confinement.scratch), "/dev/null"],
            "limits": confinement.limits() | {"NPROC": confinement.processes + self._counted_already()},
        }

    def _counted_already(self) -> int:
        """Tasks of the server's user that the kernel counts with those of the process."""
        own_count = self.own_user or (self.level is Level.ISOLATED and counts_by_namespace())
        return 0 if own_count else tasks_of_user()

    def command(self, confinement: Confinement, descriptor: int) -> list[str]:
        """The launcher, inside bubblewrap or alone; the descriptor holds its orders."""
        launcher = [_interpreter(), "-I", "-S", str(_LAUNCHER / "__main__.py"), str(descriptor)]
        return launcher if self.bubblewrap is None else [self.bubblewrap, *_arguments(confinement), "--", *launcher]


def _arguments(confinement: Confinement) -> list[str]:
    """Of bubblewrap. Root makes namespaces without one of users, and the launcher changes the user instead."""
    scratch = str(confinement.scratch)
    user = [] if os.geteuid() == 0 else ["--unshare-user"]
    return [
        *(*user, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
        *("--die-with-parent", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),  # noqa: S108  # its own
        *_binds(confinement),
        *("--bind", scratch, scratch, "--bind", scratch, "/dev/shm"),  # noqa: S108  # locks between processes lie there
        *("--remount-ro", "/", "--remount-ro", "/tmp", "--remount-ro", "/dev"),  # noqa: S108
    ]


def _binds(confinement: Confinement) -> list[str]:
    """Everything that can be read; what lies in a folder that is bound comes with it."""
    programs = (*interpreter_files(_interpreter()), *interpreter_files(confinement.command[0]))
    named = (*map(str, confinement.readable), confinement.command[0], _interpreter(), str(_LAUNCHER))
    bound: list[Path] = []
    for path in sorted({Path(each) for each in (*system_files(), *programs, *named)}):
        if not any(folder in path.parents for folder in bound):
            bound.append(path)
    return [part for path in bound for part in ("--ro-bind", str(path), str(path))]


@cache
def _interpreter() -> str:
    return str(Path(sys.executable).resolve())


def _uid_for(folder: Path) -> int:
    """The user that the folder has from a process before, else one that nobody has.

    It may be taken already with a chance of one in millions, in a container of one in thousands.
    """
    first, many = (_FIRST_UID, _UIDS) if _mapped_ids() >= _FIRST_UID + _UIDS else (_FIRST_LOW_UID, _LOW_UIDS)
    owner = folder.stat().st_uid
    return owner if first <= owner < first + many else first + secrets.randbelow(many)


@cache
def _mapped_ids() -> int:
    return int(Path("/proc/self/uid_map").read_text(encoding="ascii").split()[2])
