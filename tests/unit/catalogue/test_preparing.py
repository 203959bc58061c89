"""Preparations: begun by an upload, taken by one runner at a time, ended once."""

from datetime import timedelta

import pytest

from catalogue_people import SIGNATURE, People, kind_of
from modelyard.core.catalogue.entities import ModelStatus, ModelVersion
from modelyard.core.catalogue.models import (
    CheckedFile,
    NewVersion,
    get_config,
    get_version,
    record_upload,
    unreferenced,
)
from modelyard.core.catalogue.preparing import (
    LOG_MAX,
    RUNNER_TIMEOUT,
    Prepared,
    Told,
    Undertaking,
    beat,
    fail,
    finish,
    give_up_preparations,
    note_stage,
    sweep_preparations,
    take_preparation,
    waiting_preparations,
    wanted_environments,
)
from modelyard.core.catalogue.runtimes import (
    FileClass,
    ModelRuntime,
    Preparation,
    PreparationStage,
    RuntimeKind,
    Stage,
    StageState,
)
from modelyard.core.kernel.errors import ErrorKind
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.removal import delete_model_versions
from modelyard.storage.store import SqlStore

PREPARED = Prepared(RuntimeKind.PROCESS, "b" * 64, SIGNATURE, FileClass.CODE, "sklearn", {}, "e" * 64)


def uploaded(store: SqlStore, people: People, framework: str = "sklearn", name: str = "m.pkl") -> ModelVersion:
    new = NewVersion(people.space, "churn", name, conversion={"framework": framework}, input_schema="aW4=")
    return store.run_write(record_upload, people.owner, new, CheckedFile("b" * 64, 7, None))


def taken(store: SqlStore, runner: str = "one") -> Undertaking:
    found = store.run_write(take_preparation, runner)
    assert found is not None
    return found


def version_now(store: SqlStore, people: People, version: ModelVersion) -> ModelVersion:
    return store.run_read(get_version, people.reader, version.id).version


def stages(store: SqlStore, version: ModelVersion) -> dict[str, PreparationStage]:
    def of_version(tx: Tx) -> list[PreparationStage]:
        return tx.find(PreparationStage, model_version_id=version.id)

    return {stage.stage: stage for stage in store.run_read(of_version)}


def count(store: SqlStore, kind: type) -> int:
    return store.run_read(lambda tx: len(tx.find(kind)))


def test_an_upload_of_another_framework_waits_to_be_made_ready(store: SqlStore, people: People) -> None:
    version = uploaded(store, people)
    assert (version.status, version.signature, version.error_summary) == (ModelStatus.PENDING, None, None)
    assert store.run_read(waiting_preparations) == 1
    stage = stages(store, version)[Stage.UPLOADED]
    assert stage.state == StageState.DONE
    assert "b" * 64 in stage.message


@pytest.mark.parametrize(("framework", "runtime"), [("custom", "flight"), ("mlflow", "mlflow"), ("sklearn", "onnx")])
def test_while_it_waits_its_configuration_says_where_it_is_likely_to_run(
    store: SqlStore, people: People, framework: str, runtime: str
) -> None:
    suffix = "zip" if framework != "sklearn" else "pkl"
    new = NewVersion(people.space, "churn", f"m.{suffix}", conversion={"framework": framework})
    version = store.run_write(record_upload, people.owner, new, CheckedFile("b" * 64, 7, None))
    assert store.run_read(get_config, people.reader, version.id).runtime == runtime


def test_an_onnx_upload_waits_for_nothing(store: SqlStore, people: People) -> None:
    new = NewVersion(people.space, "churn", "m.onnx")
    version = store.run_write(record_upload, people.owner, new, CheckedFile("b" * 64, 7, SIGNATURE))
    assert version.status == ModelStatus.READY
    assert (store.run_read(waiting_preparations), stages(store, version)) == (0, {})


