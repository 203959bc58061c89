"""The unmodified Wallaroo SDK against a running server: each test runs one scenario of ``sdk/`` in the SDK's own venv.

What the server answers is held against onnxruntime, asked directly with the same file and the same rows.
"""

import json
import uuid
from pathlib import Path

from scenarios import Scenario, close, directly, scenarios

from running import RunningServer, StartServer
from wire import Person, administrator, invite, sign_in


def test_the_main_job_from_login_to_undeploy(sdk: Scenario, live_server: RunningServer) -> None:
    expected = directly("ccfraud.onnx", "ccfraud_smoke.arrow")
    done = sdk("main_job")
    assert done["frame"] == close(expected)
    assert done["table"] == close(expected)
    assert [row["out"]["dense_1"][0] for row in done["dict"]] == close(expected)
    assert done["log"] == close([*expected[:1] * 2, *expected[::-1] * 3])
    assert done["log_columns"] == done["frame_columns"]
    assert done["log_times_fall"]
    assert done["nested_columns"] == ["out.dense_1"]
    assert done["frame_columns"] == ["time", "in.tensor", "out.dense_1", "anomaly.count"]
    assert done["table_schema"]["time"] == "timestamp[ms]"
    assert done["anomalies"] == [0] * 8
    assert json.loads(done["last_model"])["model_name"] == "ccfraud"
    assert done["running"] == "Running"
    assert done["url"].startswith(f"{live_server.url}/v1/api/pipelines/infer/main-job-")
    assert done["model"]["status"] == "ready"
    assert done["after_undeploy"].startswith("InferenceError: Inference failed: [404]")
    assert "not found" in done["status_after_undeploy"].lower()


def test_the_main_job_on_postgresql_with_two_workers(
    start_server: StartServer, fresh_postgres_url: str, wallaroo_python: Path, tmp_path: Path
) -> None:
    server = start_server(database=fresh_postgres_url, workers=2)
    done = scenarios(server, wallaroo_python, invite(server, "pg"), tmp_path)("main_job")
    expected = directly("ccfraud.onnx", "ccfraud_smoke.arrow")
    assert done["frame"] == close(expected)
    assert done["log"] == close([*expected[:1] * 2, *expected[::-1] * 3])
    assert "not found" in done["status_after_undeploy"].lower()


def test_a_personal_access_token_does_the_main_job(sdk: Scenario, live_server: RunningServer, person: Person) -> None:
    made = sign_in(live_server, person.email, person.password).post("/api/v1/tokens", {"name": "sdk"}, 201)
    done = sdk("ready_token", token=made["token"], user_email=person.email, user_id=person.id)
    expected = directly("ccfraud.onnx", "ccfraud_smoke.arrow")
    assert done["answers"] == close(expected)
    assert done["logged"] == len(expected)


def test_a_new_version_takes_over_and_the_old_one_comes_back(sdk: Scenario) -> None:
    first, second = (directly(model, "ccfraud_smoke.arrow") for model in ("ccfraud.onnx", "ccfraud_v2.onnx"))
    done = sdk("new_version")
    assert done["answers"] == {
        "first": close(first),
        "second": close(second),
        "again": close(second),
        "back": close(first),
    }
    assert done["versions_of_the_model"] == 2
    assert done["the_model_by_name_is_the_second"]
    assert done["the_model_by_version_is_the_first"]
    assert done["models_share_their_parent"]


def test_replicas_follow_the_load_between_bounds_down_to_none(sdk: Scenario) -> None:
    done = sdk("scaling")
    assert done["cpu"] == {"replica_min": 0, "replica_max": 3, "type": "cpu", "cpu_utilization": 60}
    assert done["queue"] == {
        "replica_min": 0,
        "replica_max": 2,
        "type": "queue",
        "scale_up_queue_depth": 4,
        "scale_down_queue_depth": 2,
        "autoscaling_window": 1,
    }
    assert (done["cpu_status"], done["queue_status"]) == ("Running", "Running")
    assert done["woken"] == close(directly("ccfraud.onnx", "ccfraud_smoke.arrow"))
    assert done["too_many"] == "Exception: Failed to deploy."  # the SDK keeps to itself why


