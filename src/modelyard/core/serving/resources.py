"""What a deployment asks of the machine, as Wallaroo's clients write it (``engine_config``)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.kernel.errors import DomainError, invalid

MOST_REPLICAS = 64
_LOAD_SECONDS = 120.0
_LONGEST_LOAD_SECONDS = 3600.0
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
_UNITS = {"m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_MOST_MEMORY = 2**50
_LEAST_MEMORY = 2**24
_MOST_CPU = 1024.0


@dataclass(frozen=True, slots=True)
class Autoscale:
    """Bounds between which the number of replicas follows the load.

    ``by`` is ``cpu`` or ``queue``; ``cpu_percent``, ``queue_up`` and ``queue_down`` are when to change it, and
    ``window_seconds`` how long that must hold.
    """

    by: str
    least: int
    most: int
    cpu_percent: float = 75.0
    queue_up: float = 5.0
    queue_down: float = 1.0
    window_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class Resources:
    """What each process of one model may have; None where nothing was said."""

    replicas: int = 1
    cpu: float | None = None
    memory_bytes: int | None = None
    load_seconds: float = _LOAD_SECONDS
    autoscale: Autoscale | None = None

    @property
    def most(self) -> int:
        """So many processes there may be at once."""
        return self.autoscale.most if self.autoscale else max(self.replicas, 1)

    @classmethod
    def of(cls, engine_config: Mapping[str, Any], name: str, version_id: int) -> Self:
        """Those of the model of this name and version; ``INVALID`` names the field that is wrong.

        ``engineAux.images`` may say something else for the model than ``engine`` for all.
        """
        engine = _table(engine_config, "engine", "engine_config")
        images = _table(_table(engine_config, "engineAux", "engine_config"), "images", "engineAux")
        key = f"{name}-{version_id}"
        aux = f"engineAux.images.{key}"
        own = _limits(_table(images, key, "engineAux.images"), aux)
        general = _limits(engine, "engine")
        autoscale = _autoscale(_table(engine, "autoscale", "engine"))
        python = _table(engine, "python", "engine")
        millis = _number(python, "load_timeout_millis", "engine.python", 1, _LONGEST_LOAD_SECONDS * 1000)
        cpu = own[0] or general[0] or _number(engine, "cpu", "engine", 0, _MOST_CPU) or None
        return cls(
            replicas=_whole(engine, "replicas", "engine", 0, MOST_REPLICAS, autoscale.least if autoscale else 1),
            cpu=cpu,
            memory_bytes=own[1] or general[1],
            load_seconds=_LOAD_SECONDS if millis is None else millis / 1000,
            autoscale=autoscale,
        )


def check_resources(engine_config: Mapping[str, Any], models: Sequence[ModelVersion]) -> None:
    """``INVALID`` when something of it cannot be had."""
    for model in models:
        Resources.of(engine_config, model.name, model.id)


def _autoscale(given: Mapping[str, Any]) -> Autoscale | None:
    if not given or given.get("type") in (None, "none"):
        return None
    place = "engine.autoscale"
    if given["type"] not in ("cpu", "queue"):
        raise _wrong(f"{place}.type", given["type"], "cpu or queue")
    least = _whole(given, "replica_min", place, 0, MOST_REPLICAS, 1)  # to sleep is for those who say so
    most = _whole(given, "replica_max", place, max(least, 1), MOST_REPLICAS, max(least, 1))
    plain = Autoscale(given["type"], least, most)
    return Autoscale(
        given["type"],
        least,
        most,
        _or(_number(given, "cpu_utilization", place, 1, 100), plain.cpu_percent),
        _or(_number(given, "scale_up_queue_depth", place, 0, 1e9), plain.queue_up),
        _or(_number(given, "scale_down_queue_depth", place, 0, 1e9), plain.queue_down),
        _or(_number(given, "autoscaling_window", place, 1, 86_400), plain.window_seconds),
    )


def _limits(given: Mapping[str, Any], place: str) -> tuple[float | None, int | None]:
    """(processors, bytes)."""
    limits = _table(_table(given, "resources", place), "limits", f"{place}.resources")
    place = f"{place}.resources.limits"
    cpu = _quantity(limits, "cpu", place, 0.001, _MOST_CPU)
    memory = _quantity(limits, "memory", place, _LEAST_MEMORY, _MOST_MEMORY)
    return cpu, None if memory is None else int(memory)


def _table(given: Mapping[str, Any], key: str, place: str) -> Mapping[str, Any]:
    value = given.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _wrong(f"{place}.{key}", value, "an object")
    return value


def _quantity(given: Mapping[str, Any], key: str, place: str, least: float, most: float) -> float | None:
    value = given.get(key)
    if isinstance(value, str):
        match = _QUANTITY.fullmatch(value.strip())
        if match is None:
            raise _wrong(f"{place}.{key}", value, "a number, or one with a unit as 500m or 2Gi")
        given = {key: float(match[1]) * _UNITS.get(match[2], 1)}
    return _number(given, key, place, least, most)


def _number(given: Mapping[str, Any], key: str, place: str, least: float, most: float) -> float | None:
    value = given.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise _wrong(f"{place}.{key}", value, f"a number from {least:g} to {most:g}")
    return float(value)


def _whole(given: Mapping[str, Any], key: str, place: str, least: int, most: int, usual: int) -> int:  # as it says
    value = _number(given, key, place, least, most)
    if value is not None and value != int(value):
        raise _wrong(f"{place}.{key}", value, "a whole number")
    return usual if value is None else int(value)


def _or(value: float | None, usual: float) -> float:
    return usual if value is None else value


def _wrong(place: str, value: object, expected: str) -> DomainError:
    return invalid(f"engine_config: {place} is {str(value)[:80]!r}, expected {expected}", field=place)
