"""SeldonDeployments: served, asked, explained, tried, their revisions and their jobs."""

from seldon_stand import manifest, predictor, unit

from seldon_operations.row import AT, DEPLOYMENT, FLOW, SPACE, VALUES, Row, of

_DOCUMENT = manifest(DEPLOYMENT, predictor("main", unit("classifier", "one")))
_LABELLED = {**_DOCUMENT, "metadata": {"name": DEPLOYMENT, "labels": {"team": "risk"}}}
_KAFKA = manifest("kafka", predictor("main", unit("classifier", "one")), serverType="kafka")
_QUESTION = {"data": {"ndarray": [VALUES]}}
_ENDED = ["Succeeded"]
_BATCH = of(
    "BatchJobDefinition",
    batch_data_type="data",
    batch_payload_type="ndarray",
    batch_method="predict",
    batch_transport_protocol="rest",
    batch_workers=1,
    batch_retries=1,
    batch_size=2,
    batch_interval=0.0,
    input_data="$input",
    output_data="$output",
)
_LOAD = {"load_file": "$question", "connections_number": "1", "requests_number": "5", "duration": "20s"}
_SAID = {"action": "update", "message": "a label"}

_API = "SeldonDeploymentsApi"
CREATED = [
    Row(_API, "validate_seldon_deployment", "Message", {"namespace": SPACE, "mldeployment": _DOCUMENT}),
    Row(_API, "create_seldon_deployment", "SeldonDeployment", {"namespace": SPACE, "mldeployment": _DOCUMENT}),
    Row(_API, "create_seldon_deployment", "", {"namespace": SPACE, "mldeployment": _DOCUMENT}, refused=409),
    Row(_API, "create_seldon_deployment", "", {"namespace": SPACE, "mldeployment": _KAFKA}, refused=400),
    Row(
        _API,
        "read_seldon_deployment",
        "SeldonDeployment",
        AT,
        until={"status.state": ["Available"]},
        keep={"$read": ""},
    ),
    Row(_API, "list_seldon_deployments", "SeldonDeploymentList", {"namespace": SPACE}),
    Row(_API, "update_seldon_deployment", "SeldonDeployment", {**AT, **_SAID, "mldeployment": _LABELLED}),
    Row(_API, "update_seldon_deployment", "", {**AT, **_SAID, "mldeployment": "$read"}, refused=409),
    Row(_API, "read_seldon_deployment", "SeldonDeployment", AT, until={"status.state": ["Available"]}),
    Row("KubernetesResourcesApi", "list_seldon_deployment_resources", "list[Component]", AT),
]

ASKED = [
    Row("PredictApi", "predict_seldon_deployment", "dict", {**AT, "prediction": _QUESTION}),
    Row("PredictApi", "predict_file_seldon_deployment", "dict", {**AT, "predict_file": "$question"}),
    Row("PredictApi", "read_predict_curl_seldon_deployment", "dict", {**AT, "prediction": _QUESTION}),
    Row("PredictApi", "predict_file_seldon_pipeline", "dict", {**FLOW, "predict_file": "$tensors"}),
    Row("PredictApi", "read_predict_curl_seldon_pipeline", "dict", {**FLOW, "prediction": _QUESTION}),
    Row("ExplainApi", "explain_seldon_deployment", "dict", {**AT, "explaindata": _QUESTION}, needs="shap"),
    Row("ExplainApi", "explain_seldon_pipeline", "dict", {**FLOW, "explaindata": _QUESTION}, needs="shap"),
]

_BATCHES = "BatchJobsApi"
_LOADS = "LoadtestJobsApi"
JOBS = [
    Row(
        _BATCHES,
        "create_seldon_deployment_batch_job",
        "BatchJobPostResponse",
        {**AT, "workflow": _BATCH},
        keep={"$batch": "workflow_name"},
    ),
    Row(
        _BATCHES,
        "get_deployment_batch_job",
        "BatchJobGetResponse",
        {**AT, "job_name": "$batch"},
        until={"description.workflow_status": _ENDED},
    ),
    Row(_BATCHES, "list_seldon_deployment_batch_jobs", "BatchJobsListResponse", {**AT, "limit": "5", "page": "0"}),
    Row(
        _BATCHES,
        "create_pipeline_batch_job",
        "BatchJobPostResponse",
        {**FLOW, "workflow": _BATCH},
        keep={"$batch": "workflow_name"},
    ),
    Row(
        _BATCHES,
        "get_pipeline_batch_job",
        "BatchJobGetResponse",
        {**FLOW, "job_name": "$batch"},
        until={"description.workflow_status": _ENDED},
    ),
    Row(_BATCHES, "list_pipeline_batch_jobs", "BatchJobsListResponse", FLOW),
    Row(_LOADS, "create_loadtest_seldon_deployment", "Message", {**AT, **_LOAD}, keep={"$load": "message"}),
    Row(_LOADS, "list_loadtest_seldon_deployment", "Message", AT),
    Row(_LOADS, "delete_loadtest_seldon_deployment", "Message", {**AT, "job_name": "$load"}),
    Row(_LOADS, "create_loadtest_pipeline", "Message", {**FLOW, **_LOAD}, keep={"$load": "message"}),
    Row(_LOADS, "list_loadtest_pipeline", "Message", FLOW),
    Row(_LOADS, "delete_loadtest_pipeline", "Message", {**FLOW, "job_name": "$load"}),
]

_GIT = "GitOpsApi"
REVISIONS = [
    Row(_GIT, "read_git_ops_status", "dict", {"namespace": SPACE}),
    Row(
        _GIT,
        "read_seldon_deployment_git_logs",
        "list[AuditLog]",
        AT,
        keep={"$newest": "0.hash", "$oldest": "1.hash"},
    ),
    Row(_GIT, "read_seldon_deployment_git_diff", "FileDiff", {**AT, "hash": "$newest"}),
    Row(_GIT, "read_git_diffs", "list[FileDiff]", {"namespace": SPACE, "hashes": ["$newest", "$oldest"]}),
    Row(_GIT, "seldon_deployment_git_revert", "Message", {**AT, "hash": "$newest", "message": "not that"}),
    Row(_GIT, "seldon_deployment_git_restore", "Message", {**AT, "hash": "$newest", "action": "restore"}),
    Row(_GIT, "seldon_deployment_git_revert", "", {**AT, "hash": "$oldest"}, refused=400),
    Row(_GIT, "read_seldon_deployment_git_diff", "", {**AT, "hash": "0" * 40}, refused=404),
]

DELETED = [
    Row(_API, "delete_seldon_deployment", "dict", {**AT, "action": "delete", "message": "no more"}),
    Row(_API, "read_seldon_deployment", "", AT, refused=404),
]