def test_a_deployment_object_replaces_its_model_stops_and_starts(sdk: Scenario) -> None:
    second = directly("ccfraud_v2.onnx", "ccfraud_smoke.arrow")
    done = sdk("deployment_object")
    assert done["replaced"] == close(second)
    assert done["again"] == close(second)
    assert (done["stopped"], done["started"]) == (False, True)
    assert done["versions"] == 3
    assert done["external_url"] == done["url"]
    assert "engine" in done["engine"]


def test_steps_feed_each_other_and_columns_can_be_renamed(sdk: Scenario) -> None:
    probability = directly("ccfraud_v2.onnx", "ccfraud_smoke.arrow")
    done = sdk("chain")
    assert done["probability"] == close(probability)
    assert done["fraud"] == [int(value > 0.5) for value in probability]
    assert done["columns"] == ["out.fraud", "out.probability"]
    assert json.loads(done["last_model"])["model_name"] == "threshold"
    assert done["log_columns"] == ["time", "out.fraud"]
    assert done["log_fraud"] == done["fraud"][::-1]
    assert done["elapsed"] == 3
    assert done["models_in_the_table"]
    assert done["renamed"] == close(probability)
    assert "in.features" in done["renamed_columns"]
    assert done["tensor_fields"] == ["features"]
    assert done["runtime"] == "onnx"


def test_logs_come_back_whole_by_time_and_to_files(sdk: Scenario) -> None:
    prices = directly("house_price.onnx", "house_price_smoke.arrow")
    done = sdk("logs")
    assert done["first"] == close(prices)
    assert done["early"] == close(prices)
    assert done["early_rises"]
    assert done["late"] == 1_000
    assert done["newest"] == 3
    assert done["newest_is_last"]
    assert done["default"] == 100
    assert done["arrow"] == [4, True]
    assert sorted(done["columns"]) == ["out.variable", "time"]
    assert not [name for name in done["without"] if name.startswith("in.")]
    assert {"metadata.last_model", "metadata.pipeline_version", "metadata.elapsed"} <= set(done["metadata"])
    assert done["raw"][0] == 100
    assert done["exported"] == 12
    assert done["exported_arrow"] == 12
    assert done["exported_all"] == 1_005
    assert done["after_undeploy"] == 5


def test_things_are_found_tagged_listed_and_shown(sdk: Scenario, person: Person) -> None:
    done = sdk("tags_and_search")
    found = done["found"]
    assert found["models_by_name"] == ["house-price"]
    assert found["models_by_tag"] == found["models_by_hash"] == found["by_name"] == [True]
    assert (found["models_in_time"], found["models_before"], found["my_models"]) == (2, 0, 2)
    assert found["pipelines_by_name"] == found["pipelines_by_tag"] == found["pipelines_deployed"] == ["searched"]
    assert (found["pipelines_not_deployed"], found["pipelines_nowhere"]) == (0, 0)
    assert found["pipelines_in_time"]
    assert found["model_by_name"]
    assert found["model_version_by_name"]
    assert found["deployment_by_name"] == "searched"
    assert found["missing"].startswith("EntityNotFoundError")
    assert done["tagged"] == {
        "tags": ["season-2026"],
        "on_models": ["ccfraud"],
        "on_pipelines": ["searched"],
        "of_the_model": ["season-2026"],
        "of_the_pipeline": ["season-2026"],
    }
    assert done["lists"] == {
        "models": ["ccfraud", "house-price"],
        "pipelines": ["searched"],
        "deployments": ["searched"],
        "workspace_models": ["ccfraud", "house-price"],
        "workspace_pipelines": ["searched"],
        "workspace": done["lists"]["workspace"],
    }
    assert all(done["tables"].values()), done["tables"]
    assert "season-2026" in done["table_texts"]["tags"]
    assert "ccfraud" in done["table_texts"]["pipelines"]
    assert person.email in done["table_texts"]["workspaces"]
    assert done["removed"]
    assert done["left"] == [[], []]


def test_many_requests_at_once_and_files_give_the_same_answers(sdk: Scenario) -> None:
    expected = directly("ccfraud.onnx", "ccfraud_smoke.arrow")
    done = sdk("many_at_once")
    for way in ("async", "parallel", "parallel_table", "file_json", "file_arrow"):
        assert done[way] == close(expected), way
    assert done["errors"] == [row == 2 for row in range(8)]
    assert "29" in done["error"]
    assert done["file_missing"] is not None


