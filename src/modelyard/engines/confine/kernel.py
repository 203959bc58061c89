"""Calls of the kernel that Python does not offer."""

import ctypes
import os

_LIBRARY = ctypes.CDLL(None, use_errno=True)
_LIBRARY.syscall.restype = ctypes.c_long
_LIBRARY.prctl.restype = ctypes.c_int
_LIBRARY.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
_LIBRARY.mount.argtypes = [*[ctypes.c_char_p] * 3, ctypes.c_ulong, ctypes.c_char_p]
_LIBRARY.unshare.argtypes = [ctypes.c_int]


def system_call(number: int, *arguments: object) -> int:
    """Integers are passed as longs; ``OSError`` when the kernel refuses."""
    return _checked(_LIBRARY.syscall(ctypes.c_long(number), *map(_long, arguments)))


def prctl(option: int, argument: int = 0, third: int = 0, fourth: int = 0) -> int:
    """``prctl(2)``; the arguments that are not given are 0, as many options ask."""
    return _checked(_LIBRARY.prctl(option, argument, third, fourth, 0))


def unshare(flags: int) -> None:
    """``unshare(2)``."""
    _checked(_LIBRARY.unshare(flags))


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """``mount(2)``."""
    _checked(_LIBRARY.mount(source.encode(), target.encode(), kind.encode(), flags, data.encode()))


def _long(value: object) -> object:
    return ctypes.c_long(value) if isinstance(value, int) else value


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
