"""Models, Pipelines and experiments of Seldon Core 2, and their revisions."""

from typing import Any

from seldon_operations.row import FLOW, MODEL, PIPELINE, SPACE, Row, of

_IT = {"namespace": SPACE, "name": MODEL}
_CANARY, _SHADOW, _TRIAL = f"{PIPELINE}-canary", f"{PIPELINE}-shadow", "trial"
_READY = {"status.conditions.0.status": ["True"]}


def _model(uri: str, *requirements: str, name: str = MODEL) -> dict[str, Any]:
    return of("Model", name=name, spec=of("ModelSpec", storage_uri=uri, requirements=list(requirements)))


def _pipeline(name: str) -> dict[str, Any]:
    steps = [of("PipelineStep", name=MODEL, inputs=[f"{name}.inputs"])]
    spec = of("PipelineSpec", steps=steps, output=of("PipelineOutput", steps=[f"{MODEL}.outputs"]))
    return of("Pipeline", name=name, spec=spec)


def _made(name: str) -> Row:
    given = {"namespace": SPACE, "mldeployment": _pipeline(name), "action": "create"}
    return Row("PipelinesApi", "create_pipeline", "SeldonPipeline", given)


_ONNX = _model("one", "onnx")
_API = "ModelsApi"
MODELS = [
    Row(_API, "create_model", "SeldonModel", {"namespace": SPACE, "model": _ONNX, "message": "first"}),
    Row(_API, "create_model", "", {"namespace": SPACE, "model": _model("one", "no-such", name="other")}, refused=424),
    Row(_API, "read_model", "SeldonModel", _IT, until=_READY),
    Row(_API, "update_model", "SeldonModel", {**_IT, "model": _model("two", "onnx"), "message": "better"}),
    Row(_API, "read_model", "SeldonModel", _IT, until=_READY),
]

_EXPLAINER = of("Model", name="why", spec=of("ModelSpec", explainer=of("ExplainerSpec", type="anchor_tabular")))
_LINES = "PipelinesApi"
PIPELINES = [
    _made(PIPELINE),
    Row(_LINES, "read_pipeline", "SeldonPipeline", FLOW, until=_READY, keep={"$flow": ""}),
    Row(_LINES, "list_pipelines", "SeldonPipelineList", {"namespace": SPACE}),
    Row(_LINES, "update_pipeline", "SeldonPipeline", {**FLOW, "mldeployment": "$flow", "action": "update"}),
    Row(_LINES, "read_pipeline", "SeldonPipeline", FLOW, until=_READY),
    Row(_LINES, "list_pipeline_models", "SeldonModelList", FLOW),
    Row(_LINES, "create_pipeline_explainer", "SeldonModel", {**FLOW, "model": _EXPLAINER}),
    Row(_LINES, "read_pipeline_explainer", "SeldonModel", FLOW),
    Row(_LINES, "update_pipeline_explainer", "SeldonModel", {**FLOW, "model": _EXPLAINER}),
    Row(_LINES, "delete_pipeline_explainer", "dict", FLOW),
]

_TRIES = "ExperimentsApi"
_SHARES = [of("ExperimentCandidate", name=name, weight=50) for name in (PIPELINE, _CANARY)]
_EXPERIMENT = of(
    "Experiment", name=_TRIAL, spec=of("ExperimentSpec", candidates=_SHARES, default=PIPELINE, resource_type="pipeline")
)
EXPERIMENTS = [
    Row(_TRIES, "create_canary_experiment", "", {**FLOW, "weight": 20}, refused=400),
    _made(_CANARY),
    _made(_SHADOW),
    Row(_TRIES, "create_pipeline_experiment", "SeldonExperiment", {**FLOW, "experiment": _EXPERIMENT}),
    Row(_TRIES, "get_pipeline_experiment", "SeldonExperiment", FLOW),
    Row(_TRIES, "update_pipeline_experiment", "SeldonExperiment", {**FLOW, "experiment": _EXPERIMENT}),
    Row(
        "GitOpsApi",
        "read_experiment_git_logs",
        "list[AuditLog]",
        {"namespace": SPACE, "name": _TRIAL},
        keep={"$tried": "0.hash"},
    ),
    Row(
        "GitOpsApi",
        "read_experiment_git_diff",
        "FileDiff",
        {"namespace": SPACE, "name": _TRIAL, "hash": "$tried"},
    ),
    Row(_TRIES, "delete_pipeline_experiment", "dict", FLOW),
    Row(_TRIES, "create_canary_experiment", "dict", {**FLOW, "weight": 20, "action": "canary"}),
    Row(_TRIES, "remove_canary", "dict", FLOW),
    _made(_CANARY),
    Row(_TRIES, "create_canary_experiment", "dict", {**FLOW, "weight": 20}),
    Row(_TRIES, "promote_canary", "dict", {**FLOW, "action": "promote", "message": "it did well"}),
    Row(_TRIES, "create_shadow_experiment", "dict", FLOW),
    Row(_TRIES, "remove_shadow", "dict", FLOW),
    _made(_SHADOW),
    Row(_TRIES, "create_shadow_experiment", "dict", FLOW),
    Row(_TRIES, "promote_shadow", "dict", FLOW),
    Row(_LINES, "read_pipeline", "SeldonPipeline", FLOW, until=_READY),
    Row("GitOpsApi", "read_pipeline_git_logs", "list[AuditLog]", FLOW, keep={"$flowed": "0.hash"}),
    Row("GitOpsApi", "read_pipeline_git_diff", "FileDiff", {**FLOW, "hash": "$flowed"}),
    Row("GitOpsApi", "read_model_git_logs", "list[AuditLog]", _IT, keep={"$scored": "0.hash"}),
    Row("GitOpsApi", "read_model_git_diff", "FileDiff", {**_IT, "hash": "$scored"}),
]

DELETED = [
    Row(_API, "delete_model", "", _IT, refused=409),
    Row(_LINES, "delete_pipeline", "dict", FLOW),
    Row(_API, "delete_model", "dict", {**_IT, "action": "delete"}),
    Row(_API, "read_model", "", _IT, refused=404),
]