def test_errors_reach_the_person_in_words(sdk: Scenario, tmp_path: Path) -> None:
    text_file = tmp_path / "notes.onnx"
    text_file.write_text("this is not a model")
    done = sdk("errors", not_a_model=str(text_file))
    for case in ("wrong_column", "wrong_shape", "wrong_type", "wrong_arrow", "empty"):
        assert done[case].startswith("InferenceError: Inference failed: [400]"), done[case]
    assert "tensor" in done["wrong_column"]
    assert "29" in done["wrong_shape"]
    assert done["not_a_model"].startswith("ModelUploadError")
    assert "not found" in done["no_pipeline"]
    assert "does not exist" in done["no_model"]
    assert "does not exist" in done["no_workspace"]
    assert done["bad_name"] is not None
    assert done["models_left"] == ["ccfraud"]


def test_a_workspace_is_its_members_and_nobody_elses(sdk: Scenario, live_server: RunningServer, person: Person) -> None:
    other = invite(live_server, "other")
    assert sdk("owner", do="set up", other=other.email)["users"] == [person.email]
    outside = sdk("two_users", as_=other)
    assert outside["default"] == f"{other.email} - Default Workspace"
    assert not outside["sees_the_workspace"]
    assert outside["search"] == outside["models"] == outside["tags"] == outside["deployments"] == []
    assert outside["missing"].startswith("EntityNotFoundError")

    added = sdk("owner", do="add", other=other.email)
    assert added["users"] == sorted([person.email, other.email])
    assert "already exists" in added["again"]
    inside = sdk("two_users", as_=other)
    assert inside["sees_the_workspace"]
    assert inside["pipeline"] == "shared"
    assert inside["users"] == sorted([person.email, other.email])
    assert inside["tags"] == ["shared-tag"]

    assert sdk("owner", do="promote", other=other.email)["users"] == sorted([person.email, other.email])
    assert sdk("owner", as_=other, do="remove", other=person.email)["users"] == [other.email]
    assert not sdk("two_users", as_=person)["sees_the_workspace"]


def test_an_administrator_keeps_users(sdk: Scenario, live_server: RunningServer) -> None:
    admin = Person("", live_server.admin_username, live_server.admin_password)
    email = f"invited-{uuid.uuid4().hex[:8]}@example.com"
    done = sdk("administration", as_=admin, email=email, password="a long enough password")
    assert done["before"] is None
    assert done["invited"]
    assert done["again"]
    assert done["email"] == done["email_by_id"] == email
    assert done["listed"]
    assert (done["off"], done["on"]) == (False, True)
    assert done["nobody"].startswith("EntityNotFoundError")


def test_a_disabled_user_and_a_wrong_password_do_not_get_in(
    sdk: Scenario, live_server: RunningServer, person: Person
) -> None:
    assert sdk("sign_in_only")["error"] is None
    wrong = Person(person.id, person.email, "not the password")
    assert "TokenFetchError" in sdk("sign_in_only", as_=wrong)["error"]
    administrator(live_server).post("/v1/api/users/deactivate", {"email": person.email})
    assert "TokenFetchError" in sdk("sign_in_only")["error"]


def test_old_cached_tokens_are_refreshed_even_twice_and_foreign_ones_replaced(sdk: Scenario) -> None:
    done = sdk("old_tokens")
    assert done["worked"] == [True, True, True, True]
    assert done["mode"] == "0o600"


def test_the_strict_parsers_of_the_client_take_every_answer_about_users_workspaces_and_models(
    live_server: RunningServer, sdk: Scenario
) -> None:
    admin = Person("", live_server.admin_username, live_server.admin_password)
    seen = sdk("every_call", as_=admin, email=f"invited-{uuid.uuid4().hex[:8]}@example.com")
    refused = {
        "invited twice": [400, True],
        "name taken": [400, True],
        "last owner": [400, True],
        "no such model": [404, False],
        "no such version": [404, False],
    }
    assert {call: answer for call, answer in seen.items() if answer != [200, True]} == refused
    assert len(seen) == 29
