"""HealthcheckService: whether what the server stands on can be reached, under the names that Seldon's parts have."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from modelyard.core.access.check import require_platform
from modelyard.core.access.permissions import Permission
from modelyard.core.kernel.errors import DomainError, ErrorKind, invalid
from modelyard.core.serving.workers import live_workers
from modelyard.dialects.seldon.dialect import BASE, json, seldon, timestamp
from modelyard.web.call import Call
from modelyard.web.services import Services

_ALL = "ALL"
_UNUSED = [
    *("PROMETHEUS", "ELASTICSEARCH", "ALERTMANAGER", "KAFKA", "GITEA"),
    *("ARGOCD", "ARGOWF", "KNATIVE", "METRONOME", "FLUENTD"),
]


def _database(services: Services) -> None:
    services.store.generations()


def _issuer(services: Services) -> None:
    if not services.issuer.keys.all:
        raise DomainError(ErrorKind.UNAVAILABLE, "there is no key to sign tokens with")


def _artifacts(services: Services) -> None:
    with services.artifacts.upload(0):
        pass  # a file could be begun


def _engine(services: Services) -> None:
    if not services.store.run_read(live_workers):
        raise DomainError(ErrorKind.UNAVAILABLE, "no process that serves models has reported lately")


_USED: dict[str, tuple[str, Callable[[Services], None]]] = {
    "POSTGRES": ("the database", _database),
    "KEYCLOAK": ("the token service", _issuer),
    "MINIO": ("the store of artifacts", _artifacts),
    "SELDONCORE_V1": ("the graph engine", _engine),
    "SELDONCORE_V2": ("the graph engine", _engine),
}
"""By Seldon's name, what stands in its place here and how it is tried: on a thread, raising when it is not there."""


@seldon.get(f"{BASE}/healthcheck/{{dependency}}", Permission.SIGNED_IN)
async def get_dependency_health(call: Call) -> Response:
    """One dependency, or with ``ALL`` all of them; those that are not used are ``DISABLED``."""
    require_platform(call.actor, Permission.SIGNED_IN)
    asked = call.request.path_params["dependency"].upper()
    known = [*_USED, *_UNUSED]
    if asked != _ALL and asked not in known:
        raise invalid(f"dependency {asked[:40]!r} is unknown; use one of {', '.join([_ALL, *known])}")
    names = known if asked == _ALL else [asked]
    health = await asyncio.to_thread(lambda: [_health(call.services, name) for name in names])
    return json({"dependenciesHealth": health})


def _health(services: Services, name: str) -> dict[str, Any]:
    now = timestamp(datetime.now(UTC))
    if name not in _USED:
        return _told(name, "DISABLED", "not used by this server", now)
    what, probe = _USED[name]
    try:
        probe(services)
    except (DomainError, OSError) as error:
        reason = error.message if isinstance(error, DomainError) else "it cannot be read"
        return _told(name, "ENABLED_AND_UNREACHABLE", f"{what}: {reason}", now)
    return _told(name, "ENABLED_AND_REACHABLE", what, now) | {"lastActiveFetchedAt": now}


def _told(name: str, status: str, description: str, now: str) -> dict[str, Any]:
    return {"dependency": name, "status": status, "description": description, "fetchedAt": now}
