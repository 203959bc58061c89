"""The unmodified SDK reads logs, keeps detectors, asks for distributions and alerts, for any form of deployment."""

from pathlib import Path
from typing import Any

import pytest
from monitor_calls import Monitor, call
from monitor_stand import Space, row, space

from running import RunningServer, eventually
from wire import administrator

KINDS = [
    ("DriftDetectorApi", "drift_detector", "seldon_deployment", "SeldonDeployment", "drift"),
    ("DriftDetectorApi", "drift_detector", "seldon_pipeline", "Pipeline", "drift"),
    ("OutlierDetectorApi", "outlier_detector", "seldon_deployment", "SeldonDeployment", "outlier"),
    ("OutlierDetectorApi", "outlier_detector", "seldon_pipeline", "Pipeline", "outlier"),
    ("MetricsServerApi", "metrics_server", "seldon_deployment", "SeldonDeployment", "metrics"),
]


@pytest.fixture(scope="module")
def here(live_server: RunningServer) -> Space:
    made = space(administrator(live_server))
    path = made.wallaroo("watched")
    for value in range(10):
        made.ask(path, [row(value)])
    return made


@pytest.fixture
def monitor(here: Space, seldon_python: Path, tmp_path: Path) -> Monitor:
    return Monitor(here.caller, seldon_python, tmp_path)


@pytest.mark.parametrize(("api", "what", "where", "kind", "detector_type"), KINDS)
def test_detectors_are_made_read_listed_and_removed(  # what, where
    here: Space, monitor: Monitor, api: str, what: str, where: str, kind: str, detector_type: str
) -> None:
    name = f"mine-{where.removeprefix('seldon_')}"
    config = {"basic": {"drift_batch_size": "20", "storage_uri": ""}, "deployment": {"protocol": "seldon"}}
    place = ["watched", here.name]
    made, again, listed, read, removed, gone = monitor.call(
        [
            call(api, f"create_{what}_{where}", *place, {"name": name, "config": config}),
            call(api, f"create_{what}_{where}", *place, {"name": name, "config": config}),
            call(api, f"list_{what}_{where}", *place),
            call(api, f"read_{what}_{where}", *place, name),
            call(api, f"delete_{what}_{where}", *place, name),
            call(api, f"read_{what}_{where}", *place, name),
        ]
    )
    assert made["class"] == "DetectorData"
    assert (made["name"], made["namespace"], made["deployment_name"]) == (name, here.name, "watched")
    assert (made["deployment_kind"], made["detector_type"], made["status"]) == (kind, detector_type, "Waiting")
    assert made["config"]["basic"]["drift_batch_size"] == "20"
    assert made["config"]["deployment"]["protocol"] == "seldon"
    assert again["status"] == 409
    assert [each["class"] for each in listed] == ["DetectorData"]
    assert read == made
    assert removed["class"] == "Message"
    assert name in removed["message"]
    assert (gone["status"], gone["code"]) == (404, 404)


def test_logs_come_back_as_the_sdks_own_types(here: Space, monitor: Monitor) -> None:
    [items, page, refused] = monitor.call(
        [
            call(
                "InferenceLogsServiceApi",
                "inference_logs_service_list_deployment_inference_logs",
                kwargs={"namespace": here.name, "deployment_name": "watched"},
            ),
            call(
                "InferenceLogsServiceApi",
                "inference_logs_service_get_deployment_inference_logs",
                here.name,
                "watched",
                type="Body1",
                body={"predictor_name": "", "container_name": "", "limit": 4},
            ),
            call(
                "InferenceLogsServiceApi",
                "inference_logs_service_get_deployment_inference_logs",
                here.name,
                "watched",
                type="Body1",
                body={"predictor_name": "never", "container_name": ""},
            ),
        ]
    )
    assert items["class"] == "V1ListDeploymentInferenceLogsResponse"
    [item] = items["inference_logs"]
    assert (item["name"], item["count"]) == ("watched", 10)
    assert page["class"] == "V1GetDeploymentInferenceLogsResponse"
    assert (page["total_count"], len(page["payloads"])) == (10, 4)
    assert page["payloads"][0]["request"]["data"]["ndarray"] == [row(9)]
    assert refused["status"] == 404


def test_the_log_of_a_model_comes_back_as_the_sdks_own_types(here: Space, monitor: Monitor) -> None:
    container = here.caller.call(
        "GET",
        "/seldon-deploy/api/v1alpha1/inference-logs/seldondeployments",
        params={"namespace": here.name, "deploymentName": "watched"},
    ).json()["inferenceLogs"][0]["container"]
    place = [here.name, "watched", container]
    service = "InferenceLogsServiceApi"
    items, page = monitor.call(
        [
            call(service, "inference_logs_service_list_model_inference_logs", *place),
            call(service, "inference_logs_service_get_model_inference_logs", *place, type="Body", body={"limit": 3}),
        ]
    )
    assert items["class"] == "V1ListModelInferenceLogsResponse"
    assert [item["count"] for item in items["inference_logs"]] == [10]
    assert page["class"] == "V1GetModelInferenceLogsResponse"
    assert len(page["payloads"]) == 3


def feature(where: str, what: str, name: str, here: Space, **body: Any) -> dict[str, Any]:
    operation = f"seldon_{where}_feature_{what}"
    data = {"deployment_name": "watched", "deployment_namespace": here.name, "feature": name, **body}
    return call("MonitorApi", operation, "watched", here.name, type="DeploymentFeatureData", body=data)


