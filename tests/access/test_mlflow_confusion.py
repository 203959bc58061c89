"""One's own run, model or upload named together with somebody else's in MLflow's API: what is foreign stays foreign."""

from collections.abc import Callable
from typing import Any

import pytest
from things import UNKNOWN, Things
from tracked_things import API, ARTIFACTS
from world import World

Mixed = Callable[[Things, Things], dict[str, Any]]

_METRIC = {"key": "loss", "value": 1, "timestamp": 1}


def _version(own: Things, **more: Any) -> dict[str, Any]:
    return {"name": own.tracked_name, "source": f"runs:/{own.run_id}/notes.txt", **more}


def _upload(path: str) -> dict[str, Any]:
    return {"path": path, "num_parts": 1}


_REQUESTS: dict[str, tuple[str, Mixed]] = {
    "a version from a foreign run": (
        "model-versions/create",
        lambda o, f: _version(o, source=f"runs:/{f.run_id}/notes.txt"),
    ),
    "a version that names a foreign run": ("model-versions/create", lambda o, f: _version(o, run_id=f.run_id)),
    "a version of a foreign logged model": ("model-versions/create", lambda o, f: _version(o, model_id=f.logged_id)),
    "a version from a foreign version": (
        "model-versions/create",
        lambda o, f: _version(o, source=f"models:/{f.tracked_name}/1"),
    ),
    "a version from a foreign logged model": (
        "model-versions/create",
        lambda o, f: _version(o, source=f"models:/{f.logged_id}"),
    ),
    "a version from foreign artifacts": (
        "model-versions/create",
        lambda o, f: _version(o, source=f"mlflow-artifacts:/{f.artifact}"),
    ),
    "a metric for a foreign model": (
        "runs/log-metric",
        lambda o, f: {"run_id": o.run_id, "model_id": f.logged_id, **_METRIC},
    ),
    "a batch for a foreign model": (
        "runs/log-batch",
        lambda o, f: {"run_id": o.run_id, "metrics": [{"model_id": f.logged_id, **_METRIC}]},
    ),
    "a foreign model as input": (
        "runs/log-inputs",
        lambda o, f: {"run_id": o.run_id, "models": [{"model_id": f.logged_id}]},
    ),
    "a foreign model as output": (
        "runs/outputs",
        lambda o, f: {"run_id": o.run_id, "models": [{"model_id": f.logged_id, "step": 0}]},
    ),
    "a logged model of a foreign run": (
        "logged-models",
        lambda o, f: {"experiment_id": o.experiment_id, "name": "x", "source_run_id": f.run_id},
    ),
    "two ids of a run": ("runs/update", lambda o, f: {"run_id": f.run_id, "run_uuid": o.run_id, "run_name": "x"}),
}


@pytest.mark.parametrize("name", _REQUESTS)
def test_an_own_id_opens_nothing_foreign(world: World, name: str) -> None:
    path, made = _REQUESTS[name]
    before = world.state()
    foreign = world.call("other owner", "POST", f"{API}/{path}", json=made(world.theirs, world.ours))
    unknown = world.call("other owner", "POST", f"{API}/{path}", json=made(world.theirs, UNKNOWN))
    assert foreign.status_code == unknown.status_code == 404, foreign.text
    assert world.ours.hidden_in(foreign.text) == UNKNOWN.hidden_in(unknown.text)
    assert world.state() == before


def test_of_several_runs_a_foreign_one_is_refused(world: World) -> None:
    query = {"run_ids": [world.theirs.run_id, world.ours.run_id], "metric_key": "loss"}
    answer = world.call("other owner", "GET", f"{API}/metrics/get-history-bulk-interval", params=query)
    assert answer.status_code == 404
    assert "metrics" not in answer.json()


def test_of_several_experiments_a_foreign_one_shows_nothing(world: World) -> None:
    ids = [world.theirs.experiment_id, world.ours.experiment_id]
    for path, found in (("runs/search", "runs"), ("logged-models/search", "models")):
        answer = world.call("other owner", "POST", f"{API}/{path}", json={"experiment_ids": ids})
        assert len(answer.json()[found]) >= 1
        assert world.ours.canary not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "{own}/../{foreign}/artifacts/notes.txt",
        "{own}/%2e%2e/{foreign}/artifacts/notes.txt",
        "{own}/%252e%252e/{foreign}/artifacts/notes.txt",
        "{own}%2f..%2f{foreign}/artifacts/notes.txt",
        "{own}\\..\\{foreign}/artifacts/notes.txt",
        "{own};/../{foreign}/artifacts/notes.txt",
        "/{foreign}/artifacts/notes.txt",
        "{own}/./../{foreign}/artifacts/notes.txt",
    ],
)
def test_no_path_leads_from_own_artifacts_to_foreign_ones(world: World, path: str) -> None:
    own = f"{world.theirs.experiment_id}/{world.theirs.run_id}"
    foreign = f"{world.ours.experiment_id}/{world.ours.run_id}"
    asked = f"{ARTIFACTS}/artifacts/{path.format(own=own, foreign=foreign)}"
    before = world.state()
    for method, content in (("GET", None), ("PUT", b"mine"), ("DELETE", None)):
        assert 400 <= world.raw("other owner", method, asked, content) < 500, method
    assert world.state() == before


def test_an_upload_in_parts_is_finished_only_by_who_began_it(world: World) -> None:
    folder = world.ours.artifact.rpartition("/")[0]
    begun = world.call("owner", "POST", f"{ARTIFACTS}/mpu/create/{folder}", json=_upload("large.bin")).json()
    before = world.state()
    asked = {"path": "large.bin", "upload_id": begun["upload_id"], "parts": []}
    for role in ("granted editor", "granted manager", "admin", "stranger"):
        for verb in ("complete", "abort"):
            answer = world.call(role, "POST", f"{ARTIFACTS}/mpu/{verb}/{folder}", json=asked)
            assert answer.status_code == 404, answer.text
    assert world.state() == before
    assert world.call("owner", "POST", f"{ARTIFACTS}/mpu/abort/{folder}", json=asked).status_code == 200


def test_a_signature_is_good_for_one_part_of_one_upload_only(world: World) -> None:
    folder = world.ours.artifact.rpartition("/")[0]
    made = [
        world.call("owner", "POST", f"{ARTIFACTS}/mpu/create/{folder}", json=_upload(f"{n}.bin")).json() for n in "ab"
    ]
    address = made[0]["credentials"][0]["url"].replace(world.server.url, "")
    path, _, query = address.partition("?")
    before = world.state()
    for other in (
        f"{ARTIFACTS}/parts/{made[1]['upload_id']}/1?{query}",
        f"{ARTIFACTS}/parts/{made[0]['upload_id']}/2?{query}",
        f"{path}?{query.replace('expires=', 'expires=9')}",
        f"{path}?{query[:-1]}",
        path,
    ):
        assert world.call("nobody", "PUT", other, data=b"x").status_code == 403, other
    assert world.state() == before
    assert world.call("nobody", "PUT", address, data=b"x").status_code == 200
