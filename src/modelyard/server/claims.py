"""What a server must have for itself before it starts: the data folder, its lock, the address."""

import errno
import fcntl
import importlib.util
import os
import socket
from pathlib import Path

LOCK_NAME = "server.lock"


class StartError(Exception):
    """The server may not start here; the message is one line that says why and what to do."""


def claim_folder(data: Path) -> int:
    """Make the data folder, for its owner alone, and lock it. The lock lives as long as the returned descriptor."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(
            f"the data folder {str(data)!r} cannot be used: {error.strerror}; give --data a folder you may write to"
        ) from error
    _lock(lock, data)
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def holder_of(data: Path) -> str | None:
    """The process id of the server that has the data folder, if there is one."""
    try:
        lock = os.open(data / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _owner(lock)
    finally:
        os.close(lock)
    return None


def _owner(lock: int) -> str:
    return os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"


def _lock(lock: int, data: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = _owner(lock)
        os.close(lock)
        raise StartError(
            f"the data folder {str(data)!r} is in use by another server, process {owner}; "
            "stop that one or give --data another folder"
        ) from None
    except OSError as error:  # some network file systems
        os.close(lock)
        raise StartError(f"the data folder {str(data)!r} cannot be locked: {error.strerror}") from error


def claim_grpc(host: str, port: int) -> None:
    """The workers can serve gRPC there: the port is free, which each of them could not tell from its siblings' having
    it, and the package is installed."""
    if any(importlib.util.find_spec(name) is None for name in ("h2", "grpc", "google.protobuf")):
        raise StartError(
            "grpc_port is set, but what it needs is not installed: install modelyard[grpc] or set grpc_port to 0"
        )
    claim_address(host, port, "--grpc-port").close()


def claim_address(host: str, port: int, flag: str = "--port") -> socket.socket:
    """A listening socket; port 0 takes a free one. ``flag`` is what chooses the port."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError):
        raise StartError(f"host {host!r} cannot be resolved; give --host a name or address of this machine") from None
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise StartError(_why_not(error, host, port, flag)) from error
    return listener


def _why_not(error: OSError, host: str, port: int, flag: str) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} on {host} is in use by another program; stop it or give {flag} another number"
        case errno.EACCES:
            return f"port {port} may not be opened by this user; give {flag} a number from 1024 up"
        case errno.EADDRNOTAVAIL:
            return f"host {host!r} is not an address of this machine; give --host one that is, like 127.0.0.1"
    return f"cannot listen on {host} port {port}: {error.strerror}"
