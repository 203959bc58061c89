"""Searching in text: a literal, or a regular expression that cannot take long, whatever the text."""

import re
from collections.abc import Callable
from functools import lru_cache

from modelyard.core.kernel.errors import invalid

_MOST_CHARACTERS = 200
_CLASSES = frozenset("dwsDWS")


@lru_cache(256)
def pattern(text: str, *, literal: bool) -> Callable[[str], bool]:
    """Whether a text contains this. Regular expressions have no ``*``, ``+``, ``?``, ``{`` and no groups.

    Without repetition a search is linear in the text, and the expression means the same in Rust, which polars uses.
    """
    if literal or not re.search(r"[\\^$.|\[\](){}*+?]", text):
        return lambda value: text in value
    if len(text) > _MOST_CHARACTERS:
        raise invalid(f"str.contains: the regular expression is longer than {_MOST_CHARACTERS} characters")
    try:
        found = re.compile("".join(_parts(text)))
    except re.error as error:
        raise invalid(f"str.contains: {text!r} is not a regular expression: {error}") from error
    return lambda value: found.search(value) is not None


def _parts(text: str) -> list[str]:
    parts, at = [], 0
    while at < len(text):
        sign, follows = text[at], text[at + 1 : at + 2]
        if sign == "\\":
            if not follows or (follows.isalnum() and follows not in _CLASSES):
                raise _refused(text, sign + follows)
            parts.append(sign + follows)
            at += 2
            continue
        if sign in "*+?{}()" or (sign == "[" and follows == "[") or (sign in "&-~" and follows == sign):
            raise _refused(text, sign)
        parts.append(r"\Z" if sign == "$" else sign)
        at += 1
    return parts


def _refused(text: str, sign: str) -> Exception:
    return invalid(
        f"str.contains: {sign!r} in the regular expression {text!r} is not served; use text, ., [...], |, ^ and $, "
        "or contains(..., literal=True)"
    )
