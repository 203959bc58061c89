"""Every route, called as everybody, against a running server.

What one may not do is refused and leaves no trace in the database or the files; what one may not see answers, word
for word, like what never was.
"""

from typing import Any

import pytest
from calls import ROUTES, Case, inference
from oracle import ALLOWED, EVERYBODY, MEMBERS, NOT_SIGNED_IN
from requests import Response
from world import UNKNOWN, Things, World

from modelyard.bootstrap import build_application
from modelyard.settings import Settings
from modelyard.web.routing import access_table

_INFERENCE = ("POST", "/v1/api/pipelines/infer/{namespace}/{pipeline}")
_CASES = ROUTES | {_INFERENCE: [Case("pipeline.infer", "thing", inference)]}
_QUESTIONS = [
    pytest.param(route, case, id=f"{route[0]} {route[1]} {number}")
    for route, cases in _CASES.items()
    for number, case in enumerate(cases)
]


def _routes() -> list[tuple[str, str, str]]:
    return access_table(build_application(Settings(), "worker").router.routes)


def test_every_route_has_its_questions_and_needs_what_they_say() -> None:
    asked = [(method, path, cases[0].needs) for (method, path), cases in ROUTES.items()]
    assert _routes() == sorted(asked)


@pytest.mark.parametrize(("route", "case"), _QUESTIONS)
def test_only_those_get_through_who_may(world: World, route: tuple[str, str], case: Case) -> None:
    refused = EVERYBODY - ALLOWED[case.needs]
    target = world.spare(case.spare) if case.spare else world.ours
    before = world.state()
    for role in sorted(refused):
        _refuses(world, role, route, case, target)
    assert world.state() == before, f"{route} changed something though it refused"
    for role in sorted(EVERYBODY - refused):
        target = world.spare(case.spare) if case.spare else world.ours
        answer = _call(world, role, route, case, target)
        assert answer.status_code == case.success, f"{role}: {answer.text}"
        _leaks_nothing(world, role, answer, case)


def _call(world: World, role: str, route: tuple[str, str], case: Case, things: Things) -> Response:
    method, path = route
    parts: dict[str, Any] = dict(case.parts(things, world))
    address = path.replace(":path}", "}").format(**parts.pop("path", {}))
    return world.call(role, method, address, **parts)


def _refuses(world: World, role: str, route: tuple[str, str], case: Case, target: Things) -> None:
    answer = _call(world, role, route, case, target)
    if role in NOT_SIGNED_IN:
        assert answer.status_code == 401, f"{role}: {answer.text}"
        assert answer.headers["www-authenticate"].startswith("Bearer")
    elif case.about == "list":
        assert answer.status_code == 200, f"{role}: {answer.text}"
    elif case.about == "platform" or role in MEMBERS:
        assert answer.status_code == 403, f"{role}: {answer.text}"
        return
    else:
        _looks_unknown(answer, _call(world, role, route, case, UNKNOWN), target)
    _leaks_nothing(world, role, answer, case)


def _looks_unknown(answer: Response, unknown: Response, target: Things) -> None:
    assert answer.status_code == unknown.status_code == 404, answer.text
    assert target.hidden_in(answer.text) == UNKNOWN.hidden_in(unknown.text)
    assert set(answer.headers) == set(unknown.headers)


def _leaks_nothing(world: World, role: str, answer: Response, case: Case) -> None:
    """No name of a workspace that the caller may not see, unless the caller said it."""
    if role not in ALLOWED["workspace.read"] and case.about == "list":
        assert world.ours.canary not in answer.text
    if role not in {"other owner", "admin"}:
        assert world.theirs.canary not in answer.text
