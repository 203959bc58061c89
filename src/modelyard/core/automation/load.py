"""What a load test is told to do."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from modelyard.core.kernel.errors import invalid

BODY_BYTES = 1024 * 1024
_CONNECTIONS, _REQUESTS, _SECONDS = 64, 1_000_000, 600
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)?")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class LoadDefinition:
    """Send ``body``, a JSON text, over so many connections, until there were so many requests or seconds."""

    body: str
    connections: int
    requests: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """As JSON types; ``from_json`` reads it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "LoadDefinition":
        """The definition that ``to_json`` wrote."""
        return cls(**raw)


def load_definition(body: str, connections: str, requests: str, duration: str) -> LoadDefinition:
    """From the texts of a form, of which all but the body may be empty; ``INVALID`` names the one that is wrong.

    Without ``requests`` and ``duration`` 100 requests are sent; with one of them the other's bound holds.
    """
    if not requests and not duration:
        requests = "100"
    return LoadDefinition(
        body,
        _whole("connectionsNumber", connections or "1", _CONNECTIONS),
        _whole("requestsNumber", requests or str(_REQUESTS), _REQUESTS),
        _duration(duration or str(_SECONDS)),
    )


def _whole(name: str, text: str, most: int) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not 1 <= number <= most:
        raise invalid(f"{name} must be a whole number from 1 to {most}, not {text[:40]!r}")
    return number


def _duration(text: str) -> float:
    found = _DURATION.fullmatch(text.strip()) if len(text) < 20 else None
    seconds = float(found[1]) * _UNITS[found[2] or "s"] if found else 0.0
    if not 0 < seconds <= _SECONDS:
        raise invalid(f"duration must be a time up to {_SECONDS}s like 30s or 2m, not {text[:40]!r}")
    return seconds
