"""``modelyard model …``"""

from pathlib import Path

from cyclopts import App

from modelyard.cli.options import IN_WORKSPACE, InWorkspace, examples
from modelyard.cli.progress import uploading
from modelyard.cli.screen import Columns
from modelyard.cli.session import in_workspace
from modelyard.client.models import Model, ModelVersion

app = App(name="model")

VERSION_COLUMNS: Columns[ModelVersion] = {
    "MODEL": lambda row: row.name,
    "VERSION": lambda row: row.version,
    "STATUS": lambda row: row.status,
    "FRAMEWORK": lambda row: row.framework,
    "FILE": lambda row: row.file_name,
    "BYTES": lambda row: row.size,
    "CREATED": lambda row: row.created_at,
    "BY": lambda row: row.created_by,
}
MODEL_COLUMNS: Columns[Model] = {
    "NAME": lambda row: row.name,
    "VERSIONS": lambda row: len(row.versions),
    "NEWEST": lambda row: row.versions[0].version if row.versions else None,
    "STATUS": lambda row: row.versions[0].status if row.versions else None,
    "CREATED": lambda row: row.created_at,
}


@app.command(
    help_epilogue=examples(
        "model upload ccfraud examples/models/ccfraud.onnx -w fraud",
        "model upload ccfraud examples/models/ccfraud_v2.onnx -o json",
    )
)
def upload(name: str, file: Path, /, *, framework: str = "onnx", place: InWorkspace = IN_WORKSPACE) -> None:
    """Upload a file as a model, or as a new version of it.

    Parameters
    ----------
    name
        Small letters, digits and hyphens.
    file
        The model file.
    framework
        What wrote the file.
    """
    size = file.stat().st_size
    with in_workspace(place) as session:
        with uploading(session.screen, file.name, size) as sent:
            version = session.client.models.upload(session.workspace.id, name, file, framework, sent)
        session.screen.say(f"Uploaded {file.name} as {name}, {size:,} bytes.")
        session.screen.one(version, VERSION_COLUMNS)


@app.command(name="list", help_epilogue=examples("model list -w fraud"))
def show_all(*, place: InWorkspace = IN_WORKSPACE) -> None:
    """Show the models of a workspace."""
    with in_workspace(place) as session:
        session.screen.rows(session.client.models.list(session.workspace.id), MODEL_COLUMNS)


@app.command(help_epilogue=examples("model versions ccfraud -w fraud"))
def versions(name: str, /, *, place: InWorkspace = IN_WORKSPACE) -> None:
    """Show the versions of a model, newest first.

    Parameters
    ----------
    name
        Of the model.
    """
    with in_workspace(place) as session:
        session.screen.rows(session.client.models.get(session.workspace.id, name).versions, VERSION_COLUMNS)
