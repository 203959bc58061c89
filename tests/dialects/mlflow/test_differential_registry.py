"""Registered models and versions: MLflow's own server and ours answer the same calls alike."""

from typing import Any

import pytest
from twins import API, Twins

_STAGES = ("None", "Staging", "Production", "Archived")


@pytest.fixture
def model(twins: Twins) -> str:
    """A new registered model."""
    name = twins.name("model")
    assert twins.post("registered-models/create", name=name).status == 200
    return name


@pytest.fixture(scope="module")
def run(twins: Twins) -> dict[str, str]:
    """A run with its address and a logged model."""
    experiment = twins.post("experiments/create", name=twins.name("registry"))["experiment_id"]
    info = twins.post("runs/create", experiment_id=experiment, start_time=1)["run"]["info"]
    logged = twins.post("logged-models", experiment_id=experiment, name="logged", source_run_id=info["run_id"])
    return {
        "id": info["run_id"],
        "uri": info["artifact_uri"],
        "model": logged["model"]["info"]["model_id"],
        "model_uri": logged["model"]["info"]["artifact_uri"],
    }


def _shown(twins: Twins, name: str) -> Any:
    return twins.get("registered-models/get", name=name)["registered_model"]


def _version(twins: Twins, name: str, run: dict[str, str], **more: Any) -> str:
    asked = {"name": name, "source": f"runs:/{run['id']}/model", "run_id": run["id"]} | more
    version: str = twins.post("model-versions/create", **asked)["model_version"]["version"]
    return version


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"description": "what it does"},
        {"description": ""},
        {"tags": [{"key": "k", "value": "v"}, {"key": "empty", "value": ""}]},
        {"description": "x" * 5000},
        {"tags": [{"key": "k", "value": "x" * 100_000}]},
        {"tags": [{"key": "k", "value": "x" * 100_001}]},
        {"tags": [{"key": "", "value": "x"}]},
    ],
    ids=lambda said: str(said)[:60],
)
def test_a_model_is_registered(twins: Twins, said: dict[str, Any]) -> None:
    """With what was said of it."""
    name = twins.name("model é")
    made = twins.post("registered-models/create", name=name, **said)
    if made.status == 200:
        assert twins.get("registered-models/get", name=name).body == made.body


def test_a_name_is_taken_while_its_model_exists(twins: Twins, model: str) -> None:
    """And free once it is renamed or deleted."""
    assert twins.post("registered-models/create", name=model)["error_code"] == "RESOURCE_ALREADY_EXISTS"
    other = twins.name("other")
    twins.post("registered-models/create", name=other)
    assert twins.post("registered-models/rename", name=model, new_name=other).status == 400
    assert twins.post("registered-models/rename", name=model, new_name=f"{model}-new").status == 200
    assert twins.get("registered-models/get", name=model).status == 404
    assert twins.post("registered-models/create", name=model).status == 200
    assert twins.delete("registered-models/delete", name=other).body == {}
    assert twins.get("registered-models/get", name=other).status == 404
    assert twins.delete("registered-models/delete", name=other).status == 404
    assert twins.post("registered-models/create", name=other).status == 200


def test_renaming_takes_versions_tags_and_aliases_along(twins: Twins, model: str, run: dict[str, str]) -> None:
    """To the same name too."""
    number = _version(twins, model, run, tags=[{"key": "k", "value": "v"}])
    twins.post("registered-models/set-tag", name=model, key="t", value="1")
    twins.post("registered-models/alias", name=model, alias="best", version=number)
    new = f"{model} renamed"
    twins.post("registered-models/rename", name=model, new_name=new)
    _shown(twins, new)
    twins.get("model-versions/get", name=new, version=number)
    twins.get("registered-models/alias", name=new, alias="best")
    twins.post("registered-models/rename", name=new, new_name=new)


