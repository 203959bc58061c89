"""Experiments: MLflow's own server and ours answer the same calls alike."""

import pytest
from twins import API, Twins


@pytest.fixture
def experiment(twins: Twins) -> str:
    """A new experiment."""
    made: str = twins.post("experiments/create", name=twins.name("experiment"))["experiment_id"]
    return made


def test_an_experiment_is_made_and_read(twins: Twins) -> None:
    """With tags, by id and by name."""
    name = twins.name("experiment")
    made = twins.post("experiments/create", name=name, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": ""}])
    by_id = twins.get("experiments/get", experiment_id=made["experiment_id"])
    by_name = twins.get("experiments/get-by-name", experiment_name=name)
    assert by_id.body == by_name.body
    assert by_id["experiment"]["name"] == name


def test_the_default_experiment_is_there(twins: Twins) -> None:
    """Under 0 and under its name."""
    assert twins.get("experiments/get", experiment_id="0")["experiment"]["name"] == "Default"
    assert twins.get("experiments/get-by-name", experiment_name="Default")["experiment"]["experiment_id"] == "0"


def test_an_artifact_location_of_ones_own_is_kept(twins: Twins) -> None:
    """Runs get folders below it."""
    name = twins.name("experiment")
    made = twins.post("experiments/create", name=name, artifact_location="s3://bucket/some/folder")["experiment_id"]
    shown = twins.get("experiments/get", experiment_id=made)["experiment"]
    assert shown["artifact_location"] == "s3://bucket/some/folder"
    run = twins.post("runs/create", experiment_id=made, start_time=1)["run"]["info"]
    assert run["artifact_uri"] == f"s3://bucket/some/folder/{run['run_id']}/artifacts"


def test_a_name_is_taken_until_it_is_changed(twins: Twins, experiment: str) -> None:
    """By a deleted experiment too."""
    name = twins.get("experiments/get", experiment_id=experiment)["experiment"]["name"]
    assert twins.post("experiments/create", name=name)["error_code"] == "RESOURCE_ALREADY_EXISTS"
    twins.post("experiments/delete", experiment_id=experiment)
    assert twins.post("experiments/create", name=name)["error_code"] == "RESOURCE_ALREADY_EXISTS"
    assert twins.get("experiments/get-by-name", experiment_name=name)["experiment"]["lifecycle_stage"] == "deleted"
    twins.post("experiments/restore", experiment_id=experiment)
    assert twins.post("experiments/update", experiment_id=experiment, new_name=f"{name} renamed").status == 200
    assert twins.post("experiments/create", name=name).status == 200


def test_renaming_shows(twins: Twins, experiment: str) -> None:
    """To the same name as well."""
    name = twins.name("renamed")
    for _ in range(2):
        assert twins.post("experiments/update", experiment_id=experiment, new_name=name).body == {}
        assert twins.get("experiments/get", experiment_id=experiment)["experiment"]["name"] == name
    assert twins.get("experiments/get-by-name", experiment_name=name).status == 200


def test_a_deleted_experiment_comes_back_with_its_runs(twins: Twins, experiment: str) -> None:
    """Its runs are deleted with it; what is deleted changes no more."""
    run = twins.post("runs/create", experiment_id=experiment, start_time=1)["run"]["info"]["run_id"]
    assert twins.post("experiments/delete", experiment_id=experiment).body == {}
    assert twins.get("experiments/get", experiment_id=experiment)["experiment"]["lifecycle_stage"] == "deleted"
    assert twins.get("runs/get", run_id=run)["run"]["info"]["lifecycle_stage"] == "deleted"
    for path, content in (
        ("experiments/delete", {}),
        ("experiments/set-experiment-tag", {"key": "a", "value": "b"}),
        ("experiments/delete-experiment-tag", {"key": "a"}),
        ("runs/create", {"start_time": 1}),
    ):
        assert twins.post(path, experiment_id=experiment, **content).status in (400, 404)
    assert twins.post("experiments/restore", experiment_id=experiment).body == {}
    assert twins.get("runs/get", run_id=run)["run"]["info"]["lifecycle_stage"] == "active"
    assert twins.post("experiments/restore", experiment_id=experiment).status in (400, 404)


def test_tags_are_set_changed_and_taken_off(twins: Twins, experiment: str) -> None:
    """An empty value is a value."""
    for key, value in (("k", "v"), ("k", "w"), ("empty", ""), ("a/b.c d-e_f:g", "x" * 5000)):
        assert (
            twins.post("experiments/set-experiment-tag", experiment_id=experiment, key=key, value=value).status == 200
        )
    assert len(twins.get("experiments/get", experiment_id=experiment)["experiment"]["tags"]) == 3
    assert twins.post("experiments/delete-experiment-tag", experiment_id=experiment, key="k").body == {}
    assert twins.post("experiments/delete-experiment-tag", experiment_id=experiment, key="k").status == 404
    assert len(twins.get("experiments/get", experiment_id=experiment)["experiment"]["tags"]) == 2


@pytest.fixture(scope="module")
def searched(twins: Twins) -> str:
    """A prefix of five experiments, of which one is deleted."""
    prefix = twins.name("searched")
    for number, stage in enumerate(("dev", "dev", "prod", None, "prod")):
        tags = [{"key": "stage", "value": stage}] if stage else []
        made = twins.post("experiments/create", name=f"{prefix}-{'bBaAc'[number]}", tags=tags)["experiment_id"]
        if number == 4:
            twins.post("experiments/delete", experiment_id=made)
    return prefix


@pytest.mark.parametrize(
    ("conditions", "asked"),
    [
        ("", {}),
        ("", {"view_type": "ALL"}),
        ("", {"view_type": "DELETED_ONLY"}),
        ("", {"view_type": 3}),
        ("", {"order_by": ["name"]}),
        ("", {"order_by": ["name DESC"]}),
        ("", {"order_by": ["creation_time ASC"], "view_type": "ALL"}),
        ("", {"order_by": ["last_update_time DESC", "name"], "view_type": "ALL"}),
        ("tags.stage = 'dev'", {}),
        ("tags.stage != 'dev'", {"view_type": "ALL"}),
        ("tags.stage IS NULL", {}),
        ("tags.stage IS NOT NULL", {}),
        ("tags.stage LIKE 'd%'", {}),
        ("tags.stage ILIKE 'D%'", {}),
        ("name LIKE '%-b'", {}),
        ("name ILIKE '%-b'", {}),
        ("creation_time > 0", {}),
        ("creation_time < 1", {}),
    ],
)
def test_searches_find_the_same(twins: Twins, searched: str, conditions: str, asked: dict[str, object]) -> None:
    """By POST and by GET, whole and page by page."""
    wanted = " AND ".join(filter(None, [f"name LIKE '{searched}%'", conditions]))
    by_post = twins.pages("POST", "experiments/search", "experiments", filter=wanted, max_results=100, **asked)
    by_get = twins.pages("GET", "experiments/search", "experiments", filter=wanted, max_results=100, **asked)
    parts = twins.pages("POST", "experiments/search", "experiments", filter=wanted, max_results=2, **asked)
    assert by_post == by_get
    assert [each for part in parts for each in part] == by_post[0]


def test_a_search_needs_its_size(twins: Twins) -> None:
    """Clients always send it."""
    assert twins.same("POST", f"{API}experiments/search", json={})["error_code"] == "INVALID_PARAMETER_VALUE"
