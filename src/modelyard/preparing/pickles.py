"""What pickles name, read from their opcodes; nothing is unpickled. Format: the standard library's ``pickletools``."""

import io
import pickletools
from collections.abc import Iterator
from typing import Any

BYTES_MAX = 4 * 2**20
"""What lies behind is not read: names come early, numbers late."""
NAMES_MAX = 200
_MEMOIZING = {"BINPUT", "LONG_BINPUT", "PUT"}
_RECALLING = {"BINGET", "LONG_BINGET", "GET"}
_OTHERS = {"INST": "an instance of a class", "EXT1": "an extension", "EXT2": "an extension", "EXT4": "an extension"}


def names_in(content: bytes) -> list[str]:
    """The functions and classes that unpickling would import, each once, in their order, as far as they can be read."""
    found: dict[str, None] = {}
    try:
        for name in _names(content[:BYTES_MAX]):
            found[name] = None
            if len(found) >= NAMES_MAX:
                break
    except Exception:  # noqa: BLE001, S110  # hostile or cut off: what was read until here is told
        pass
    return list(found)


def _names(content: bytes) -> Iterator[str]:
    """``STACK_GLOBAL`` takes its names from the stack: the last two texts, or what a memo remembers of them."""
    texts: list[str] = []
    memo: dict[Any, str] = {}
    last: str | None = None
    for opcode, argument, _ in pickletools.genops(io.BytesIO(content)):
        name = opcode.name
        if name == "GLOBAL":
            yield str(argument).replace(" ", ".")
        elif name == "STACK_GLOBAL":
            yield ".".join(texts[-2:]) or "unknown"
        elif name in _OTHERS:
            yield str(argument).replace(" ", ".") if name == "INST" else _OTHERS[name]
        elif name == "MEMOIZE":
            memo[len(memo)] = last or ""
        elif name in _MEMOIZING:
            memo[argument] = last or ""
        elif name in _RECALLING and memo.get(argument):
            texts = [*texts[-1:], memo[argument]]
        if isinstance(argument, str) and "UNICODE" in name:
            texts, last = [*texts[-1:], argument], argument
        elif name not in _MEMOIZING and name != "MEMOIZE":
            last = None