def test_a_model_is_described(twins: Twins, model: str) -> None:
    """Newly, or no more."""
    for said in ({"description": "one"}, {"description": ""}, {}):
        twins.patch("registered-models/update", name=model, **said)
        _shown(twins, model)


def test_model_tags_are_set_changed_and_taken_off(twins: Twins, model: str) -> None:
    """Taking off what is not there is no error."""
    for key, value in (("k", "1"), ("k", "2"), ("a.b/c d", ""), ("long", "x" * 100_000)):
        assert twins.post("registered-models/set-tag", name=model, key=key, value=value).body == {}
    _shown(twins, model)
    for _ in range(2):
        assert twins.delete("registered-models/delete-tag", name=model, key="k").body == {}
    _shown(twins, model)


def test_aliases_point_move_and_go(twins: Twins, model: str, run: dict[str, str]) -> None:
    """With their version too."""
    one, two = _version(twins, model, run), _version(twins, model, run)
    for alias, number in (("best", one), ("a-b_C1", one), ("best", two)):
        assert twins.post("registered-models/alias", name=model, alias=alias, version=number).body == {}
        _shown(twins, model)
    assert twins.get("registered-models/alias", name=model, alias="best")["model_version"]["version"] == two
    twins.get("model-versions/get", name=model, version=one)
    twins.get("registered-models/alias", name=model, alias="BEST")
    for _ in range(2):
        assert twins.delete("registered-models/alias", name=model, alias="best").body == {}
    twins.get("registered-models/alias", name=model, alias="best")
    twins.post("registered-models/alias", name=model, alias="best", version=two)
    twins.delete("model-versions/delete", name=model, version=two)
    twins.get("registered-models/alias", name=model, alias="best")
    _shown(twins, model)


@pytest.mark.parametrize(
    "alias", ["latest", "LATEST", "v1", "V22", "v", "1", "a b", "a/b", "x" * 255, "x" * 256, "", "é"]
)
def test_some_aliases_are_refused(twins: Twins, model: str, run: dict[str, str], alias: str) -> None:
    """Those that could be taken for versions, and odd texts."""
    number = _version(twins, model, run)
    twins.post("registered-models/alias", name=model, alias=alias, version=number)
    twins.get("registered-models/alias", name=model, alias=alias)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"description": "d", "tags": [{"key": "k", "value": "v"}], "run_link": "http://example.com"},
        {"source": "runs:/{id}"},
        {"source": "{uri}/model"},
        {"source": "{uri}"},
        {"source": "models:/{model}", "run_id": None, "model_id": "{model}"},
        {"source": "{model_uri}", "model_id": "{model}"},
        {"source": "s3://bucket/model", "run_id": None},
        {"source": "s3://bucket/model"},
        {"source": "https://example.com/model", "run_id": None},
        {"description": "x" * 5000},
        {"source": "models:/nothing/1", "run_id": None},
        {"source": "models:/nothing/x", "run_id": None},
        {"source": "/srv/model", "run_id": None},
        {"source": "file:///srv/model", "run_id": None},
        {"source": "", "run_id": None},
        {"source": "mlflow-artifacts:/../other/model", "run_id": None},
        {"source": "{uri}/../../model"},
        {"source": "{uri}/%2e%2e/%2e%2e/model"},
        {"source": "s3://bucket/../model", "run_id": None},
        {"tags": [{"key": "", "value": "v"}]},
        {"tags": [{"key": "k", "value": "x" * 100_001}]},
    ],
    ids=lambda said: str(said)[:70],
)
def test_a_version_is_registered(twins: Twins, model: str, run: dict[str, str], said: dict[str, Any]) -> None:
    """From a run, a logged model, an address of artifacts or another store."""
    asked = {"source": "runs:/{id}/model", "run_id": "{id}"} | said
    filled = {k: v.format(**run) if k in ("source", "run_id", "model_id") and v else v for k, v in asked.items()}
    made = twins.post("model-versions/create", name=model, **{k: v for k, v in filled.items() if v is not None})
    if made.status == 200:
        number = made["model_version"]["version"]
        assert twins.get("model-versions/get", name=model, version=number).body == made.body
        if not asked["source"].startswith("runs:"):  # which we look up, so that clients need not
            twins.get("model-versions/get-download-uri", name=model, version=number)
    _shown(twins, model)


