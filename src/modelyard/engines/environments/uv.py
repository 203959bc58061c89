"""Calls uv, which resolves and installs, with nothing of this process's environment but the way to the network."""

import contextlib
import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from modelyard.core.kernel.errors import DomainError, ErrorKind, timed_out
from modelyard.engines.environments.packages import Packages

_PATH = "/usr/local/bin:/usr/bin:/bin"
_NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
_QUIET = ("--color", "never", "--no-progress", "--no-python-downloads")
_LABEL = re.compile(r"^\W*(?:(?:error|cause):\s*)?", re.MULTILINE)
_SHOWN = 1500


@dataclass(frozen=True, slots=True)
class Uv:
    """uv with the files it may touch: ``config`` is written by ``Packages.uv_toml``."""

    packages: Packages
    config: Path
    cache: Path

    def run(self, arguments: list[str], seconds: int, log: Callable[[str], None], held: tuple[int, ...] = ()) -> None:
        """Run a command of uv and tell each line it says; a ``DomainError`` with its reason when it fails.

        ``held`` are files that it keeps open: a lock on one outlives this process as long as uv does.
        """
        command = [
            find_uv_bin(),
            *arguments,
            *_QUIET,
            "--config-file",
            str(self.config),
            "--cache-dir",
            str(self.cache),
        ]
        said: list[str] = []
        with started(command, held) as child, stopped_after(seconds, child) as late:
            for line in child.stderr or ():
                said.append(line.rstrip())
                log(self._shown(said[-1]))
        if late.is_set():
            raise timed_out(f"uv {' '.join(arguments[:2])} took longer than {seconds} s and was stopped")
        if child.returncode != 0:
            raise _failure(self._shown("\n".join(said)))

    def _shown(self, text: str) -> str:
        return self.packages.hidden(text.replace(str(self.cache.parent), "environments"))


def uv_version() -> str | None:
    """As uv itself says it; None when it does not run."""
    try:
        done = subprocess.run(  # noqa: S603  # our own program
            [find_uv_bin(), "--version"], env=_environment(), capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return " ".join(done.stdout.split()[:2]) if done.returncode == 0 else None


@contextlib.contextmanager
def started(command: list[str], held: tuple[int, ...]) -> Iterator[subprocess.Popen[str]]:
    """A process with a group of its own, which is killed when the block fails; ``held`` as of ``Uv.run``."""
    child = subprocess.Popen(  # noqa: S603  # a program of ours, with arguments that we checked
        command,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        pass_fds=held,
        start_new_session=True,
    )
    with child:
        try:
            yield child
        except BaseException:
            _stop(child)
            raise


@contextlib.contextmanager
def stopped_after(seconds: int, child: "subprocess.Popen[str]") -> Iterator[threading.Event]:
    """Kill it when the block takes longer; the event says whether it did."""
    late = threading.Event()

    def stop() -> None:
        late.set()
        _stop(child)

    timer = threading.Timer(seconds, stop)
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _stop(child: "subprocess.Popen[str]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _environment() -> dict[str, str]:
    names = (*_NETWORK, *(name.lower() for name in _NETWORK))
    return {"PATH": _PATH, "LANG": "C.UTF-8"} | {name: os.environ[name] for name in names if name in os.environ}


def _failure(output: str) -> DomainError:
    reason = _reason(output)
    if "No solution found" in output:
        return DomainError(ErrorKind.INVALID, f"these packages do not go together: {reason}")
    if "No interpreter found" in output:
        return DomainError(ErrorKind.INVALID, f"this server has no such Python: {reason}")
    if "Hash mismatch" in output:
        return DomainError(ErrorKind.FAILED_PRECONDITION, f"a package is not the one that was locked: {reason}")
    return DomainError(ErrorKind.UNAVAILABLE, f"the packages could not be had: {reason}")


def _reason(output: str) -> str:
    """What uv gives as the cause, without its labels, drawings, warnings and hints about flags of its own."""
    _, found, told = output.partition("No solution found when resolving dependencies")
    relevant = told if found else output[max(output.find("error:"), 0) :]
    text = " ".join(_LABEL.sub("", relevant.partition("\nhint:")[0].lstrip(": \n")).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
