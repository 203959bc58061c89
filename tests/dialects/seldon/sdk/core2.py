"""The unmodified SDK works with Models, Pipelines, experiments and revisions: 36 operations, typed as it has them.

Arguments: the server's address, a token, a namespace, the names of two models in its catalogue and of a deployment.
"""

import sys
import time
from typing import Any

import seldon_deploy_sdk as sdk
from seldon_deploy_sdk import api, models
from seldon_deploy_sdk.rest import ApiException

host, token, namespace, one, two, deployment = sys.argv[1:]
configuration = sdk.Configuration()
configuration.host = f"{host}/seldon-deploy/api/v1alpha1"
configuration.id_token = token
client = sdk.ApiClient(configuration)
model, pipeline, experiment, git = (
    api.ModelsApi(client),
    api.PipelinesApi(client),
    api.ExperimentsApi(client),
    api.GitOpsApi(client),
)


def ready(read: Any, kind: type, *path: str) -> Any:
    for _ in range(200):
        found = read(*path)
        assert isinstance(found, kind), found
        if {each["type"]: each["status"] for each in found.status.conditions}["Ready"] == "True":
            return found
        time.sleep(0.1)
    raise AssertionError(found)


def a_model(uri: str, name: str = "m") -> models.Model:
    return models.Model(name=name, spec=models.ModelSpec(storage_uri=uri, requirements=["onnx"], replicas=2))


def a_pipeline(name: str) -> models.Pipeline:
    spec = models.PipelineSpec(
        steps=[models.PipelineStep(name="m", inputs=[f"{name}.inputs"], inputs_join_type="inner")],
        output=models.PipelineOutput(steps=["m.outputs"], steps_join="inner"),
    )
    return models.Pipeline(name=name, spec=spec, labels={"team": "fraud"})


def status_of(call: Any, *arguments: Any, **more: Any) -> int:
    try:
        call(*arguments, **more)
    except ApiException as error:
        return int(error.status)
    return 200


# Models
assert isinstance(model.create_model(namespace, a_model(one), action="create", message="the first"), models.SeldonModel)
read = ready(model.read_model, models.SeldonModel, "m", namespace)
assert (read.metadata.name, read.spec.storage_uri, read.spec.replicas) == ("m", one, 2)
assert "spec.replicas" in next(c["message"] for c in read.status.conditions if c["type"] == "FieldsIgnored")
assert status_of(model.create_model, namespace, a_model(one)) == 409
read.spec.storage_uri = two
updated = model.update_model("m", namespace, read, message="the second")
assert (updated.spec.storage_uri, updated.metadata.uid) == (two, read.metadata.uid)
assert status_of(model.update_model, "m", namespace, read) == 409, "it was changed since it was read"

# Pipelines
for name in ("p", "p-canary", "p-shadow"):
    made = pipeline.create_pipeline(namespace, a_pipeline(name))
    assert isinstance(made, models.SeldonPipeline)
read = ready(pipeline.read_pipeline, models.SeldonPipeline, "p", namespace)
assert read.spec.steps[0].name == "m"
listed = pipeline.list_pipelines(namespace)
assert isinstance(listed, models.SeldonPipelineList)
assert [item.name for item in listed.items] == ["p", "p-canary", "p-shadow"]
assert isinstance(listed.items[0].status, models.PipelineStatus)
assert [item.name for item in pipeline.list_pipeline_models("p", namespace).items] == ["m"]
read.metadata.labels["team"] = "risk"
assert pipeline.update_pipeline("p", namespace, read).metadata.labels == {"team": "risk"}
assert status_of(model.delete_model, "m", namespace) == 409, "pipelines use it"

# Explainers
why = models.Model(name="why", spec=models.ModelSpec(explainer=models.ExplainerSpec(type="anchor_tabular")))
assert isinstance(pipeline.create_pipeline_explainer("p", namespace, why), models.SeldonModel)
assert pipeline.read_pipeline_explainer("p", namespace).spec.explainer.type == "anchor_tabular"
assert pipeline.update_pipeline_explainer("p", namespace, why).metadata.name == "why"
assert pipeline.delete_pipeline_explainer("p", namespace) == {}

# Experiments
shares = [models.ExperimentCandidate(name="p", weight=90), models.ExperimentCandidate(name="p-canary", weight=10)]
trial = models.Experiment(name="trial", spec=models.ExperimentSpec(candidates=shares, default="p"))
assert isinstance(experiment.create_pipeline_experiment("p", namespace, trial), models.SeldonExperiment)
found = ready(experiment.get_pipeline_experiment, models.SeldonExperiment, "p", namespace)
assert [(each.name, each.weight) for each in found.spec.candidates] == [("p", 90), ("p-canary", 10)]
found.spec.mirror = models.ExperimentMirror(name="p-shadow", percent=50)
assert experiment.update_pipeline_experiment("p", namespace, found).spec.mirror.percent == 50
assert experiment.delete_pipeline_experiment("p", namespace) == {}
assert experiment.create_canary_experiment("p", namespace, 10) == {}
assert experiment.remove_canary("p", namespace) == {}
assert experiment.create_shadow_experiment("p", namespace) == {}
assert experiment.promote_shadow("p", namespace, message="it did well") == {}
pipeline.create_pipeline(namespace, a_pipeline("p-canary"))
assert experiment.create_canary_experiment("p", namespace, 10) == {}
assert experiment.promote_canary("p", namespace) == {}
pipeline.create_pipeline(namespace, a_pipeline("p-shadow"))
assert experiment.create_shadow_experiment("p", namespace) == {}
assert experiment.remove_shadow("p", namespace) == {}
assert [item.name for item in pipeline.list_pipelines(namespace).items] == ["p"]

# Revisions
for logs, diff, name in (
    (git.read_model_git_logs, git.read_model_git_diff, "m"),
    (git.read_pipeline_git_logs, git.read_pipeline_git_diff, "p"),
    (git.read_experiment_git_logs, git.read_experiment_git_diff, "trial"),
    (git.read_seldon_deployment_git_logs, git.read_seldon_deployment_git_diff, deployment),
):
    found = logs(name, namespace)
    assert all(isinstance(each, models.AuditLog) for each in found)
    assert found[0].author_when >= found[-1].author_when
    shown = diff(name, namespace, hash=found[0].hash)
    assert isinstance(shown, models.FileDiff)
    assert (shown.commit_hash, shown.git_hub_url) == (found[0].hash, "")
    both = git.read_git_diffs([found[0].hash, found[-1].hash], namespace)
    assert {each.commit_hash for each in both} == {found[0].hash, found[-1].hash}
newest, oldest = (each.hash for each in git.read_seldon_deployment_git_logs(deployment, namespace))
assert git.seldon_deployment_git_revert(deployment, namespace, hash=newest).code == 200
assert isinstance(git.seldon_deployment_git_restore(deployment, namespace, hash=newest), models.Message)
assert status_of(git.seldon_deployment_git_revert, deployment, namespace, hash=oldest) == 400
assert git.read_git_ops_status(namespace)["status"] == "disabled"

assert pipeline.delete_pipeline("p", namespace, action="delete") == {}
assert model.delete_model("m", namespace) == {}
assert status_of(model.read_model, "m", namespace) == 404
