"""MLflow's routes are called under several prefixes: all of them lead to the same gate, however the path is written."""

import pytest
from calls import ROUTES as OTHERS
from mlflow_calls import ROUTES
from oracle import NOT_SIGNED_IN
from tracked_things import API
from world import World

_PREFIXES = ("/api/3.0/", "/ajax-api/2.0/", "/ajax-api/3.0/")
_GATED = sorted(route for route, cases in ROUTES.items() if cases[0].needs != "public" and route[1].startswith("/api/"))
_GET = f"{API}/experiments/get"


@pytest.mark.parametrize("prefix", _PREFIXES)
def test_every_route_under_another_prefix_refuses_who_is_not_signed_in(world: World, prefix: str) -> None:
    before = world.state()
    for method, path in _GATED:
        for role in sorted(NOT_SIGNED_IN):
            other = path.replace("/api/2.0/", prefix)
            assert world.raw(role, method, other) == 401, f"{method} {other} as {role}"
    assert world.state() == before


@pytest.mark.parametrize("prefix", _PREFIXES)
@pytest.mark.parametrize(("method", "path"), [route for route in _GATED if route[0] == "GET" and "{" not in route[1]])
def test_a_route_under_another_prefix_answers_each_as_under_its_own(
    world: World, prefix: str, method: str, path: str
) -> None:
    case = ROUTES[method, path][0]
    for role in ("owner", "denied", "stranger", "granted reader", "read token", "inference token", "basic"):
        parts = case.parts(world.ours, world)
        own = world.call(role, method, path, **parts)
        other = world.call(role, method, path.replace("/api/2.0/", prefix), **parts)
        assert (own.status_code, own.text) == (other.status_code, other.text), role


@pytest.mark.parametrize(
    "path",
    [
        "/api/2.0/mlflow%2Fexperiments%2Fget",
        "/%61pi/2.0/mlflow/experiments/get",
        "/ajax-api/2.0/mlflow/experiments/%67et",
        "/api%2F3.0/mlflow/experiments/get",
        "/api/2.0//mlflow/experiments/get",
        "//api/2.0/mlflow/experiments/get",
        "/api/2.0/mlflow/experiments/get/",
        "/api/2.0/mlflow/experiments/../experiments/get",
        "/api/2.0/mlflow/experiments/%2e%2e/experiments/get",
        "/api/2.0/mlflow/experiments/get;x=1",
        "/api/2.0/mlflow/experiments/get%00",
        "/API/2.0/mlflow/experiments/get",
        "/ajax-api/2.0/ajax-api/2.0/mlflow/experiments/get",
        "/ajax-api/2.0/../api/2.0/mlflow/experiments/get",
        "/api/4.0/mlflow/experiments/get",
        "/api/2.0/mlflow/experiments/get%3Fx",
        "/livez/../api/2.0/mlflow/experiments/get",
        "/livez%2F..%2Fapi/2.0/mlflow/experiments/get",
        "/health/%2e%2e/api/2.0/mlflow/experiments/get",
    ],
)
def test_an_oddly_written_path_is_gated_or_leads_nowhere(world: World, path: str) -> None:
    asked = f"{path}?experiment_id={world.ours.experiment_id}"
    assert world.raw("nobody", "GET", asked) in (401, 404)
    assert world.raw("stranger", "GET", asked) in (401, 404)
    assert world.raw("owner", "GET", asked) in (200, 404)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "POST", "PUT", "PATCH", "DELETE", "get", "X"])
def test_another_method_opens_nothing(world: World, method: str) -> None:
    path = f"{_GET}?experiment_id={world.ours.experiment_id}"
    for role in ("nobody", "stranger"):
        assert world.raw(role, method, path) in (400, 401, 404, 405)


def test_a_prefix_of_mlflow_leads_to_no_route_of_others(world: World) -> None:
    for method, path in OTHERS:
        for prefix in _PREFIXES:
            other = prefix.rstrip("/") + path.partition("{")[0]
            assert world.raw("admin", method, other) in (404, 405), f"{method} {other}"
