"""Artifacts: MLflow's own server and ours keep, list and give the same files."""

from typing import Any

import pytest
from twins import API, FILES, Twins


@pytest.fixture
def run(twins: Twins) -> dict[str, str]:
    """A new run and the folder of its files."""
    experiment = twins.post("experiments/create", name=twins.name("artifacts"))["experiment_id"]
    info = twins.post("runs/create", experiment_id=experiment, start_time=1)["run"]["info"]
    folder = info["artifact_uri"].removeprefix("mlflow-artifacts:/")
    return {"id": info["run_id"], "folder": folder, "experiment": experiment}


def _put(twins: Twins, run: dict[str, str], path: str, content: bytes = b"content") -> None:
    assert twins.same("PUT", f"{FILES}artifacts/{run['folder']}/{path}", data=content).status == 200


def _listed(twins: Twins, run: dict[str, str], path: str | None = None) -> Any:
    below = "" if path is None else f"/{path}"
    twins.same("GET", f"{FILES}artifacts", params={"path": f"{run['folder']}{below}"})
    asked = {"run_id": run["id"]} | ({} if path is None else {"path": path})
    return twins.get("artifacts/list", **asked)


def _read(twins: Twins, run: dict[str, str], path: str) -> list[bytes]:
    """What both servers give, by the path of artifacts and by the run."""
    by_path = [side.send("GET", f"{FILES}artifacts/{run['folder']}/{path}", {}) for side in (twins.stock, twins.ours)]
    by_run = [
        side.send("GET", "/get-artifact", {"params": {"run_id": run["id"], "path": path}})
        for side in (twins.stock, twins.ours)
    ]
    return [answer.content for answer in (*by_path, *by_run) if answer.status_code == 200]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("plain.txt", b"content"),
        ("empty", b""),
        ("deep/er/file.bin", bytes(range(256)) * 100),
        ("with space.txt", b"x"),
        ("é ü/ß.txt", b"x"),
        ("many.dots.tar.gz", b"x"),
        ("a+b&c=d,e@f!(g)'h~", b"x"),
        (".hidden", b"x"),
        ("page.html", b"<script>alert(1)</script>"),
    ],
)
def test_a_file_comes_back_as_it_went(twins: Twins, run: dict[str, str], path: str, content: bytes) -> None:
    """Under its path and under its run; it shows in lists."""
    _put(twins, run, path, content)
    assert _read(twins, run, path) == [content] * 4
    _listed(twins, run)
    _listed(twins, run, path.partition("/")[0])


def test_folders_are_listed(twins: Twins, run: dict[str, str]) -> None:
    """One at a time, with sizes of files; a file and what is not there list nothing."""
    for path in ("a.txt", "B.txt", "model/MLmodel", "model/data/weights.bin", "zz/file", "model-2/x"):
        _put(twins, run, path, b"12345")
    for folder in (None, "", "model", "model/data", "a.txt", "nothing", "model/", "mod"):
        _listed(twins, run, folder)


def test_a_file_is_replaced(twins: Twins, run: dict[str, str]) -> None:
    """By another of the same path."""
    _put(twins, run, "file", b"one")
    _put(twins, run, "file", b"other")
    assert _read(twins, run, "file") == [b"other"] * 4
    _listed(twins, run)


def test_files_and_folders_are_deleted(twins: Twins, run: dict[str, str]) -> None:
    """With all that is in them; deleting what is not there is no error."""
    for path in ("a.txt", "model/MLmodel", "model/data/weights.bin"):
        _put(twins, run, path)
    for path in ("a.txt", "model/data", "model"):
        assert twins.same("DELETE", f"{FILES}artifacts/{run['folder']}/{path}").status == 200
        _listed(twins, run)
    assert _read(twins, run, "a.txt") == []


def test_a_run_without_files_lists_none(twins: Twins, run: dict[str, str]) -> None:
    """With its root."""
    listed = _listed(twins, run)
    assert listed.body.keys() == {"root_uri"}


def test_files_of_a_logged_model_are_listed(twins: Twins, run: dict[str, str]) -> None:
    """Below its own root."""
    model = twins.post("logged-models", experiment_id=run["experiment"], name="with-files")["model"]["info"]
    root = model["artifact_uri"].removeprefix("mlflow-artifacts:/")
    for path in ("MLmodel", "data/weights.bin"):
        assert twins.same("PUT", f"{FILES}artifacts/{root}/{path}", data=b"123").status == 200
    where = f"{API}logged-models/{model['model_id']}/artifacts/directories"
    for folder in ({}, {"artifact_directory_path": "data"}, {"artifact_directory_path": "nothing"}):
        twins.same("GET", where, params=folder)


def test_what_is_not_there_is_not_found(twins: Twins, run: dict[str, str]) -> None:
    """As a file; stock says so too, in a status of its own."""
    path = f"{FILES}artifacts/{run['folder']}/nothing"
    stock, ours = twins.both("GET", path)
    assert ours.status == 404
    assert stock.status >= 400
