"""Every route, called as everybody, against a running server.

What one may not do is refused and leaves no trace in the database or the files; what one may not see answers, word
for word, like what never was.
"""

from typing import Any

import archive_calls
import calls
import catalogue_calls
import core2_calls
import mlflow_calls
import openai_calls
import pytest
import registry_calls
import seldon_calls
import seldon_data_calls
import seldon_identity_calls
import seldon_watch_calls
from cases import Case
from oracle import EVERYBODY, NOT_SIGNED_IN, allowed, in_scope, sees
from requests import Response
from things import UNKNOWN, Things
from world import World

from modelyard.bootstrap import build_application
from modelyard.settings import Settings
from modelyard.web.routing import access_table

_TABLES: tuple[Any, ...] = (
    archive_calls,
    calls,
    catalogue_calls,
    core2_calls,
    mlflow_calls,
    openai_calls,
    registry_calls,
    seldon_calls,
    seldon_data_calls,
    seldon_identity_calls,
    seldon_watch_calls,
)
ROUTES = {route: cases for table in _TABLES for route, cases in table.ROUTES.items()}
_INFERENCE = {route: cases for table in _TABLES for route, cases in getattr(table, "INFERENCE", {}).items()}
_WITH_BASIC = mlflow_calls.ROUTES | mlflow_calls.INFERENCE
_CASES = ROUTES | _INFERENCE
_QUESTIONS = [
    pytest.param(route, case, id=f"{route[0]} {route[1]} {number}")
    for route, cases in _CASES.items()
    for number, case in enumerate(cases)
]
_FLOOR = 200


def _routes() -> list[tuple[str, str, str]]:
    return access_table(build_application(Settings(), "worker").router.routes)


def test_every_route_has_its_questions_and_needs_what_they_say() -> None:
    asked = [(method, path, cases[0].needs) for (method, path), cases in ROUTES.items()]
    assert _routes() == sorted(asked)
    assert len(asked) >= _FLOOR
    assert all(case.needs == cases[0].needs for cases in ROUTES.values() for case in cases)


@pytest.mark.parametrize(("route", "case"), _QUESTIONS)
def test_only_those_get_through_who_may(world: World, route: tuple[str, str], case: Case) -> None:
    passing = allowed(case.asks, case.places) - _strangers_to(route) | case.nothing_to
    target = world.spare(case.spare) if case.spare else world.ours
    before = world.state()
    for role in sorted(EVERYBODY - passing if case.needs != "public" else ()):
        _refuses(world, role, route, case, target)
    after = world.state()
    assert after == before, f"{route} changed something though it refused; recorded: {_new(before, after)}"
    for role in sorted(passing):
        target = world.spare(case.spare) if case.spare else world.ours
        answer = _call(world, role, route, case, target)
        assert answer.status_code == case.success, f"{role}: {answer.text}"
        _leaks_nothing(world, role, answer, case)


def _new(before: dict[str, Any], after: dict[str, Any]) -> list[Any]:
    return [row for row in after["done"] if row not in before["done"]]


def _strangers_to(route: tuple[str, str]) -> frozenset[str]:
    """Only MLflow's routes know users by HTTP Basic; the token service's know clients by it."""
    public = _CASES[route][0].needs == "public" and not route[1].startswith("/auth/realms/")
    return frozenset() if route in _WITH_BASIC or public else frozenset({"basic"})


def _call(world: World, role: str, route: tuple[str, str], case: Case, things: Things) -> Response:
    method, path = route
    parts: dict[str, Any] = dict(case.parts(things, world))
    path = path.replace(":path}", "}").format(**parts.pop("path", {}))
    headers = {"X-Request-Id": "asked", **parts.pop("headers", {})}  # some dialects say it back in the body
    answer: Response = world.call(role, method, path, headers=headers, **parts)
    return answer


def _refuses(world: World, role: str, route: tuple[str, str], case: Case, target: Things) -> None:
    answer = _call(world, role, route, case, target)
    if role in NOT_SIGNED_IN | _strangers_to(route):
        assert answer.status_code == 401, f"{role}: {answer.text}"
        scheme = "Basic" if route in _WITH_BASIC else "Bearer"
        assert answer.headers["www-authenticate"].startswith(scheme)
    elif not (in_scope(role, case.asks) and in_scope(role, case.needs)):
        assert answer.status_code == 403, f"{role}: {answer.text}"
        unknown = _call(world, role, route, case, UNKNOWN)
        assert unknown.status_code == 403, f"{role} learns from {unknown.text}"
    elif case.about == "list":
        assert answer.status_code == 200, f"{role}: {answer.text}"
    elif case.about == "platform" or sees(role, case.places):
        assert answer.status_code == 403, f"{role}: {answer.text}"
        return
    else:
        partly = any(sees(role, (place,)) for place in case.places)
        _looks_unknown(answer, _call(world, role, route, case, UNKNOWN), target, same=not partly)
    _leaks_nothing(world, role, answer, case)


def _looks_unknown(answer: Response, unknown: Response, target: Things, *, same: bool) -> None:
    """``same`` but for those who see a part of what it is about."""
    assert answer.status_code == unknown.status_code == 404, answer.text
    assert set(answer.headers) == set(unknown.headers)
    if same:
        known, never = (UNKNOWN.hidden_in(target.hidden_in(given.text)) for given in (answer, unknown))
        assert known == never


def _leaks_nothing(world: World, role: str, answer: Response, case: Case) -> None:
    """No name of a thing that the caller may not see, unless the caller said it."""
    if case.about == "list" or role in case.nothing_to:
        for places, name in _NAMES:
            if not any(sees(role, (place,)) for place in places):
                assert name(world.ours) not in answer.text, f"{role} sees {places}"
    if role not in {"other owner", "admin", "tracking manager"}:
        assert world.theirs.canary not in answer.text


# Who sees a thing sees the name of its workspace.
_NAMES = [
    (("workspace", "thing"), lambda things: things.workspace_name),
    (("thing",), lambda things: things.model_name),
    (("thing",), lambda things: things.pipeline_name),
    (("tracked",), lambda things: things.tracked_name),
    (("project",), lambda things: things.project),
]
