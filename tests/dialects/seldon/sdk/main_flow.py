"""What a data scientist does in a notebook, from signing in to deleting; the SDK is as it was published.

Arguments: the server's address, a name, a password, a namespace, which is also the name of a project one may write,
and a model in the namespace's catalogue.
"""

import json
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta

from seldon_deploy_sdk import ApiClient, Configuration, api, models
from seldon_deploy_sdk.auth import OIDCAuthenticator
from seldon_deploy_sdk.rest import ApiException

host, user, password, namespace, model = sys.argv[1:]
started = datetime.now(UTC)

# 1, 2: sign in
config = Configuration()
config.host = f"{host}/seldon-deploy/api/v1alpha1"
config.oidc_server = f"{host}/auth/realms/deploy-realm"
config.oidc_client_id = "sd-api"
config.username, config.password = user, password
auth = OIDCAuthenticator(config)
config.id_token = auth.authenticate()
client = ApiClient(config, authenticator=auth)

# 3: who and where
environment = api.EnvironmentApi(client)
assert environment.read_user().email == user
assert namespace in [each.name for each in environment.read_cluster().namespaces]

# 4: nothing is there yet
deployments = api.SeldonDeploymentsApi(client)
assert deployments.list_seldon_deployments(namespace).items == []

# 5: a deployment out of its manifest
graph = models.PredictiveUnit(name="classifier", implementation="ONNX_SERVER", model_uri=model, children=[])
manifest = models.SeldonDeployment(
    api_version="machinelearning.seldon.io/v1",
    kind="SeldonDeployment",
    metadata=models.ObjectMeta(name="fraud", namespace=namespace, labels={"team": "risk"}),
    spec=models.SeldonDeploymentSpec(predictors=[models.PredictorSpec(name="main", replicas=1, graph=graph)]),
)
created = deployments.create_seldon_deployment(namespace, manifest)
assert isinstance(created, models.SeldonDeployment)


# 6: until it is there
def available(generation):
    for _ in range(600):
        found = deployments.read_seldon_deployment("fraud", namespace)
        if found.status.state == "Available" and found.metadata.generation == generation:
            return found
        assert found.status.state in ("Creating", "Available"), found.status
        time.sleep(0.05)
    raise AssertionError(found.status)


deployment = available(1)
assert deployment.spec.predictors[0].graph.model_uri == model
assert deployment.status.address.url == f"{host}/seldon/{namespace}/fraud/api/v1.0/predictions"
assert deployment.status.deployment_status["fraud-main"].available_replicas == 1
assert deployment.status.service_status["fraud-main"].http_endpoint == deployment.status.address.url

[component] = api.KubernetesResourcesApi(client).list_seldon_deployment_resources("fraud", namespace)
assert isinstance(component.pods.items[0], models.Pod)
assert [each.name for each in component.deployments.items] == ["fraud-main"]
assert {each.name.rpartition("-worker")[0] for each in component.pods.items} == {"fraud-main"}
assert all("modelyard/synthetic" in each.annotations for each in component.pods.items)

# 7: changed as it was read, and not twice
deployment.metadata.labels["team"] = "fraud"
changed = deployments.update_seldon_deployment(
    "fraud", namespace, deployment, action="relabel", message="the team has another name"
)
assert (changed.metadata.uid, changed.metadata.labels) == (created.metadata.uid, {"team": "fraud"})
assert changed.metadata.resource_version != created.metadata.resource_version
try:
    deployments.update_seldon_deployment("fraud", namespace, deployment)
except ApiException as error:
    assert error.status == 409
    assert "resourceVersion" in json.loads(error.body)["message"], error.body
else:
    raise AssertionError("what was read before somebody changed it was taken")
available(2)
logs = api.GitOpsApi(client).read_seldon_deployment_git_logs("fraud", namespace)
assert [each.author_name for each in logs] == [logs[0].author_name] * 2

# 8: asked
rows = [[0.25] * 29, [-0.5] * 29]
answer = api.PredictApi(client).predict_seldon_deployment("fraud", namespace, {"data": {"ndarray": rows}})
assert len(answer["data"]["ndarray"]) == 2
assert answer["meta"]["requestPath"]["classifier"].startswith(f"{model}:")
assert deployments.list_seldon_deployments(namespace).items[0].metadata.name == "fraud"

# 9: metadata of its model
metadata = api.ModelMetadataServiceApi(client)
author = uuid.uuid4().hex
schema = models.V1PredictionSchema(
    requests=[models.V1FeatureSchema(name="tensor", type="TENSOR", data_type="FLOAT", shape=["29"])],
    responses=[models.V1FeatureSchema(name="dense_1", type="PROBA", data_type="FLOAT")],
)
entry = models.V1Model(
    uri=model,
    project=namespace,
    name="Fraud",
    artifact_type="ONNX",
    tags={"author": author},
    metrics={"auc": 0.9},
    prediction_schema=schema,
)
assert metadata.model_metadata_service_create_model_metadata(entry) == {}
[found] = metadata.model_metadata_service_list_model_metadata(
    uri=model, tags={"author": author}, project=namespace
).models
assert isinstance(found, models.V1Model)
assert (found.name, found.metrics, found.prediction_schema) == ("Fraud", {"auc": 0.9}, schema)
assert started - timedelta(seconds=2) <= found.creation_time <= datetime.now(UTC) + timedelta(seconds=2)
[runs] = metadata.model_metadata_service_list_runtime_metadata_for_model(
    model_uri=model, deployment_status="Running", deployment_namespace=namespace
).runtime_metadata
assert isinstance(runs, models.V1RuntimeMetadata)
assert (runs.deployment_name, runs.predictor_name, runs.node_name) == ("fraud", "main", "classifier")
assert runs.model.tags == {"author": author}

# 10: watched
basic = models.BasicDetectorConfiguration(drift_batch_size="20")
wanted = models.DetectorConfigData(name="drift", config=models.DetectorConfiguration(basic=basic))
detector = api.DriftDetectorApi(client).create_drift_detector_seldon_deployment("fraud", namespace, wanted)
assert isinstance(detector, models.DetectorData)
assert (detector.name, detector.deployment_name, detector.config.basic) == ("drift", "fraud", basic)
assert api.OutlierDetectorApi(client).list_outlier_detector_seldon_deployment("fraud", namespace) == []

# 11: what was asked, and what the server said
requests = api.InferenceLogsServiceApi(client)
[logged] = requests.inference_logs_service_list_deployment_inference_logs(
    namespace=namespace, deployment_name="fraud"
).inference_logs
assert (logged.predictor, logged.container, logged.count) == ("main", "classifier", 1)
asked = requests.inference_logs_service_get_deployment_inference_logs(
    namespace, "fraud", models.Body1(predictor_name="main", container_name="classifier", start_time=started, limit=10)
)
assert asked.total_count == 1
assert asked.payloads[0].request_id == answer["meta"]["puid"]
assert asked.payloads[0].request["data"]["ndarray"] == rows
assert asked.payloads[0].response["data"]["ndarray"] == answer["data"]["ndarray"]
said = api.ApplicationLogsApi(client).read_application_logs(
    models.ApplicationLogsParams(deployment_namespace=namespace, size=50)
)
assert said.total == len(said.logs) > 0
assert isinstance(said.logs[0].timestamp, datetime)

# 12: away
assert deployments.delete_seldon_deployment("fraud", namespace, action="delete", message="no more use") == {}
assert deployments.list_seldon_deployments(namespace).items == []
assert metadata.model_metadata_service_delete_model_metadata(model, project=namespace) == {}
print("all went well")
