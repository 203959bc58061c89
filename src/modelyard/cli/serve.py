"""``modelyard serve``"""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal, NoReturn

from cyclopts import App, Parameter

from modelyard.cli.failures import UsageError
from modelyard.cli.options import examples
from modelyard.server import serve as run_server
from modelyard.settings import SettingsError, load_settings

app = App(
    name="serve",
    help_epilogue="""Every option is also an environment variable (MODELYARD_PORT) and a key in a TOML file (port).
Flags beat the environment, the environment beats the file. docs/reference/configuration.md has all of them.

"""
    + examples(
        "serve",
        "serve --data /srv/modelyard --port 9000 --workers 4",
        "serve --config /etc/modelyard.toml",
    ),
)


@Parameter(name="*")
@dataclass(frozen=True)
class Flags:
    """The settings that are given as options; None leaves the choice to the environment, the file, the default."""

    host: str | None = None
    """The address to listen on. [default: 127.0.0.1]"""

    port: int | None = None
    """The port to listen on; 0 takes any free one. [default: 8080]"""

    grpc_port: int | None = None
    """The port for the Open Inference Protocol over gRPC; 0 serves none. [default: 0]"""

    data: Path | None = None
    """The folder that holds everything. [default: modelyard-data]"""

    workers: int | None = None
    """How many processes answer requests. [default: 2]"""

    database: str | None = None
    """A database instead of SQLite in the data folder, like postgresql://user@host/name."""

    public_url: str | None = None
    """How clients reach the server, if not at http://HOST:PORT."""

    realms: str | None = None
    """The realms of the token service, separated by commas. [default: master,deploy-realm]"""

    admin_email: str | None = None
    """The first administrator's e-mail. [default: admin@localhost]"""

    max_body_bytes: str | None = None
    """The largest request body but uploads, like 64MiB."""

    max_upload_bytes: str | None = None
    """The largest model file, like 10GiB."""

    inference_queue: int | None = None
    """How many requests to a deployment wait in a worker before others are refused. [default: 32]"""

    inference_timeout_seconds: int | None = None
    """How long a request to a deployment may take. [default: 60]"""

    trusted_proxies: str | None = None
    """Proxies, separated by commas, whose word counts on where a request came from; 10.0.0.0/8 for a network."""

    data_roots: str | None = None
    """Folders, separated by commas, whose files batch jobs may read and write; {namespace} in one is the workspace."""

    job_runners: int | None = None
    """How many jobs run and models are made ready at the same time; 0 for none. [default: 2]"""

    model_hang_seconds: int | None = None
    """How long one request may run in a model's own process before that is ended. [default: 60]"""

    package_folders: str | None = None
    """Folders with wheels, separated by commas, that the environments of models are made from."""

    sandbox_minimum: Literal["process", "restricted", "isolated"] | None = None
    """How far the processes of models with code must be locked in. [default: restricted]"""

    drain_seconds: int | None = None
    """How long running requests may take to end when the server stops. [default: 30]"""

    log_format: Literal["plain", "json"] | None = None
    """How the server's own log is written. [default: plain]"""

    log_level: Literal["debug", "info", "warning", "error"] | None = None
    """How much it says. [default: info]"""


NO_FLAGS = Flags()


@app.default
def serve(
    *, config: Annotated[Path | None, Parameter(name=["--config", "-c"])] = None, flags: Flags = NO_FLAGS
) -> NoReturn:
    """Run the server until it is told to stop.

    Parameters
    ----------
    config
        A TOML file with settings; by default modelyard.toml in the data folder, if there is one.
    """
    try:
        settings = load_settings(asdict(flags), os.environ, config)
    except SettingsError as error:
        raise UsageError(f"{error}.") from error
    run_server(settings)
