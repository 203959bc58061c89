"""``modelyard deploy``, ``modelyard status`` and ``modelyard undeploy``"""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import App, Parameter

from modelyard.cli.choose import by_version
from modelyard.cli.options import IN_WORKSPACE, InWorkspace, examples
from modelyard.cli.progress import stages
from modelyard.cli.screen import Columns
from modelyard.cli.session import WorkspaceSession, in_workspace
from modelyard.client.deployments import DeploymentStatus, LoadedModel, State
from modelyard.client.errors import NotFoundError
from modelyard.client.pipelines import Deployment, Pipeline

deploy_app = App(
    name="deploy",
    help_epilogue=examples(
        "deploy ccfraud -w fraud",
        "deploy ccfraud -w fraud --version 1f3c    (an older version, by the start of its id)",
        "deploy ccfraud -w fraud --no-wait && modelyard status ccfraud -w fraud",
    ),
)
status_app = App(name="status", help_epilogue=examples("status -w fraud", "status ccfraud -w fraud -o json"))
undeploy_app = App(name="undeploy", help_epilogue=examples("undeploy ccfraud -w fraud"))

Wait = Annotated[bool, Parameter(name="--wait", negative="--no-wait")]


@dataclass(frozen=True)
class StatusRow:
    """How one pipeline is."""

    pipeline: str
    state: State
    models: tuple[LoadedModel, ...]
    details: tuple[str, ...]
    url: str | None


STATUS_COLUMNS: Columns[StatusRow] = {
    "PIPELINE": lambda row: row.pipeline,
    "STATE": lambda row: row.state,
    "MODELS": lambda row: [f"{model.name} {model.state}" for model in row.models],
    "URL": lambda row: row.url,
    "DETAILS": lambda row: " ".join(row.details) or None,
}


@deploy_app.default
def deploy(
    pipeline: str,
    /,
    *,
    version: str = "",
    wait: Wait = True,
    timeout: float = 60.0,
    place: InWorkspace = IN_WORKSPACE,
) -> None:
    """Bring a pipeline to life.

    Parameters
    ----------
    pipeline
        Its name.
    version
        Which version of it, by the start of its id; by default the newest.
    wait
        Wait until it runs.
    timeout
        How long to wait, in seconds.
    """
    with in_workspace(place) as session:
        chosen = session.client.pipelines.get(session.workspace.id, pipeline)
        which = by_version(f"pipeline {pipeline}", chosen.versions, version) if version else None
        deployment = session.client.deployments.deploy(chosen, which)
        if wait:
            with stages(session.screen, f"Deploying {pipeline}") as show:
                session.client.deployments.wait_running(deployment, timeout, lambda status: show(_stage(status)))
        session.screen.one(_row(session, chosen, deployment), STATUS_COLUMNS)


@undeploy_app.default
def undeploy(pipeline: str, /, *, wait: Wait = True, timeout: float = 60.0, place: InWorkspace = IN_WORKSPACE) -> None:
    """Stop a pipeline.

    Parameters
    ----------
    pipeline
        Its name.
    wait
        Wait until it is gone.
    timeout
        How long to wait, in seconds.
    """
    with in_workspace(place) as session:
        deployment = deployment_of(session.client.pipelines.get(session.workspace.id, pipeline))
        session.client.deployments.undeploy(deployment)
        if wait:
            with stages(session.screen, f"Stopping {pipeline}") as show:
                session.client.deployments.wait_stopped(deployment, timeout, lambda status: show(_stage(status)))
        session.screen.say(f"{pipeline} no longer runs." if wait else f"{pipeline} is stopping.")


@status_app.default
def status(pipeline: str | None = None, /, *, place: InWorkspace = IN_WORKSPACE) -> None:
    """Show what runs.

    Parameters
    ----------
    pipeline
        Its name; by default all of the workspace.
    """
    with in_workspace(place) as session:
        if pipeline is not None:
            chosen = session.client.pipelines.get(session.workspace.id, pipeline)
            session.screen.one(_row(session, chosen, chosen.deployment), STATUS_COLUMNS)
            return
        pipelines = session.client.pipelines.list(session.workspace.id)
        rows = [_row(session, pipeline, pipeline.deployment) for pipeline in pipelines]
        session.screen.rows(rows, STATUS_COLUMNS)


def deployment_of(pipeline: Pipeline) -> Deployment:
    """Where a pipeline runs; the error says how to make it run."""
    if pipeline.deployment is None or not pipeline.deployment.deployed:
        hint = f"Bring it to life: `modelyard deploy {pipeline.name} -w {pipeline.workspace_name}`."
        raise NotFoundError(f"{pipeline.name} is not deployed.", hint=hint)
    return pipeline.deployment


def _row(session: WorkspaceSession, pipeline: Pipeline, deployment: Deployment | None) -> StatusRow:
    deployments = session.client.deployments
    status = deployments.status(deployment) if deployment else DeploymentStatus(State.STOPPED)
    url = None if status.state is State.STOPPED else deployments.url(pipeline)
    return StatusRow(pipeline.name, status.state, status.models, status.details, url)


def _stage(status: DeploymentStatus) -> str:
    models = (f"{model.name} {model.state}" for model in status.models)
    return " · ".join([status.state, *models, *status.details])
