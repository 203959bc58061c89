"""The id of a request: the client's own, or one of ours."""

import itertools
import re
from functools import lru_cache

from modelyard.core.kernel.ids import new_uuid

_GIVEN = re.compile(r"[!-~]{1,100}")
_numbers = itertools.count(1)


def request_id(given: bytes | None) -> str:
    """What the client sent as ``x-request-id``, when it is up to 100 visible characters; else a new UUID."""
    if given is not None and _GIVEN.fullmatch(text := given.decode("latin-1")):
        return text
    return f"{_prefix()}{next(_numbers):012x}"


@lru_cache(1)
def _prefix() -> str:
    """The random part, one for this process: unique is all that these ids must be, and randomness has its price."""
    return new_uuid()[:24]
