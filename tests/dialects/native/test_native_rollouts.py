"""Guards and rollouts by the native API: what is said, what is refused, and how."""

from typing import Any

import pytest

from dialects.wallaroo import deploying
from running import RunningServer
from wire import Caller, administrator

DEFAULTS = {
    "bake_seconds": 300,
    "load_seconds": 300,
    "min_requests": 20,
    "max_error_rate": 0.05,
    "max_p99_ms": None,
    "max_latency_ratio": None,
    "max_failed_checks": None,
}


@pytest.fixture(scope="module")
def caller(live_server: RunningServer) -> Caller:
    return administrator(live_server)


@pytest.fixture(scope="module")
def space(caller: Caller) -> int:
    made = deploying.workspace(caller)
    deploying.wait(caller, deployed(caller, made, "ccfraud.onnx"), "Running")
    return made


def deployed(caller: Caller, space: int, file: str) -> str:
    model = deploying.upload(caller, space, file)
    return deploying.deploy(caller, deploying.pipeline(caller, space, model))


def place(space: int | str, what: str, pipeline: str = "fraud") -> str:
    return f"/api/v1/deployments/{space}/{pipeline}/{what}"


def guard(caller: Caller, space: int | str) -> dict[str, Any]:
    shown: dict[str, Any] = caller.call("GET", place(space, "rollout-guard")).json()
    return shown


def test_a_guard_is_off_until_it_is_set_and_after_it_is_removed(caller: Caller, space: int) -> None:
    off = guard(caller, space)
    assert (off["enabled"], off["updated_at"], off["workspace_id"]) == (False, None, space)
    assert {name: off[name] for name in DEFAULTS} == DEFAULTS
    set_to = {"max_p99_ms": 12.5, "max_error_rate": None}
    made = caller.call("PUT", place(space, "rollout-guard"), json=set_to)
    assert made.status_code == 200
    assert {name: made.json()[name] for name in DEFAULTS} == DEFAULTS | set_to
    assert made.json()["updated_at"].endswith("+00:00")
    assert guard(caller, space) == made.json()
    caller.call("PUT", place(space, "rollout-guard"), json={"max_latency_ratio": 2})  # the rest has its defaults again
    assert {name: guard(caller, space)[name] for name in DEFAULTS} == DEFAULTS | {"max_latency_ratio": 2}
    for _ in range(2):
        assert caller.call("DELETE", place(space, "rollout-guard")).status_code == 204
    assert guard(caller, space) == off


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"max_error_rate": 2}, "max_error_rate must be from 0 to 1; it was 2"),
        ({"max_errors": 2}, "max_errors"),
        ({"bake_seconds": "long"}, "bake_seconds"),
        ({"bake_seconds": 10**9}, "bake_seconds must be from 1 to 604800"),
    ],
)
def test_terms_that_are_wrong_are_refused_by_their_name(
    caller: Caller, space: int, body: dict[str, Any], words: str
) -> None:
    answer = caller.call("PUT", place(space, "rollout-guard"), json=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


def test_rollouts_are_listed_newest_first_and_rolled_back_once(caller: Caller, space: int) -> None:
    assert caller.call("GET", place(space, "rollouts")).json() == {"items": []}
    assert caller.call("POST", place(space, "rollback")).status_code == 409
    deployed(caller, space, "ccfraud_v2.onnx")
    (made,) = caller.call("GET", place(space, "rollouts")).json()["items"]
    assert (made["from_revision"], made["to_revision"], made["state"]) == (1, 2, "KEPT")
    assert made["reason"] == "no guard watched over it"
    back = caller.call("POST", place(space, "rollback"))
    assert back.status_code == 200
    assert (back.json()["state"], back.json()["back_revision"]) == ("ROLLED_BACK", 3)
    assert caller.call("GET", place(space, "rollouts")).json() == {"items": [back.json()]}
    refused = caller.call("POST", place(space, "rollback"))
    assert (refused.status_code, refused.json()["code"]) == (409, "failed_precondition")


def test_what_is_not_there_is_not_found(caller: Caller, space: int) -> None:
    for method, what in (
        ("GET", "rollout-guard"),
        ("DELETE", "rollout-guard"),
        ("GET", "rollouts"),
        ("POST", "rollback"),
    ):
        for where in (place(space, what, "nothing"), place("nowhere", what), place(999_999, what)):
            assert caller.call(method, where).status_code == 404