def test_one_runner_takes_a_preparation_with_what_the_upload_declared(store: SqlStore, people: People) -> None:
    version = uploaded(store, people)
    work = taken(store)
    assert (work.version.id, work.input_schema, work.output_schema) == (version.id, "aW4=", None)
    assert version_now(store, people, version).status == ModelStatus.PREPARING
    assert store.run_write(take_preparation, "other") is None


def test_a_finished_preparation_leaves_a_version_that_can_be_served(store: SqlStore, people: People) -> None:
    version = uploaded(store, people)
    work = taken(store)
    assert store.run_write(finish, work.preparation.id, "one", PREPARED)
    now = version_now(store, people, version)
    assert (now.status, now.signature) == (ModelStatus.READY, SIGNATURE)
    assert store.run_read(get_config, people.reader, version.id).runtime == "flight"
    assert stages(store, version)[Stage.READY].state == StageState.DONE
    assert (count(store, Preparation), count(store, ModelRuntime)) == (0, 1)


@pytest.mark.parametrize(
    ("framework", "name", "kind", "runtime"),
    [("mlflow", "m.zip", RuntimeKind.PROCESS, "mlflow"), ("sklearn", "m.pkl", RuntimeKind.ONNX, "onnx")],
)
def test_the_configuration_says_what_serves(
    store: SqlStore, people: People, framework: str, name: str, kind: RuntimeKind, runtime: str
) -> None:
    version = uploaded(store, people, framework, name)
    store.run_write(finish, taken(store).preparation.id, "one", Prepared(kind, "c" * 64, SIGNATURE, FileClass.UNKNOWN))
    assert store.run_read(get_config, people.reader, version.id).runtime == runtime


def test_a_failed_preparation_says_in_which_stage_and_why(store: SqlStore, people: People) -> None:
    version = uploaded(store, people)
    told = Told(Stage.ENVIRONMENT, StageState.FAILED, "no version fits", "all that uv said")
    assert store.run_write(fail, taken(store).preparation.id, "one", told)
    now = version_now(store, people, version)
    assert (now.status, now.error_summary) == (ModelStatus.ERROR, "stage environment: no version fits")
    assert stages(store, version)[Stage.ENVIRONMENT].log == "all that uv said"
    assert count(store, Preparation) == 0


def test_a_stage_keeps_when_it_began_and_the_end_of_a_long_log(store: SqlStore, people: People) -> None:
    version = uploaded(store, people)
    work = taken(store)
    for told in (
        Told(Stage.SCANNED, StageState.RUNNING, "looking"),
        Told(Stage.SCANNED, StageState.DONE, "looked", "x" * LOG_MAX + "the end"),
    ):
        assert store.run_write(note_stage, work.preparation.id, "one", told)
    stage = stages(store, version)[Stage.SCANNED]
    assert (stage.state, stage.message) == (StageState.DONE, "looked")
    assert stage.finished_at is not None
    assert stage.finished_at >= stage.started_at
    assert (stage.log or "").endswith("the end")
    assert len(stage.log or "") < LOG_MAX + 100


def test_what_a_runner_says_counts_no_longer_once_it_lost_the_preparation(store: SqlStore, people: People) -> None:
    version = uploaded(store, people)
    work = taken(store)
    store.run_write(give_up_preparations, ["one"])
    taken(store, "two")
    told = Told(Stage.SCANNED, StageState.FAILED, "late")
    assert not store.run_write(beat, work.preparation.id, "one")
    assert not store.run_write(note_stage, work.preparation.id, "one", told)
    assert not store.run_write(fail, work.preparation.id, "one", told)
    assert not store.run_write(finish, work.preparation.id, "one", PREPARED)
    assert version_now(store, people, version).status == ModelStatus.PREPARING
    assert store.run_write(beat, work.preparation.id, "two")


def test_a_preparation_over_which_three_runners_died_has_failed(store: SqlStore, people: People) -> None:
    version = uploaded(store, people)
    for attempt in range(3):
        work = taken(store, f"runner-{attempt}")
        running = Told(Stage.LOADED, StageState.RUNNING, "loading")
        store.run_write(note_stage, work.preparation.id, f"runner-{attempt}", running)
        store.run_write(give_up_preparations, [f"runner-{attempt}"])
    now = version_now(store, people, version)
    assert now.status == ModelStatus.ERROR
    assert "stage loaded: the process that prepared the model ended 3 times" in str(now.error_summary)
    assert store.run_write(take_preparation, "late") is None