def test_a_version_of_another_version_has_its_files(twins: Twins, model: str, run: dict[str, str]) -> None:
    """By ``models:/name/number``; an alias works as well."""
    number = _version(twins, model, run, source=f"{run['uri']}/model")
    other = twins.name("copy")
    twins.post("registered-models/create", name=other)
    for source in (f"models:/{model}/{number}", f"models:/{model}/7"):
        twins.post("model-versions/create", name=other, source=source)
    twins.get("model-versions/get-download-uri", name=other, version="1")


def test_versions_count_on_after_deletions(twins: Twins, model: str, run: dict[str, str]) -> None:
    """A deleted version is gone; the number of the last may come again as with stock."""
    for _ in range(3):
        _version(twins, model, run)
    assert twins.delete("model-versions/delete", name=model, version="2").body == {}
    assert twins.get("model-versions/get", name=model, version="2").status == 404
    assert twins.delete("model-versions/delete", name=model, version="2").status == 404
    _version(twins, model, run)
    _shown(twins, model)
    twins.delete("model-versions/delete", name=model, version="4")
    _version(twins, model, run)
    twins.get("model-versions/search", filter=f"name = '{model}'")


def test_stages_move_and_archive(twins: Twins, model: str, run: dict[str, str]) -> None:
    """Names of stages mind no case; the latest of each stage is shown."""
    for _ in range(4):
        _version(twins, model, run)
    for number, stage, archive in (
        ("1", "Staging", False),
        ("2", "staging", False),
        ("3", "PRODUCTION", True),
        ("4", "Production", True),
        ("1", "Archived", False),
        ("2", "None", False),
        ("2", "Nowhere", False),
        ("9", "Staging", False),
    ):
        asked = {"name": model, "version": number, "stage": stage, "archive_existing_versions": archive}
        twins.post("model-versions/transition-stage", **asked)
        _shown(twins, model)
    twins.post("registered-models/get-latest-versions", name=model, stages=["Production", "staging"])
    twins.get("registered-models/get-latest-versions", name=model, stages=["None"])
    twins.post("registered-models/get-latest-versions", name=model, stages=["Nowhere"])
    stock, ours = twins.both("GET", f"{API}registered-models/get-latest-versions", params={"name": model})
    found = [sorted(each["model_versions"], key=lambda v: v["version"]) for each in (stock, ours)]
    assert found[0] == found[1]
    twins.post("registered-models/get-latest-versions", name="nothing")


def test_versions_are_described_and_tagged(twins: Twins, model: str, run: dict[str, str]) -> None:
    """And taken off tags that are not there without complaint."""
    number = _version(twins, model, run)
    for said in ({"description": "one"}, {"description": ""}, {}):
        twins.patch("model-versions/update", name=model, version=number, **said)
        twins.get("model-versions/get", name=model, version=number)
    for key, value in (("k", "1"), ("k", "2"), ("a.b/c d", ""), ("long", "x" * 100_000), ("longer", "x" * 100_001)):
        twins.post("model-versions/set-tag", name=model, version=number, key=key, value=value)
    twins.get("model-versions/get", name=model, version=number)
    for _ in range(2):
        assert twins.delete("model-versions/delete-tag", name=model, version=number, key="k").body == {}
    twins.get("model-versions/get", name=model, version=number)


