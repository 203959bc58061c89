"""``modelyard pipeline …``"""

from typing import Annotated

from cyclopts import App, Parameter

from modelyard.cli.choose import by_version
from modelyard.cli.failures import UsageError
from modelyard.cli.options import IN_WORKSPACE, InWorkspace, examples
from modelyard.cli.screen import Columns
from modelyard.cli.session import WorkspaceSession, in_workspace
from modelyard.client.models import ModelVersion
from modelyard.client.pipelines import Pipeline, PipelineVersion

app = App(name="pipeline")


def _steps(version: PipelineVersion) -> str:
    kinds = (", ".join(model.name for model in step.models) or step.kind for step in version.steps)
    return " > ".join(kinds)


PIPELINE_COLUMNS: Columns[Pipeline] = {
    "NAME": lambda row: row.name,
    "STEPS": lambda row: _steps(row.versions[0]) if row.versions else None,
    "VERSIONS": lambda row: len(row.versions),
    "DEPLOYED": lambda row: row.deployment is not None and row.deployment.deployed,
    "CREATED": lambda row: row.created_at,
}
VERSION_COLUMNS: Columns[PipelineVersion] = {
    "VERSION": lambda row: row.version,
    "STEPS": _steps,
    "CREATED": lambda row: row.created_at,
}


@app.command(
    help_epilogue=examples(
        "pipeline create ccfraud --step ccfraud -w fraud",
        "pipeline create ccfraud --step ccfraud --step fraud-threshold -w fraud",
        "pipeline create ccfraud --step ccfraud@1f3c -w fraud      (a version by the start of its id)",
    )
)
def create(
    name: str,
    /,
    *,
    step: Annotated[list[str], Parameter(name=["--step", "--model"], required=True)],
    place: InWorkspace = IN_WORKSPACE,
) -> None:
    """Save a pipeline, or a new version of it.

    Parameters
    ----------
    name
        Small letters, digits and hyphens.
    step
        A model, or MODEL@VERSION; without a version its newest. Repeat it for steps that follow one another.
    """
    with in_workspace(place) as session:
        versions = [_model_version(session, text) for text in step]
        pipeline = session.client.pipelines.create(session.workspace.id, name, versions)
        session.screen.say(f"Saved {name}. Bring it to life: `modelyard deploy {name}`.")
        session.screen.one(pipeline, PIPELINE_COLUMNS)


@app.command(name="list", help_epilogue=examples("pipeline list -w fraud"))
def show_all(*, place: InWorkspace = IN_WORKSPACE) -> None:
    """Show the pipelines of a workspace."""
    with in_workspace(place) as session:
        session.screen.rows(session.client.pipelines.list(session.workspace.id), PIPELINE_COLUMNS)


@app.command(help_epilogue=examples("pipeline show ccfraud -w fraud"))
def show(name: str, /, *, place: InWorkspace = IN_WORKSPACE) -> None:
    """Show the versions of a pipeline, newest first.

    Parameters
    ----------
    name
        Of the pipeline.
    """
    with in_workspace(place) as session:
        pipeline = session.client.pipelines.get(session.workspace.id, name)
        session.screen.rows(pipeline.versions, VERSION_COLUMNS)


def _model_version(session: WorkspaceSession, text: str) -> ModelVersion:
    name, _, prefix = text.partition("@")
    model = session.client.models.get(session.workspace.id, name)
    if not model.versions:
        raise UsageError(f"The model {name} has no version yet: `modelyard model upload {name} FILE`.")
    return by_version(f"model {name}", model.versions, prefix)
