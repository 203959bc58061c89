"""Users, capabilities, limits and the end with one's parent."""

import ctypes
import os
import resource
import struct

from modelyard.engines.confine.kernel import prctl, system_call

_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 1, 8, 24, 38, 47
_PR_SET_SECUREBITS, _NO_SETUID_FIXUP = 28, 0b1100  # set, and locked
_SIGKILL = 9
_AMBIENT_RAISE, _AMBIENT_CLEAR = 2, 4
_CAPABILITY_VERSION = 0x20080522
_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITIES = 64
_DAC_OVERRIDE, _DAC_READ_SEARCH = 1, 2


def die_with_parent(parent: int | None) -> None:
    """Be killed when the thread that started this process ends; at once, when ``parent`` is no longer its parent."""
    prctl(_PR_SET_PDEATHSIG, _SIGKILL)
    if parent is not None and os.getppid() != parent:
        raise SystemExit("the process that started this one has ended")


def limit(limits: dict[str, int]) -> None:
    """Resource limits by their names without ``RLIMIT_``; one that is lower already stays."""
    for name, most in limits.items():
        which = getattr(resource, f"RLIMIT_{name}")
        there = resource.getrlimit(which)[1]
        held = most if there == resource.RLIM_INFINITY else min(most, there)
        resource.setrlimit(which, (held, held))


def become(uid: int) -> None:
    """Be a user (and group) that nobody else is. What remains of root is reading: Landlock says where."""
    prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    _keep_reading()


def give_up_capabilities() -> None:
    """None now, and none after programs that root or a file's capabilities would give some."""
    prctl(_PR_CAP_AMBIENT, _AMBIENT_CLEAR)
    _drop_bounding(keep=frozenset())
    _set_capabilities(0)


def no_new_privileges() -> None:
    """No program that is started can have more rights than this process."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def _keep_reading() -> None:
    for capability in (_DAC_READ_SEARCH, _DAC_OVERRIDE):  # containers often have the second alone
        try:
            _set_capabilities(1 << capability, 1 << 8)  # CAP_SETPCAP drops what may be had later
        except PermissionError:
            continue
        # Else access(2), which libraries ask whether a file is there, would not count what remains of root.
        prctl(_PR_SET_SECUREBITS, _NO_SETUID_FIXUP)
        _drop_bounding(keep=frozenset({capability}))
        _set_capabilities(1 << capability)
        prctl(_PR_CAP_AMBIENT, _AMBIENT_RAISE, capability)
        return
    raise PermissionError("neither CAP_DAC_READ_SEARCH nor CAP_DAC_OVERRIDE")


def _drop_bounding(keep: frozenset[int]) -> None:
    for capability in range(_CAPABILITIES):
        if capability not in keep:
            try:
                prctl(_PR_CAPBSET_DROP, capability)
            except OSError:  # it does not exist, or there is no right to drop it, and so none to gain by it
                continue


def _set_capabilities(held: int, for_now: int = 0) -> None:
    """``held`` is effective, permitted and inheritable; ``for_now`` only the first two."""
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION, 0))
    both = [((held | for_now) >> shift & 0xFFFFFFFF, held >> shift & 0xFFFFFFFF) for shift in (0, 32)]
    data = b"".join(struct.pack("=III", now, now, kept) for now, kept in both)
    system_call(_CAPSET[os.uname().machine], ctypes.byref(header), ctypes.create_string_buffer(data))
