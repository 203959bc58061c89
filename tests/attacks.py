"""What hostile code of a model may try: run as ``python attacks.py NAME ARGUMENTS…`` inside the sandbox.

Prints one JSON object: ``{"done": …}`` with what the attack got, or ``{"stopped": …}`` with the error that ended it.
"""

import contextlib
import ctypes
import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

_LIBRARY = ctypes.CDLL(None, use_errno=True)
_NEW_NAMESPACES = {"user": 0x10000000, "mount": 0x20000, "network": 0x40000000, "process": 0x20000000}
_PTRACE_SEIZE, _PTRACE = 0x4206, {"x86_64": 101, "aarch64": 117}


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def read(path: str) -> str:
    return Path(path).read_text(errors="replace")[:200]


def list_folder(path: str) -> list[str]:
    return sorted(os.listdir(path))  # noqa: PTH208


def write(path: str) -> str:
    Path(path).write_text("overwritten")
    return path


def remove(path: str) -> str:
    Path(path).unlink()
    return path


def open_to_all(path: str) -> str:
    """Succeeds in name only: what counts is whether the rights have changed."""
    with contextlib.suppress(OSError):
        Path(path).chmod(0o777)
    return path


def link_out(path: str) -> str:
    os.link(path, "stolen")
    return Path("stolen").read_text()


def environment() -> dict[str, str]:
    return dict(os.environ)


def environment_of(pid: str) -> str:
    return Path("/proc", pid, "environ").read_bytes().decode(errors="replace")


def tcp(port: str) -> str:
    with socket.create_connection(("127.0.0.1", int(port)), timeout=3) as there:
        return there.recv(100).decode()


def unix(address: str) -> str:
    with socket.socket(socket.AF_UNIX) as there:
        there.connect(address.replace("@", "\0"))
        return there.recv(100).decode()


def datagram_pair(address: str) -> str:
    """A pair is connected, but a datagram socket can be connected again."""
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    pair[0].connect(address.replace("@", "\0"))
    return "connected"


def resolve(name: str) -> str:
    return socket.gethostbyname(name)


def listen() -> int:
    with socket.socket() as here:
        here.bind(("127.0.0.1", 0))
        here.listen()
        return int(here.getsockname()[1])


def kill(pid: str) -> str:
    os.kill(int(pid), signal.SIGTERM)
    return pid


def trace(pid: str) -> int:
    return _checked(_LIBRARY.syscall(_PTRACE[os.uname().machine], _PTRACE_SEIZE, int(pid), 0, 0))


def peek(pid: str) -> int:
    with Path("/proc", pid, "mem").open("rb") as memory:
        return len(memory.read(0))


def strangle(pid: str) -> tuple[int, int]:
    """Another process of the same user may be given limits."""
    import resource  # noqa: PLC0415

    return resource.prlimit(int(pid), resource.RLIMIT_NOFILE, (3, 3))


def fork_bomb() -> int:
    children = []
    try:
        for _ in range(2000):
            child = os.fork()
            if child == 0:
                time.sleep(30)
                os._exit(0)
            children.append(child)
    except OSError:
        return len(children)
    finally:
        for child in children:
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
    return len(children)


def memory(mebibytes: str) -> int:
    return len(bytearray(int(mebibytes) * 2**20))


def shared_memory(mebibytes: str) -> int:
    """Memory that is shared is not private, and so is not counted with it."""
    held = mmap.mmap(-1, int(mebibytes) * 2**20)
    return len(held)


def memory_file() -> int:
    return os.memfd_create("hidden")


def system_v_memory() -> int:
    return _checked(_LIBRARY.shmget(0, 2**20, 0o1600))


def huge_file(mebibytes: str) -> int:
    with Path("huge").open("wb") as file:
        return file.truncate(int(mebibytes) * 2**20)


def open_many() -> int:
    held = []
    while True:
        try:
            held.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            return len(held)


def descriptors() -> list[int]:
    found = []
    for number in range(3, 256):
        with contextlib.suppress(OSError):
            os.fstat(number)
            found.append(number)
    return found


def set_user() -> list[int]:
    os.setuid(0 if os.getuid() else 1)
    return list(os.getresuid())


def more_processor_time() -> list[int]:
    import resource  # noqa: PLC0415

    most = resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    return list(resource.getrlimit(resource.RLIMIT_DATA))


def spin() -> None:
    while True:
        pass


def unshare(kind: str) -> int:
    return _checked(_LIBRARY.unshare(_NEW_NAMESPACES[kind]))


def clone_in_user_namespace() -> int:
    number = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
    child = _checked(_LIBRARY.syscall(number, _NEW_NAMESPACES["user"] | signal.SIGCHLD, 0, 0, 0, 0))
    if child == 0:
        os._exit(0)
    return child


def mount() -> int:
    return _checked(_LIBRARY.mount(b"none", bytes(Path.cwd()), b"tmpfs", 0, None))


def call(number: str) -> int:
    return _checked(_LIBRARY.syscall(int(number), 0, 0, 0, 0, 0, 0))


def new_session() -> str:
    """In a child: who leads a group cannot."""
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
        finally:
            os._exit(1 if os.getsid(0) != os.getpid() else 0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
        raise PermissionError(1, "Operation not permitted")
    return "free"


def stay_after_parent() -> int:
    """Forget that the parent's end is one's own, and start another that never knew."""
    _LIBRARY.prctl(1, 0, 0, 0, 0)
    with contextlib.suppress(OSError):
        os.setsid()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(OSError):
            os.setsid()
    while True:
        Path("alive").write_text(str(time.time()))
        Path(f"alive-{child == 0}").write_text(str(time.time()))
        time.sleep(0.05)


def serve(descriptor: str, control: str) -> str:
    """What a model's process does: accept on a socket that it was given, and tell over a pipe."""
    os.write(int(control), b"ready\n")
    with socket.socket(fileno=int(descriptor)) as listening:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(connection.recv(100).upper())
    return "served"


def run_program() -> str:
    return subprocess.run(["/bin/echo", "hello"], capture_output=True, text=True, check=True).stdout


def threads() -> int:
    made = [threading.Thread(target=time.sleep, args=(0.01,)) for _ in range(8)]
    for each in made:
        each.start()
    for each in made:
        each.join()
    return len(made)


def lock_between_processes() -> str:
    import multiprocessing  # noqa: PLC0415

    multiprocessing.Lock()
    return "made"


def main(name: str, *arguments: str) -> None:
    attack: Callable[..., object] = globals()[name]
    try:
        answer = {"done": attack(*arguments)}
    except (OSError, MemoryError, ValueError) as error:
        answer = {"stopped": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
