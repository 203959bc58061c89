"""The Python client against a running server: the whole way of a model, and what goes wrong on it."""

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import numpy as np
import onnxruntime
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from modelyard.client import (
    Client,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    LogRange,
    NotFoundError,
    NotSignedInError,
    Order,
    Pipeline,
    Role,
    State,
    TokenCache,
    TooLargeError,
    config_folder,
    login,
)
from running import RunningServer, StartServer
from wire import invite

EXAMPLES = Path(__file__).parents[2] / "examples"
CCFRAUD = EXAMPLES / "models" / "ccfraud.onnx"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment without any sign-in."""
    return {"XDG_CONFIG_HOME": str(tmp_path)}


@pytest.fixture
def client(live_server: RunningServer, environ: dict[str, str]) -> Iterator[Client]:
    with as_admin(live_server, environ) as client:
        yield client


@pytest.fixture
def workspace_id(client: Client) -> int:
    return client.workspaces.create(f"client-{uuid.uuid4().hex[:8]}")


def as_admin(server: RunningServer, environ: dict[str, str]) -> Client:
    return Client(server.url, username=server.admin_username, password=server.admin_password, environ=environ)


def payments(count: int) -> pa.Table:
    """The first rows of the fraud data."""
    with pa.ipc.open_file(EXAMPLES / "data" / "ccfraud_1k.arrow") as reader:
        return reader.read_all()[:count]


def expected(model: str, table: pa.Table) -> NDArray[np.float32]:
    """What onnxruntime answers by itself."""
    rows = np.array(table["tensor"].to_pylist(), np.float32)
    session = onnxruntime.InferenceSession(EXAMPLES / "models" / f"{model}.onnx")
    return np.asarray(session.run(["dense_1"], {"tensor": rows})[0]).ravel()


def deployed(client: Client, workspace_id: int, name: str = "fraud") -> Pipeline:
    """A running pipeline of the first fraud network."""
    version = client.models.upload(workspace_id, "ccfraud", CCFRAUD)
    pipeline = client.pipelines.create(workspace_id, name, [version])
    client.deployments.wait_running(client.deployments.deploy(pipeline))
    return client.pipelines.get(workspace_id, name)


def test_a_model_goes_all_the_way(client: Client, workspace_id: int) -> None:
    sent: list[int] = []
    version = client.models.upload(workspace_id, "ccfraud", CCFRAUD, progress=sent.append)
    assert (version.status, version.size, sent[-1]) == ("ready", CCFRAUD.stat().st_size, CCFRAUD.stat().st_size)

    pipeline = client.pipelines.create(workspace_id, "fraud", [version])
    assert [step.models[0].version for step in pipeline.versions[0].steps] == [version.version]

    deployment = client.deployments.deploy(pipeline)
    client.deployments.wait_running(deployment)
    assert [model.name for model in client.deployments.status(deployment).models] == ["ccfraud"]

    table = payments(20)
    from_records = client.inference.records(deployment, table.to_pylist())
    from_table = client.inference.table(deployment, table)
    np.testing.assert_allclose(
        np.ravel([row["out.dense_1"] for row in from_records]), expected("ccfraud", table), rtol=1e-6
    )
    np.testing.assert_array_equal(
        np.ravel(from_table["out.dense_1"].to_pylist()).astype(np.float32), expected("ccfraud", table)
    )
    assert len(client.logs.records(pipeline, LogRange(limit=100))) == 40

    client.deployments.undeploy(deployment)
    client.deployments.wait_stopped(deployment)
    assert client.deployments.status(deployment).state is State.STOPPED
    with pytest.raises((NotFoundError, ConflictError)):
        client.inference.records(deployment, table.to_pylist())


def test_deploying_a_new_version_changes_the_answers_in_place(client: Client, workspace_id: int) -> None:
    pipeline = deployed(client, workspace_id)
    second = client.models.upload(workspace_id, "ccfraud", EXAMPLES / "models" / "ccfraud_v2.onnx")
    pipeline = client.pipelines.create(workspace_id, "fraud", [second])
    deployment = client.deployments.deploy(pipeline)
    client.deployments.wait_running(deployment)
    assert deployment == pipeline.deployment
    answers = client.inference.table(deployment, payments(5))["out.dense_1"].to_pylist()
    np.testing.assert_array_equal(np.ravel(answers).astype(np.float32), expected("ccfraud_v2", payments(5)))
    assert client.models.get(workspace_id, "ccfraud").versions[0].id == second.id


def test_callers_are_never_without_an_answer_while_a_version_replaces_another(
    start_server: StartServer, environ: dict[str, str]
) -> None:
    with as_admin(start_server(workers=2), environ) as client:
        workspace_id = client.workspaces.create("replacing")
        pipeline = deployed(client, workspace_id)
        second = client.models.upload(workspace_id, "ccfraud", EXAMPLES / "models" / "ccfraud_v2.onnx")
        saved = client.pipelines.create(workspace_id, "fraud", [second])
        row = payments(1)
        ended = Event()
        with ThreadPoolExecutor() as threads:
            asked = threads.submit(ask_until, ended, client, pipeline, row)
            client.deployments.wait_running(client.deployments.deploy(saved))
            ended.set()
        answers = [round(answer, 6) for answer in asked.result()]
    old, new = (round(float(expected(model, row)[0]), 6) for model in ("ccfraud", "ccfraud_v2"))
    assert set(answers) <= {old, new}
    assert answers[-1] == new


def ask_until(ended: Event, client: Client, pipeline: Pipeline, table: pa.Table) -> list[float]:
    """The answers to one row, asked again and again until it has ended, and once more after."""
    assert pipeline.deployment is not None
    answers = []
    while True:
        last = ended.is_set()
        answers.append(client.inference.table(pipeline.deployment, table)["out.dense_1"][0].as_py()[0])
        if last:
            return answers


def test_dataset_chooses_columns(client: Client, workspace_id: int) -> None:
    deployment = deployed(client, workspace_id).deployment
    assert deployment is not None
    (answer,) = client.inference.records(deployment, payments(1).to_pylist(), ["out", "metadata"], ["time"])
    assert {name.split(".")[0] for name in answer} == {"out", "metadata"}


def test_logs_are_read_over_page_ends_in_either_order(client: Client, workspace_id: int) -> None:
    pipeline = deployed(client, workspace_id)
    assert pipeline.deployment is not None
    for _ in range(2):
        client.inference.table(pipeline.deployment, payments(1000))
    newest = client.logs.records(pipeline, LogRange(limit=1500))
    oldest = client.logs.records(pipeline, LogRange(limit=5000, order=Order.OLDEST_FIRST))
    assert (len(newest), len(oldest)) == (1500, 2000)
    np.testing.assert_allclose(
        np.ravel([row["out"]["dense_1"] for row in oldest[:1000]]), expected("ccfraud", payments(1000)), rtol=1e-6
    )
    assert [row["out"] for row in newest[:3]] == [row["out"] for row in oldest[:-4:-1]]
    assert sum(table.num_rows for table in client.logs.tables(pipeline, LogRange(limit=1500))) == 1500


def test_a_wrong_password_is_refused_without_saying_what_was_wrong(
    live_server: RunningServer, environ: dict[str, str]
) -> None:
    told = set()
    for username in ("admin", "nobody"):
        client = Client(live_server.url, username=username, password="wrong", environ=environ)
        with client, pytest.raises(NotSignedInError) as refusal:
            client.workspaces.list()
        told.add(str(refusal.value))
    assert len(told) == 1


def test_a_refused_token_says_where_a_new_one_goes(live_server: RunningServer, environ: dict[str, str]) -> None:
    client = Client(live_server.url, token="nonsense", environ=environ)
    with client, pytest.raises(NotSignedInError, match="MODELYARD_TOKEN"):
        client.workspaces.list()


def test_a_login_is_found_by_the_next_client_and_renewed_in_time(
    start_server: StartServer, environ: dict[str, str]
) -> None:
    server = start_server(access_token_seconds=12)  # two seconds more than the client's margin
    cache = TokenCache(config_folder(environ))
    first = login(server.url, server.admin_username, server.admin_password, cache)
    with Client(environ=environ) as client:
        assert client.whoami().username == "admin"
        assert cache.load(server.url) == first
        time.sleep(2.1)
        assert client.whoami().username == "admin"
    second = cache.load(server.url)
    assert second is not None
    assert second.access_token != first.access_token
    with Client(environ=environ | {"MODELYARD_TOKEN": second.access_token}) as client:
        assert client.whoami().username == "admin"


def test_a_personal_access_token_is_a_token_like_any_other(
    client: Client, live_server: RunningServer, environ: dict[str, str]
) -> None:
    ends = datetime.now(UTC) + timedelta(days=1)
    made = client.tokens.create(f"client-{uuid.uuid4().hex[:8]}", ["all"], ends)
    assert made.expires_at == ends
    with Client(live_server.url, environ=environ | {"MODELYARD_TOKEN": made.token}) as same:
        assert same.whoami() == client.whoami()
        with pytest.raises(ConflictError, match="revoke it first"):
            same.tokens.create(made.name)
        assert made.id in {token.id for token in same.tokens.list()}
        client.tokens.revoke(made.id)
        with pytest.raises(NotSignedInError, match="revoked"):
            same.whoami()
    with pytest.raises(InvalidRequestError, match="offset"):
        client.tokens.create("naive", expires_at=ends.replace(tzinfo=None))


def test_an_administrator_makes_accounts_for_programs(
    client: Client, live_server: RunningServer, environ: dict[str, str], workspace_id: int
) -> None:
    made = client.service_accounts.create(f"robot-{uuid.uuid4().hex[:8]}", "nightly", role="USER")
    assert made in client.service_accounts.list()
    token = client.tokens.create("t", service_account=made.name).token
    client.workspaces.add_user(workspace_id, made.name, Role.READER)
    with Client(live_server.url, token=token, environ=environ) as robot:
        assert [workspace.id for workspace in robot.workspaces.list()] == [workspace_id]
        with pytest.raises(ForbiddenError):
            robot.service_accounts.list()
        client.service_accounts.delete(made.id)
        with pytest.raises(NotSignedInError):
            robot.workspaces.list()


def test_members_see_a_workspace_and_strangers_do_not(
    client: Client, live_server: RunningServer, environ: dict[str, str]
) -> None:
    name = f"members-{uuid.uuid4().hex[:8]}"
    workspace_id = client.workspaces.create(name)
    ada = invite(live_server, "ada")
    with Client(live_server.url, username=ada.email, password=ada.password, environ=environ) as hers:
        with pytest.raises(NotFoundError, match=name):
            hers.workspaces.get(name)
        client.workspaces.add_user(workspace_id, ada.email, Role.READER)
        assert hers.workspaces.get(name).id == workspace_id
        roles = {member.user_id: member.role for member in client.workspaces.members(workspace_id)}
        assert roles[ada.id] is Role.READER
        assert client.workspaces.remove_user(workspace_id, ada.email)
        with pytest.raises(NotFoundError, match=name):
            hers.workspaces.get(name)


def test_a_deactivated_user_is_shut_out_until_activated(
    client: Client, live_server: RunningServer, environ: dict[str, str]
) -> None:
    made = client.users.invite(f"bob-{uuid.uuid4().hex[:8]}@example.com")
    bob = next(user for user in client.users.list() if user.id == made.id)
    assert bob.email is not None
    client.users.deactivate(bob.email)
    with Client(live_server.url, username=bob.email, password=made.password, environ=environ) as his:
        with pytest.raises(NotSignedInError):
            his.workspaces.list()
        client.users.activate(bob.email)
        assert his.whoami().id == bob.id


def test_what_is_missing_is_named_with_what_there_is(client: Client, workspace_id: int) -> None:
    pipeline = deployed(client, workspace_id)
    with pytest.raises(NotFoundError, match="There are: ccfraud"):
        client.models.get(workspace_id, "cfraud")
    with pytest.raises(NotFoundError, match="There are: fraud"):
        client.pipelines.get(workspace_id, "farud")
    with pytest.raises(NotFoundError):
        client.pipelines.by_id(pipeline.id + 10_000)


def test_a_file_that_is_no_model_is_refused_and_leaves_nothing(
    client: Client, workspace_id: int, tmp_path: Path
) -> None:
    file = tmp_path / "poem.onnx"
    file.write_text("roses are red")
    with pytest.raises(InvalidRequestError):
        client.models.upload(workspace_id, "poem", file)
    assert client.models.list(workspace_id) == ()


def test_a_file_over_the_limit_is_refused(start_server: StartServer, environ: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "large.onnx"
    file.write_bytes(bytes(3_000_000))
    with as_admin(start_server(max_upload_bytes="1MiB"), environ) as client:
        workspace_id = client.workspaces.create("large")
        with pytest.raises(TooLargeError):
            client.models.upload(workspace_id, "large", file)


def test_wrong_rows_are_told_with_column_and_shape(client: Client, workspace_id: int) -> None:
    deployment = deployed(client, workspace_id).deployment
    assert deployment is not None
    with pytest.raises(InvalidRequestError, match=r"tensor.*29"):
        client.inference.records(deployment, [{"tensor": [1.0, 2.0]}])
