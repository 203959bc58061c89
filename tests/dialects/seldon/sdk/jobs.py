"""The unmodified SDK makes, lists, reads and deletes jobs: all 12 operations, typed as it has them."""

import json
import sys
import tempfile
import time
from typing import Any

import seldon_deploy_sdk as sdk
from seldon_deploy_sdk import api, models

host, token, namespace, name, source, target = sys.argv[1:]
configuration = sdk.Configuration()
configuration.host = f"{host}/seldon-deploy/api/v1alpha1"
configuration.id_token = token
client = sdk.ApiClient(configuration)
batch, load = api.BatchJobsApi(client), api.LoadtestJobsApi(client)


def ended(read: Any, path: tuple[str, ...]) -> models.BatchJobGetResponse:
    for _ in range(200):
        job = read(*path)
        assert isinstance(job, models.BatchJobGetResponse)
        if job.description.workflow_status not in ("Pending", "Running"):
            return job
        time.sleep(0.1)
    raise AssertionError(job)


for create, read, listed in (
    (batch.create_seldon_deployment_batch_job, batch.get_deployment_batch_job, batch.list_seldon_deployment_batch_jobs),
    (batch.create_pipeline_batch_job, batch.get_pipeline_batch_job, batch.list_pipeline_batch_jobs),
):
    wanted = models.BatchJobDefinition(
        batch_data_type="data",
        batch_payload_type="ndarray",
        batch_method="predict",
        batch_transport_protocol="rest",
        batch_workers=2,
        batch_retries=3,
        batch_size=2,
        batch_interval=0.0,
        input_data=source,
        output_data=target,
        pvc_size="1Gi",
    )
    made = create(name, namespace, wanted)
    assert isinstance(made, models.BatchJobPostResponse)
    job = ended(read, (name, namespace, made.workflow_name))
    assert job.description.workflow_status == "Succeeded", job
    assert job.description.started_at <= job.description.finished_at
    assert job.definition == wanted, job.definition
    page = listed(name, namespace, limit="1", page="0")
    assert isinstance(page, models.BatchJobsListResponse)
    assert (page.page, page.limit) == (0, 1)
    assert page.batch_jobs[0]["workflowName"] == made.workflow_name

with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
    json.dump({"data": {"ndarray": [[0.5] * 29]}}, file)
    file.flush()
    for create, listed, delete in (
        (
            load.create_loadtest_seldon_deployment,
            load.list_loadtest_seldon_deployment,
            load.delete_loadtest_seldon_deployment,
        ),
        (load.create_loadtest_pipeline, load.list_loadtest_pipeline, load.delete_loadtest_pipeline),
    ):
        made = create(name, namespace, file.name, connections_number="2", requests_number="10", duration="20s")
        assert isinstance(made, models.Message)
        for _ in range(200):
            tests = json.loads(listed(name, namespace).message)
            if tests[0]["status"] not in ("Pending", "Running"):
                break
            time.sleep(0.1)
        assert (tests[0]["name"], tests[0]["status"], tests[0]["requests"]) == (made.message, "Succeeded", 10), tests
        assert isinstance(delete(made.message, name, namespace), models.Message)
        assert made.message not in [test["name"] for test in json.loads(listed(name, namespace).message)]

for wrong in (
    lambda: batch.get_deployment_batch_job(name, namespace, "never-was"),
    lambda: batch.list_pipeline_batch_jobs("never-was", namespace),
):
    try:
        wrong()
    except sdk.rest.ApiException as error:
        assert error.status == 404
        assert "never-was" in json.loads(error.body)["message"]
    else:
        raise AssertionError("it was found")
print("all went well")
