"""Landlock: a process denies itself all files but some. See the kernel's ``userspace-api/landlock.rst``."""

import ctypes
import os
import stat

from modelyard.engines.confine.kernel import system_call

# The same numbers on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 1 << 1, 1 << 2, 1 << 3
_MAKE_CHAR, _MAKE_SOCK, _MAKE_BLOCK = 1 << 6, 1 << 9, 1 << 11
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_FIRST = (1 << 13) - 1
_SINCE = ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV))
_OF_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV

_READING = _EXECUTE | _READ_FILE | _READ_DIR
_NEVER = _EXECUTE | _MAKE_CHAR | _MAKE_BLOCK | _MAKE_SOCK | _IOCTL_DEV

_TCP = 0b11  # bind and connect
_SCOPES = 0b11  # abstract Unix sockets and signals
TCP_SINCE, SCOPES_SINCE = 4, 6


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """The version of the kernel's Landlock; 0 where there is none."""
    try:
        return system_call(_CREATE_RULESET, None, 0, _VERSION)
    except OSError:
        return 0


def make_rules(readable: list[str], writable: list[str]) -> int:
    """A ruleset's descriptor: files may be read and executed here, and read and written there, and no others.

    A path that does not exist is left out. TCP, abstract Unix sockets and signals to others are denied from the
    versions on that can.
    """
    abi = version()
    handled = _FIRST | sum(right for since, right in _SINCE if abi >= since)
    asked = _Ruleset(handled, _TCP * (abi >= TCP_SINCE), _SCOPES * (abi >= SCOPES_SINCE))
    rules = system_call(_CREATE_RULESET, ctypes.byref(asked), _size(abi), 0)
    for path in readable:
        _allow(rules, path, _READING)
    for path in writable:
        _allow(rules, path, handled & ~_NEVER)
    return rules


def restrict(rules: int) -> None:
    """From now on the ruleset holds, for this thread and all that it starts; needs ``no_new_privs``."""
    system_call(_RESTRICT_SELF, rules, 0)
    os.close(rules)


def _size(abi: int) -> int:
    return 8 if abi < TCP_SINCE else 16 if abi < SCOPES_SINCE else 24


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            rights &= _OF_A_FILE
        system_call(_ADD_RULE, rules, _PATH_BENEATH, ctypes.byref(_PathBeneath(rights, opened)), 0)
    finally:
        os.close(opened)
