"""Every field of the GraphQL roots, asked as everybody."""

from typing import Any

import pytest
from documents import FIELDS, Field
from oracle import EVERYBODY, NOT_SIGNED_IN, allowed, in_scope, sees
from requests import Response
from things import UNKNOWN, Things
from world import World

from modelyard.dialects.wallaroo.graphql.mutations import MUTATIONS
from modelyard.dialects.wallaroo.graphql.queries import QUERIES

_NARROW = {"mlflow token"}  # reads only half of what the documents ask for
_OUTSIDE = NOT_SIGNED_IN | {"basic"}
_ASKED = EVERYBODY - _NARROW


def test_every_field_has_its_question_and_needs_what_it_says() -> None:
    assert {name: str(field.permission) for name, field in (QUERIES | MUTATIONS).items()} == {
        name: field.needs for name, field in FIELDS.items()
    }


@pytest.mark.parametrize("name", FIELDS)
def test_only_those_get_an_answer_who_may(world: World, name: str) -> None:
    field = FIELDS[name]
    passing = (allowed(field.needs, field.places) & allowed("platform.signed_in")) - _OUTSIDE - _NARROW
    target = world.spare(field.spare) if field.spare else world.ours
    before = world.state()
    for role in sorted(_ASKED - passing):
        _refuses(world, role, name, target)
    assert world.state() == before, f"{name} changed something though it refused"
    for role in sorted(passing):
        target = world.spare(field.spare) if field.spare else world.ours
        _answers(world, role, name, target)


def _ask(world: World, role: str, field: Field, things: Things) -> Response:
    body = {"query": field.document, "variables": field.variables(things, world)}
    answer: Response = world.call(role, "POST", "/v1/graphql", json=body)
    return answer


def _answers(world: World, role: str, name: str, target: Things) -> None:
    field = FIELDS[name]
    body: Any = _ask(world, role, field, target).json()
    if field.about == "nothing":
        assert body == {"data": {name: None}} or _code(body) == "not-found"
        return
    assert "errors" not in body, f"{role}: {body}"
    assert body["data"][name] is not None or field.about == "platform"
    if not sees(role, ("workspace",)):
        assert world.ours.workspace_name not in str(body)
    if role not in {"other owner", "admin", "tracking manager"}:
        assert world.theirs.canary not in str(body)


def _refuses(world: World, role: str, name: str, target: Things) -> None:
    field = FIELDS[name]
    answer = _ask(world, role, field, target)
    if role in _OUTSIDE:
        assert answer.status_code == 401, f"{role}: {answer.text}"
    elif not in_scope(role, "platform.signed_in"):
        assert answer.status_code == 403, f"{role}: {answer.text}"
    elif not in_scope(role, field.needs):
        assert _code(answer.json()) == "permission-denied", f"{role}: {answer.text}"
    elif field.about == "list":
        assert set(answer.json()) == {"data"}
        _names_nothing(answer, target, role)
    elif field.about == "platform" or sees(role, field.places):
        assert _code(answer.json()) == "permission-denied", f"{role}: {answer.text}"
    else:
        unknown = _ask(world, role, field, UNKNOWN)
        assert target.hidden_in(answer.text) == UNKNOWN.hidden_in(unknown.text)
        assert answer.json() == {"data": {name: None}} or _code(answer.json()) == "not-found", answer.text


def _names_nothing(answer: Response, target: Things, role: str) -> None:
    assert target.workspace_name not in answer.text or sees(role, ("workspace",))
    for name in (target.model_name, target.pipeline_name, f"{target.canary}-tag"):
        assert name not in answer.text, f"{role} sees {name}"


def _code(body: Any) -> str:
    return str(body["errors"][0]["extensions"]["code"]) if "errors" in body else "none"
