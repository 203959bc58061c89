"""A seccomp filter: a small program that the kernel asks before each system call. See ``seccomp(2)``."""

import ctypes
import errno
import os
import struct

from modelyard.engines.confine.kernel import prctl
from modelyard.engines.confine.syscalls import ASKED, LAST, MISSING, PRETENDED, REFUSED

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_LOAD, _EQUAL, _GREATER, _AND, _RETURN = 0x20, 0x15, 0x25, 0x54, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in the kernel's struct seccomp_data

_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM = _ERROR | errno.EPERM

# Machine, as the kernel calls it: the column of the numbers, the word of the audit subsystem for it.
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

_NAMESPACES = 0x7E020000
_SHARED_ANONYMOUS = 0x21
_PR_SET_PDEATHSIG = 1
_STREAM, _SEQPACKET = 1, 5
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_SIGNALS = ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")


# What is looked at: which argument, the bits of its lower half; True when only these values of them pass, False when
# all others do.
_Test = tuple[int, int, tuple[int, ...], bool]

_ALL = 0xFFFFFFFF
_TESTS: dict[str, _Test] = {
    "clone": (0, _NAMESPACES, (0,), True),
    "prlimit64": (0, _ALL, (0,), True),
    "prctl": (0, _ALL, (_PR_SET_PDEATHSIG,), False),
    "socketpair": (1, 0xF, (_STREAM, _SEQPACKET), True),  # a datagram socket could be connected again
    "mmap": (3, _SHARED_ANONYMOUS, (_SHARED_ANONYMOUS,), False),  # RLIMIT_DATA does not count it
    "ioctl": (1, _ALL, (_TIOCSTI, _TIOCLINUX), False),
}


def supported() -> bool:
    """Whether the numbers of this machine's system calls are known."""
    return os.uname().machine in _MACHINES and ctypes.sizeof(ctypes.c_void_p) == 8


def make_filter(own_signals: int | None) -> bytes:
    """The program for this machine. With ``own_signals``, a process id, that process alone can be signalled."""
    column, architecture = _MACHINES[os.uname().machine]
    program = [
        *(_step(_LOAD, _ARCHITECTURE), _step(_EQUAL, architecture, 1, 0), _step(_RETURN, _KILL)),
        *(_step(_LOAD, _NUMBER), _step(_GREATER, LAST, 0, 1), _step(_RETURN, _ERROR | errno.ENOSYS)),
    ]
    for numbers, answer in ((REFUSED, _EPERM), (PRETENDED, _ERROR), (MISSING, _ERROR | errno.ENOSYS)):
        for each in numbers.values():
            program += _when(each[column], [_step(_RETURN, answer)])
    tests = _TESTS if own_signals is None else _TESTS | _signal_tests(own_signals)
    for name, test in tests.items():
        program += _when(ASKED[name][column], _asking(test))
    if own_signals is not None:
        program += _when(ASKED["tkill"][column], [_step(_RETURN, _EPERM)])
    return b"".join([*program, _step(_RETURN, _ALLOW)])


def apply(program: bytes) -> None:
    """From now on the filter holds, for this thread and all that it starts; needs ``no_new_privs``."""
    steps = ctypes.create_string_buffer(program, len(program))
    held = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(steps)))
    prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(held))


def _signal_tests(own: int) -> dict[str, _Test]:
    return dict.fromkeys(_SIGNALS, (0, _ALL, (0, own), True))


def _when(number: int | None, steps: list[bytes]) -> list[bytes]:
    return [] if number is None else [_step(_EQUAL, number, 0, len(steps)), *steps]


def _asking(test: _Test) -> list[bytes]:
    argument, mask, values, only = test
    found, others = (_ALLOW, _EPERM) if only else (_EPERM, _ALLOW)
    compared = [step for value in values for step in (_step(_EQUAL, value, 0, 1), _step(_RETURN, found))]
    lower = _step(_LOAD, _ARGUMENTS + 8 * argument)  # both machines are little-endian
    return [lower, _step(_AND, mask), *compared, _step(_RETURN, others)]


def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, value)
