"""Logs, features, detectors and alerts."""

from typing import Any

from seldon_operations.row import AT, DEPLOYMENT, FLOW, MODEL, PIPELINE, SPACE, Row, of

_LOGS = "InferenceLogsServiceApi"
LOGS = [
    Row(
        _LOGS,
        "inference_logs_service_list_deployment_inference_logs",
        "V1ListDeploymentInferenceLogsResponse",
        {"namespace": SPACE, "deployment_name": DEPLOYMENT},
        keep={"$predictor": "inference_logs.0.predictor", "$node": "inference_logs.0.container"},
    ),
    Row(
        _LOGS,
        "inference_logs_service_get_deployment_inference_logs",
        "V1GetDeploymentInferenceLogsResponse",
        {
            "namespace": SPACE,
            "deployment_name": DEPLOYMENT,
            "body": of("Body1", predictor_name="$predictor", container_name="$node", limit=5),
        },
    ),
    Row(
        _LOGS,
        "inference_logs_service_list_model_inference_logs",
        "V1ListModelInferenceLogsResponse",
        {"namespace": SPACE, "pipeline_name": PIPELINE, "model_name": MODEL},
        keep={"$logged": "inference_logs.0.count"},
    ),
    Row(
        _LOGS,
        "inference_logs_service_get_model_inference_logs",
        "V1GetModelInferenceLogsResponse",
        {"namespace": SPACE, "pipeline_name": PIPELINE, "model_name": MODEL, "body": of("Body", limit=5)},
    ),
    Row(
        "ApplicationLogsApi",
        "read_application_logs",
        "ApplicationLogsResponse",
        {"body": of("ApplicationLogsParams", deployment_namespace=SPACE, size=10)},
    ),
]


def _features(place: dict[str, str], kind: str) -> list[Row]:
    data = of("DeploymentFeatureData", feature="tensor_0", interaction="request")
    given = {**place, "feature_data": data}
    return [
        Row("MonitorApi", f"seldon_{kind}_feature_distributions", "FeatureDistributionResponse", given),
        Row("MonitorApi", f"seldon_{kind}_feature_statistics", "FeatureStatisticsResponse", given),
        Row(
            "MonitorApi",
            f"seldon_{kind}_feature_statistics",
            "",
            {**place, "feature_data": {**data, "feature": "never_was"}},
            refused=400,
        ),
    ]


def _detector(name: str, **basic: Any) -> dict[str, Any]:
    config = of("DetectorConfiguration", basic=of("BasicDetectorConfiguration", **basic))
    return of("DetectorConfigData", name=name, config=config)


def _detectors(api: str, kind: str, place: dict[str, str], of_what: str) -> list[Row]:
    new = {**place, "detector_data": _detector("watch", drift_batch_size="10")}
    one = {**place, "detector_name": "watch"}
    return [
        Row(api, f"create_{kind}_{of_what}", "DetectorData", new),
        Row(api, f"create_{kind}_{of_what}", "", new, refused=409),
        Row(api, f"list_{kind}_{of_what}", "list[DetectorData]", place),
        Row(api, f"read_{kind}_{of_what}", "DetectorData", one),
        Row(api, f"delete_{kind}_{of_what}", "Message", one),
        Row(api, f"read_{kind}_{of_what}", "", one, refused=404),
    ]


_ALIBI = {"detector_data": _detector("foreign", storage_uri="file:///detectors/alibi")}
_CREATE = "create_drift_detector_seldon_deployment"

WATCHED = [
    *_features(AT, "deployment"),
    *_features(FLOW, "pipeline"),
    *_detectors("DriftDetectorApi", "drift_detector", AT, "seldon_deployment"),
    *_detectors("DriftDetectorApi", "drift_detector", FLOW, "seldon_pipeline"),
    Row("DriftDetectorApi", _CREATE, "", {**AT, **_ALIBI}, refused=424),
    *_detectors("OutlierDetectorApi", "outlier_detector", AT, "seldon_deployment"),
    *_detectors("OutlierDetectorApi", "outlier_detector", FLOW, "seldon_pipeline"),
    *_detectors("MetricsServerApi", "metrics_server", AT, "seldon_deployment"),
    Row("AlertingServiceApi", "alerting_service_list_alerts", "V1ListAlertsResponse"),
    Row("AlertingServiceApi", "alerting_service_trigger_test_alert", "dict", {"use_metrics_flow": False}),
]