@pytest.mark.parametrize("where", ["deployment", "pipeline"])
def test_features_are_counted_and_summed_up(here: Space, monitor: Monitor, where: str) -> None:
    half = [{"feature": "tensor_0", "gte": "2", "lt": "6"}]
    found, filtered, stats, output, by_time, unknown, none = monitor.call(
        [
            feature(where, "distributions", "tensor_0", here, parameters={"histogram_interval": 5}),
            feature(where, "distributions", "tensor_0", here, filters=half),
            feature(where, "statistics", "tensor_0", here),
            feature(where, "statistics", "dense_1", here, interaction="response"),
            feature(
                where,
                "distributions",
                "tensor_0",
                here,
                aggregate_over_time=True,
                parameters={"number_of_time_buckets": 2, "histogram_interval": 100},
            ),
            feature(where, "statistics", "never", here),
            feature(where, "statistics", "tensor_0", here, reference_data=True),
        ]
    )
    assert found["class"] == "FeatureDistributionResponse"
    assert (found["total_instances"], found["type"]) == (10, "REAL")
    assert [(b["key"], b["count"]) for b in found["distribution"]["buckets"]] == [("0", 5), ("5", 5)]
    assert filtered["total_instances"] == 4
    assert stats["class"] == "FeatureStatisticsResponse"
    assert [stats["stats"][name] for name in ("count", "avg", "min", "max")] == [10, 4.5, 0, 9]
    assert output["total_instances"] == 10
    assert sum(bucket["count"] for bucket in by_time["distribution"]["buckets"]) == 10
    assert len(by_time["distribution"]["buckets"]) == 2
    assert by_time["distribution"]["buckets"][0]["distribution"]["buckets"][0]["key"] == "0"
    assert unknown["status"] == 400
    assert "tensor_0" in unknown["message"]
    assert (none["status"], "reference data" in none["message"]) == (400, True)


def test_drift_is_found_told_as_an_alert_and_outliers_can_be_filtered(here: Space, monitor: Monitor) -> None:
    path = here.seldon("drifting")
    config = {"basic": {"drift_batch_size": "10"}}
    place = ["drifting", here.name]
    new = {"name": "mine", "config": config}
    made = monitor.call(
        [
            call("DriftDetectorApi", "create_drift_detector_seldon_deployment", *place, new),
            call("OutlierDetectorApi", "create_outlier_detector_seldon_deployment", *place, new),
        ]
    )
    assert [each["status"] for each in made] == ["Waiting", "Waiting"]
    here.ask(path, [row(value / 10) for value in range(10)])
    assert eventually(lambda: running(here, "drift") and running(here, "outlier"), seconds=15)
    here.ask(path, [row(value + 50) for value in range(10)])
    assert eventually(lambda: bool(read(here, "drift")["result"]) and bool(read(here, "outlier")["result"]), seconds=15)
    assert read(here, "drift")["result"]["firing"]
    assert read(here, "outlier")["result"]["outliers"] == 10
    alerts, outlying, usual, reference = monitor.call(
        [
            call("AlertingServiceApi", "alerting_service_list_alerts"),
            of_drifting(here, filters=[{"is_outlier": True}]),
            of_drifting(here, filters=[{"is_outlier": False}]),
            of_drifting(here, reference_data=True),
        ]
    )
    assert alerts["class"] == "V1ListAlertsResponse"
    names = {alert["name"] for alert in alerts["firing_alerts"] if here.name in alert["title"]}
    assert names == {"drift-mine", "outlier-mine"}
    assert (outlying["stats"]["min"], outlying["stats"]["count"]) == (50, 10)
    assert (usual["stats"]["max"], usual["stats"]["count"]) == (pytest.approx(0.9), 10)
    assert (reference["stats"]["max"], reference["total_instances"]) == (pytest.approx(0.9), 10)


def of_drifting(here: Space, **body: Any) -> dict[str, Any]:
    data = {"feature": "tensor_3", **body}
    operation = "seldon_deployment_feature_statistics"
    return call("MonitorApi", operation, "drifting", here.name, type="DeploymentFeatureData", body=data)


def read(here: Space, kind: str) -> Any:
    return here.caller.call("GET", f"{here.path('drifting')}/monitor/{kind}-detector/mine").json()


def running(here: Space, kind: str) -> bool:
    return bool(read(here, kind)["status"] == "Running")


def test_a_test_alert_needs_a_place_to_go(monitor: Monitor) -> None:
    for value in (True, False):
        [refused] = monitor.call([call("AlertingServiceApi", "alerting_service_trigger_test_alert", value)])
        assert refused["status"] == 424
        assert "alert_webhook_url" in refused["message"]


def test_the_lines_of_a_deployment_are_those_of_its_life(here: Space, monitor: Monitor) -> None:
    [logs] = monitor.call(
        [
            call(
                "ApplicationLogsApi",
                "read_application_logs",
                type="ApplicationLogsParams",
                body={"deployment_namespace": here.name, "pod_name": "watched", "size": 10},
            )
        ]
    )
    assert logs["class"] == "ApplicationLogsResponse"
    assert logs["total"] == len(logs["logs"]) >= 2
    lines = [line["message"] for line in logs["logs"]]
    assert any("loaded revision 1" in line for line in lines)
    assert any("revision 1 is RUNNING" in line for line in lines)
