"""Revisions as GitOps: what changed, by whom; going back to one, and undoing one."""

import html
from typing import Any

import numpy as np
import pytest
from flow_stand import add_model, add_pipeline, model, pipeline, space_url, step
from seldon_stand import collection, create, expected, infer, manifest, namespace, predictor, unit, until, upload
from small_models import FEATURES, affine

from running import RunningServer
from wire import Caller, administrator

ROWS = np.random.default_rng(3).normal(size=(3, FEATURES)).astype(np.float32).tolist()


@pytest.fixture(scope="module")
def caller(live_server: RunningServer) -> Caller:
    return administrator(live_server)


@pytest.fixture(scope="module")
def place(caller: Caller) -> tuple[str, int]:
    space, workspace = namespace(caller)
    upload(caller, workspace, "one")
    upload(caller, workspace, "two", "ccfraud_v2.onnx")
    return space, workspace


def put(caller: Caller, space: str, document: dict[str, Any], **query: Any) -> None:
    answer = caller.call("PUT", f"{collection(space)}/{document['metadata']['name']}", json=document, params=query)
    assert answer.status_code == 200, answer.text


def get(caller: Caller, path: str, status: int = 200, **query: Any) -> Any:
    answer = caller.call("GET", path, params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


def post(caller: Caller, path: str, status: int = 200, **query: Any) -> Any:
    answer = caller.call("POST", path, json={}, params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


def of_three(caller: Caller, space: str, name: str) -> list[str]:
    """Hashes of a deployment's revisions, oldest first: of a model, of another one, and with a label."""
    create(caller, space, manifest(name, predictor("main", unit("classifier", "one"))))
    document = manifest(name, predictor("main", unit("classifier", "two")))
    put(caller, space, document, action="update", message="the <better> one")
    document["metadata"]["labels"] = {"team": "fraud"}
    put(caller, space, document)
    return [log["Hash"] for log in get(caller, f"{collection(space)}/{name}/gitlogs")][::-1]


def answers_like(caller: Caller, space: str, name: str, file: str) -> bool:
    until(caller, space, name)
    got = [row["out"]["dense_1"] for row in infer(caller, space, name, ROWS)]
    return bool(np.allclose(got, expected(file, ROWS)[0], atol=1e-6))


def test_revisions_are_listed_newest_first_with_their_author(caller: Caller, place: tuple[str, int]) -> None:
    hashes = of_three(caller, place[0], "logged")
    assert len(set(hashes)) == 3
    assert all(len(each) == 40 and int(each, 16) >= 0 for each in hashes)
    logs = get(caller, f"{collection(place[0])}/logged/gitlogs")
    assert [log["AuthorName"] == log["CommitterName"] != "" for log in logs] == [True] * 3
    assert [log["Message"] for log in logs] == ["", "the <better> one", ""]


def test_a_revision_is_shown_as_what_it_changed(caller: Caller, place: tuple[str, int]) -> None:
    first, second, third = of_three(caller, place[0], "shown")
    path = f"{collection(place[0])}/shown/gitdiff"
    diff = get(caller, path, hash=second)
    lines = html.unescape(diff["Diff"]).splitlines()
    assert [line.strip("+- ") for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")] == [
        "modelUri: one",
        "modelUri: two",
    ]
    assert (diff["ChangeType"], diff["PrevCommitHash"], diff["GitHubUrl"]) == ("Modify", first, "")
    assert diff["FileName"] == f"{place[0]}/seldondeployments/shown.yaml"
    assert get(caller, path, hash=first)["ChangeType"] == "Insert"
    assert get(caller, path)["CommitHash"] == third
    assert get(caller, path, 404, hash="0" * 40)["code"] == 404
    both = get(caller, f"{space_url(place[0])}/gitdiffs", hashes=f"{third},{first}")
    assert [each["CommitHash"] for each in both] == [third, first]
    assert get(caller, f"{space_url(place[0])}/gitdiffs", 404, hashes=f"{third},beef")["code"] == 404
    assert get(caller, f"{space_url(place[0])}/gitdiffs", 400)["code"] == 400


def test_a_diff_is_safe_to_show_on_a_page(caller: Caller, place: tuple[str, int]) -> None:
    document = manifest("scripted", predictor("main", unit("classifier", "one")))
    document["metadata"]["annotations"] = {"note": "<script>alert(1)</script>"}
    create(caller, place[0], document)
    assert "<" not in get(caller, f"{collection(place[0])}/scripted/gitdiff")["Diff"]


def test_a_revision_is_served_again_in_the_version_it_was_served_in(caller: Caller, place: tuple[str, int]) -> None:
    space, workspace = place
    upload(caller, workspace, "growing")
    create(caller, space, manifest("back", predictor("main", unit("classifier", "growing"))))
    upload(caller, workspace, "growing", "ccfraud_v2.onnx")
    document = manifest("back", predictor("main", unit("classifier", "growing")))
    document["metadata"]["labels"] = {"grown": "yes"}
    put(caller, space, document)
    assert answers_like(caller, space, "back", "ccfraud_v2.onnx")
    path = f"{collection(space)}/back"
    first = get(caller, f"{path}/gitlogs")[-1]["Hash"]
    assert post(caller, f"{path}/gitrestore", hash=first)["code"] == 200
    assert answers_like(caller, space, "back", "ccfraud.onnx")
    assert "labels" not in get(caller, path)["metadata"]
    assert len(get(caller, f"{path}/gitlogs")) == 3


def test_one_revision_is_undone_and_later_ones_stay(caller: Caller, place: tuple[str, int]) -> None:
    space = place[0]
    first, second, _ = of_three(caller, space, "undone")
    path = f"{collection(space)}/undone"
    assert post(caller, f"{path}/gitrevert", hash=second)["message"] == f"reverted {second[:12]} of undone"
    found = get(caller, path)
    assert found["spec"]["predictors"][0]["graph"]["modelUri"] == "one"
    assert found["metadata"]["labels"] == {"team": "fraud"}
    assert answers_like(caller, space, "undone", "ccfraud.onnx")
    assert "is the first revision of 'undone'" in post(caller, f"{path}/gitrevert", 400, hash=first)["message"]
    says = post(caller, f"{path}/gitrevert", 409, hash=second)["message"]
    assert says == "there is nothing left of this revision to revert"


def test_what_was_changed_again_is_not_undone(caller: Caller, place: tuple[str, int]) -> None:
    space, workspace = place
    _, second, _ = of_three(caller, space, "again")
    upload(caller, workspace, "three")
    put(caller, space, manifest("again", predictor("main", unit("classifier", "three"))))
    path = f"{collection(space)}/again"
    says = post(caller, f"{path}/gitrevert", 409, hash=second)["message"]
    assert says.startswith("spec.predictors[0].graph.modelUri was changed again since")
    assert get(caller, path)["metadata"]["generation"] == 4


def test_what_served_a_model_that_is_gone_is_not_restored(caller: Caller, place: tuple[str, int]) -> None:
    space, workspace = place
    upload(caller, workspace, "fleeting")
    create(caller, space, manifest("gone", predictor("main", unit("classifier", "fleeting"))))
    put(caller, space, manifest("gone", predictor("main", unit("classifier", "one"))))
    until(caller, space, "gone")
    caller.post("/v1/api/models/delete_model", {"model_id": "fleeting", "workspace_id": workspace})
    path = f"{collection(space)}/gone"
    newest, first = (log["Hash"] for log in get(caller, f"{path}/gitlogs"))
    for way, digest in (("gitrestore", first), ("gitrevert", newest)):
        says = post(caller, f"{path}/{way}", 424, hash=digest)["message"]
        assert "of model 'fleeting' was served then, but is gone; nothing was changed" in says
    assert get(caller, path)["metadata"]["generation"] == 2
    assert post(caller, f"{path}/gitrestore", 404, hash="f" * 40)["code"] == 404
    assert "hash is missing" in post(caller, f"{path}/gitrestore", 400)["message"]


def test_models_pipelines_and_experiments_have_revisions_of_their_own(caller: Caller, place: tuple[str, int]) -> None:
    space, workspace = place
    upload(caller, workspace, "small", affine(2.0, 0.0, 2))
    upload(caller, workspace, "other", affine(3.0, 0.0, 2))
    add_model(caller, space, "m", "small")
    add_pipeline(caller, space, pipeline("p", [step("m")], "m"))
    body = {"name": "trial", "spec": {"candidates": [{"name": "p", "weight": 1}]}}
    caller.post(f"{space_url(space)}/pipelines/p/experiment", body)
    caller.call("PUT", f"{space_url(space)}/models/m", json=model("m", "other"))
    caller.call("DELETE", f"{space_url(space)}/pipelines/p/experiment", json={})

    assert len(get(caller, f"{space_url(space)}/models/m/gitlogs")) == 2
    assert len(get(caller, f"{space_url(space)}/pipelines/p/gitlogs")) == 1, "its own document never changed"
    ended, begun = get(caller, f"{space_url(space)}/experiments/trial/gitlogs")
    diff = get(caller, f"{space_url(space)}/experiments/trial/gitdiff", hash=ended["Hash"])
    assert (diff["ChangeType"], diff["PrevCommitHash"], diff["To"]) == ("Delete", begun["Hash"], "")
    assert get(caller, f"{space_url(space)}/experiments/nobody/gitlogs", 404)["code"] == 404
    assert get(caller, f"{space_url(space)}/models/p/gitlogs", 404)["code"] == 404


def test_no_repository_is_claimed(caller: Caller, place: tuple[str, int]) -> None:
    assert get(caller, f"{space_url(place[0])}/gitops-status")["status"] == "disabled"