def test_a_server_that_stops_is_not_blamed_on_the_preparation(store: SqlStore, people: People) -> None:
    version = uploaded(store, people)
    for _ in range(5):
        taken(store)
        store.run_write(give_up_preparations, ["one"], blamed=False)
    assert version_now(store, people, version).status == ModelStatus.PENDING
    assert taken(store).preparation.attempts == 0


def test_a_silent_runner_loses_its_preparation_and_no_other_does(store: SqlStore, people: People) -> None:
    version = uploaded(store, people)
    work = taken(store)
    store.run_write(sweep_preparations)
    assert store.run_write(beat, work.preparation.id, "one")

    def long_ago(tx: Tx) -> None:
        tx.change(Preparation, {"heartbeat_at": tx.now - 2 * RUNNER_TIMEOUT - timedelta(seconds=1)}, runner="one")

    store.run_write(long_ago)
    store.run_write(sweep_preparations)
    assert not store.run_write(beat, work.preparation.id, "one")
    assert version_now(store, people, version).status == ModelStatus.PENDING


def test_stages_of_an_attempt_before_do_not_stay(store: SqlStore, people: People) -> None:
    version = uploaded(store, people)
    work = taken(store)
    store.run_write(note_stage, work.preparation.id, "one", Told(Stage.SCANNED, StageState.DONE, "looked"))
    store.run_write(give_up_preparations, ["one"])
    taken(store, "two")
    assert list(stages(store, version)) == [Stage.UPLOADED]


def test_a_removed_version_leaves_nothing_of_its_preparation(store: SqlStore, people: People) -> None:
    waiting, ready = uploaded(store, people), uploaded(store, people)
    taken(store)
    store.run_write(finish, taken(store, "two").preparation.id, "two", PREPARED)
    store.run_write(delete_model_versions, people.owner, [waiting.version, ready.version])
    assert [count(store, kind) for kind in (Preparation, PreparationStage, ModelRuntime)] == [0, 0, 0]


def test_a_converted_file_is_referred_to_as_long_as_its_version_is_there(store: SqlStore, people: People) -> None:
    version = uploaded(store, people)
    converted = Prepared(RuntimeKind.ONNX, "c" * 64, SIGNATURE, FileClass.CODE)
    store.run_write(finish, taken(store).preparation.id, "one", converted)
    assert store.run_read(unreferenced, ["b" * 64, "c" * 64]) == []
    store.run_write(delete_model_versions, people.owner, [version.version])
    assert store.run_read(unreferenced, ["b" * 64, "c" * 64]) == ["b" * 64, "c" * 64]


def test_an_environment_is_wanted_as_long_as_a_version_runs_in_it(store: SqlStore, people: People) -> None:
    version = uploaded(store, people)
    assert store.run_read(wanted_environments) == set()
    store.run_write(finish, taken(store).preparation.id, "one", PREPARED)
    assert store.run_read(wanted_environments) == {"e" * 64}
    store.run_write(delete_model_versions, people.owner, [version.version])
    assert store.run_read(wanted_environments) == set()


@pytest.mark.parametrize(
    ("framework", "name"),
    [
        ("sklearn", "m.onnx"),
        ("keras", "m.pkl"),
        ("custom", "m.py"),
        ("python", "m.pkl"),
        ("hugging-face-summarization", "m.tar.gz"),
        ("vllm", "m.zip"),
        ("sglang", "m.zip"),
        ("nonsense", "m.zip"),
        ("sklearn", ""),
    ],
)
def test_files_and_frameworks_that_do_not_fit_are_refused(
    store: SqlStore, people: People, framework: str, name: str
) -> None:
    assert kind_of(uploaded, store, people, framework, name) is ErrorKind.INVALID
