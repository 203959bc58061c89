"""Own user, network, IPC, host name, process and mount namespaces, where bubblewrap is not there to make them."""

import os

from modelyard.engines.confine.kernel import mount, unshare
from modelyard.engines.confine.rights import die_with_parent

_NEWNS, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID, _NEWNET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
_BIND, _RECURSIVE, _PRIVATE, _NO_SUID_DEV_EXEC = 0x1000, 0x4000, 0x40000, 0b1110


def enter(folder: str) -> None:
    """Go on in namespaces of one's own, two processes further: one waits outside, one reaps inside.

    ``folder`` stands for /dev/shm, too, where locks between processes lie.
    """
    uid, gid = os.geteuid(), os.getegid()
    flags = _NEWNS | _NEWUTS | _NEWIPC | _NEWPID | _NEWNET
    unshare(flags if uid == 0 else flags | _NEWUSER)
    if uid != 0:
        _map(uid, gid)
    _continue_in_child()
    mount("none", "/", "", _RECURSIVE | _PRIVATE)
    if os.access("/dev/shm", os.F_OK):  # noqa: S108
        mount(folder, "/dev/shm", "", _BIND)  # noqa: S108
    _hide_processes()
    _continue_in_child()


def _map(uid: int, gid: int) -> None:
    """Inside, the user has the same number as outside, and nobody else has one."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123  # pathlib is slow to import
            file.write(text)


def _hide_processes() -> None:
    """The own /proc; where the kernel allows none, an empty one."""
    try:
        mount("proc", "/proc", "proc", _NO_SUID_DEV_EXEC)
    except PermissionError:
        mount("none", "/proc", "tmpfs", _NO_SUID_DEV_EXEC, "size=4k")


def _continue_in_child() -> None:
    child = os.fork()
    if child == 0:
        die_with_parent(None)
        return
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    while True:
        ended, status = os.wait()
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)