@pytest.fixture(scope="module")
def searched(twins: Twins, run: dict[str, str]) -> str:
    """A prefix of four registered models with versions."""
    prefix = twins.name("found")
    for number, letter in enumerate("bAaB"):
        name = f"{prefix}-{letter}"
        tags = [{"key": "t", "value": "x" if number < 2 else "y"}] if number < 3 else []
        twins.post("registered-models/create", name=name, tags=tags, description=f"d{number}")
        for version in range(number):
            own = [{"key": "v", "value": str(version)}] if version else []
            _version(twins, name, run, tags=own, **({} if version % 2 else {"source": "s3://bucket/m", "run_id": ""}))
    twins.post("registered-models/alias", name=f"{prefix}-B", alias="best", version="2")
    twins.post("model-versions/transition-stage", name=f"{prefix}-B", version="3", stage="Staging")
    return prefix


@pytest.mark.parametrize(
    ("conditions", "order"),
    [
        ("", []),
        ("", ["name"]),
        ("", ["name DESC"]),
        ("", ["last_updated_timestamp DESC"]),
        ("", ["last_updated_timestamp ASC", "name DESC"]),
        ("", ["timestamp DESC"]),
        ("name = '{}-a'", []),
        ("name != '{}-a'", []),
        ("name ILIKE '%-A'", []),
        ("tags.t = 'x'", []),
        ("tags.t != 'x'", []),
        ("tags.t LIKE '_'", []),
        ("tags.t = 'x' AND name LIKE '%-A'", []),
        ("tags.none = ''", []),
    ],
)
def test_searches_find_the_same_models(twins: Twins, searched: str, conditions: str, order: list[str]) -> None:
    """Whole and page by page."""
    wanted = " AND ".join(filter(None, [f"name LIKE '{searched}%'", conditions.format(searched)]))
    asked = {"filter": wanted, "order_by": order}
    whole = twins.pages("GET", "registered-models/search", "registered_models", **asked)
    parts = twins.pages("GET", "registered-models/search", "registered_models", max_results=1, **asked)
    assert [each for part in parts for each in part] == whole[0]


@pytest.mark.parametrize(
    ("conditions", "order"),
    [
        ("", []),
        ("", ["name DESC", "version_number ASC"]),
        ("", ["version_number DESC", "name ASC"]),
        ("", ["last_updated_timestamp DESC"]),
        ("", ["creation_timestamp ASC"]),
        ("name = '{}-B'", []),
        ("name ILIKE '%-A'", []),
        ("run_id = '<none>'", []),
        ("run_id IN ('a', 'b')", []),
        ("source_path LIKE 'runs:/%'", []),
        ("version_number > 1", []),
        ("version_number = 2 AND name LIKE '%-B'", []),
        ("tags.v = '1'", []),
        ("tags.v != '1'", []),
    ],
)
def test_searches_find_the_same_versions(twins: Twins, searched: str, conditions: str, order: list[str]) -> None:
    """Whole and page by page."""
    wanted = " AND ".join(filter(None, [f"name LIKE '{searched}%'", conditions.format(searched)]))
    asked = {"filter": wanted, "order_by": order}
    whole = twins.pages("GET", "model-versions/search", "model_versions", **asked)
    parts = twins.pages("GET", "model-versions/search", "model_versions", max_results=2, **asked)
    assert [each for part in parts for each in part] == whole[0]


def test_prompts_are_found_only_by_who_asks_for_them(twins: Twins) -> None:
    """They are registered models with a tag."""
    name = twins.name("prompt")
    twins.post("registered-models/create", name=name, tags=[{"key": "mlflow.prompt.is_prompt", "value": "true"}])
    for conditions in (
        f"name = '{name}'",
        f"name = '{name}' AND tags.`mlflow.prompt.is_prompt` = 'true'",
        f"name = '{name}' AND tags.`mlflow.prompt.is_prompt` != 'true'",
        f"name = '{name}' AND tags.`mlflow.prompt.is_prompt` != 'false'",
    ):
        twins.get("registered-models/search", filter=conditions)
        twins.get("model-versions/search", filter=conditions)
