"""What keys, values and names of tracked things may be."""

import posixpath
import re

from modelyard.core.kernel.errors import invalid

KEY_MAX = 250
PARAM_MAX, RUN_TAG_MAX, EXPERIMENT_TAG_MAX, MODEL_TAG_MAX = 6000, 8000, 20_000, 100_000
INPUT_TAG_KEY_MAX, INPUT_TAG_MAX = 255, 500
NAME_MAX = 500
BATCH_MAX = {"metrics": 1000, "params": 100, "tags": 100}
BATCH_TOTAL_MAX = 1000

_KEY = re.compile(r"[\w.\- :/]+")


def check_key(what: str, key: str | None) -> str:
    """The key of a metric, param or tag: a text that could be a relative path, at most 250 characters."""
    if not key:
        raise invalid(f"Missing value for required parameter '{what}.key': give the {what} a name")
    if not _KEY.fullmatch(key) or _odd_path(key):
        raise invalid(
            f"Invalid value \"{shortened(key)}\" for parameter '{what}.key' supplied: Names may only contain letters, "
            "digits, underscores (_), dashes (-), periods (.), spaces ( ), colons(:) and slashes (/), and must not "
            "look like a path that leads elsewhere"
        )
    return check_length(f"{what}.key", key, KEY_MAX)


def check_length(what: str, text: str, most: int) -> str:
    """The text when it has at most ``most`` characters."""
    if len(text) > most:
        raise invalid(f"'{what}' exceeds the maximum length of {most} characters: it has {len(text)}")
    return text


def check_integer(what: str, number: int, least: int = -(2**63)) -> int:
    """The number when it is at least ``least`` and has at most 64 bits."""
    if not least <= number < 2**63:
        bounds = "it must not be negative, nor beyond 64 bits" if least == 0 else "it is beyond 64 bits"
        raise invalid(f"Invalid value {shortened(str(number))} for parameter '{what}' supplied: {bounds}")
    return number


def check_name(what: str, name: str | None) -> str:
    """A name that people give: not empty, at most 500 characters."""
    if name is None or not name.strip():
        raise invalid(f"Invalid value {name!r} for parameter '{what}' supplied: it must be a string that is not empty")
    return check_length(what, name, NAME_MAX)


def shortened(text: str) -> str:
    """The text, as far as an error message may carry it."""
    return text if len(text) <= 80 else f"{text[:80]}…"


def _odd_path(key: str) -> bool:
    normal = posixpath.normpath(key)
    return normal != key or normal == "." or normal.startswith(("..", "/"))
