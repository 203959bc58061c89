"""A model takes the place of another in what is served, wherever the steps name it."""

from pathlib import Path
from typing import Any

import pytest
from test_reconcile import House

from modelyard.core.catalogue.entities import ModelConfig, ModelVersion
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.serving.deployments import Deploy, deploy
from modelyard.core.serving.entities import Deployment, Form, PipelineVersion
from modelyard.core.serving.pipelines import NewVersion, copy_pipeline, create_pipeline, create_version
from modelyard.core.serving.replacing import replace_model
from modelyard.core.serving.steps import steps_planned
from modelyard.storage.store import SqlStore


@pytest.fixture
def house(store: SqlStore, tmp_path: Path) -> House:
    return House(store, tmp_path / "blobs")


def deployed(house: House, *steps: dict[str, Any]) -> Deployment:
    made = house.store.run_write(create_pipeline, house.actor, house.workspace, "p", {"id": "p", "steps": list(steps)})
    return house.store.run_write(deploy, house.actor, Deploy("p", version_id=made.id))


def config_of(house: House, version: int) -> int:
    model = house.store.run_read(lambda tx: tx.first(ModelVersion, version=house.versions[version]["version"]))
    assert model is not None
    found = house.store.run_read(lambda tx: tx.first(ModelConfig, model_version_id=model.id))
    assert found is not None
    return found.id


def definition_of(house: House, deployment: Deployment) -> dict[str, Any]:
    found = house.store.run_read(lambda tx: tx.get(PipelineVersion, deployment.pipeline_version_id))
    assert found is not None
    return found.definition


def test_a_model_is_replaced_within_a_split_and_everywhere_it_is_named(house: House) -> None:
    old, new = house.versions
    split = {"RandomSplit": {"hash_key": None, "weights": [{"weight": 1, "model": old}, {"weight": 0, "model": old}]}}
    deployment = deployed(house, split)
    assert len(deployment.models) == 1
    changed = house.store.run_write(replace_model, house.actor, deployment.id, config_of(house, 1))
    weights = definition_of(house, changed)["steps"][0]["RandomSplit"]["weights"]
    assert weights == [{"weight": 1, "model": new}, {"weight": 0, "model": new}]
    assert changed.revision == deployment.revision + 1
    assert steps_planned(definition_of(house, changed))[1] == changed.plan


def test_which_of_two_versions_of_a_model_is_meant_must_be_said(house: House) -> None:
    both = {"ModelInference": {"models": house.versions}}
    deployment = deployed(house, both, {"MultiOut": {}})
    third = house.store.run_read(lambda tx: tx.get(ModelVersion, deployment.models[0]["version_id"]))
    assert third is not None
    house.versions.append(house._upload("ccfraud.onnx"))
    with pytest.raises(DomainError, match="runs 2 models named model"):
        house.store.run_write(replace_model, house.actor, deployment.id, config_of(house, 2))


def test_pipelines_of_other_forms_are_neither_changed_nor_copied_by_steps(house: House) -> None:
    plan = steps_planned({"steps": [{"ModelInference": {"models": [house.versions[0]]}}]})[1]
    definition = {"document": {}, "models": [house.versions[0]], "plan": plan}
    new = NewVersion(definition, Form.PREDICTORS)
    made = house.store.run_write(create_version, house.actor, house.workspace, "s", new)
    deployment = house.store.run_write(deploy, house.actor, Deploy("s", version_id=made.id))
    for change, given in (
        (replace_model, (deployment.id, config_of(house, 1))),
        (copy_pipeline, (made.pipeline_id, house.workspace, "t", None)),
    ):
        with pytest.raises(DomainError, match=r"not made of steps \(predictors\)") as caught:
            house.store.run_write(change, house.actor, *given)
        assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    same = house.store.run_write(replace_model, house.actor, deployment.id, config_of(house, 0))
    assert same.plan == plan
