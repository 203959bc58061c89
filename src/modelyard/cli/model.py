"""``modelyard model …``"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cyclopts import App

from modelyard.cli.failures import CommandError, UsageError
from modelyard.cli.options import IN_WORKSPACE, InWorkspace, examples
from modelyard.cli.progress import stages, uploading
from modelyard.cli.schemas import UNDECLARED, Declared
from modelyard.cli.screen import Columns
from modelyard.cli.session import in_workspace
from modelyard.client.models import Model, ModelVersion, Stage, VersionDetails

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
DETAIL_FIELDS: dict[str, Callable[[VersionDetails], object]] = {
    "MODEL": lambda row: row.name,
    "VERSION": lambda row: row.version,
    "NUMBER": lambda row: row.number,
    "FRAMEWORK": lambda row: row.framework,
    "STATUS": lambda row: row.status,
    "ERROR": lambda row: row.error,
    "TAKES": lambda row: list(row.inputs) or None,
    "GIVES": lambda row: list(row.outputs) or None,
    "SERVED BY": lambda row: row.runtime,
    "FILE": lambda row: row.file_class,
    "PARITY": lambda row: _parity(row.parity),
    "ENVIRONMENT": lambda row: row.environment,
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
        "model upload churn churn.joblib --framework sklearn",
        "model upload churn churn.joblib --framework sklearn --input-schema 'inputs: float64[4]'",
        "model upload words words.zip --framework custom --input-schema in.schema --output-schema out.schema",
    )
)
def upload(
    name: str,
    file: Path,
    /,
    *,
    framework: str = "onnx",
    require: tuple[str, ...] = (),
    tensors: Declared = UNDECLARED,
    wait: bool = True,
    place: InWorkspace = IN_WORKSPACE,
) -> None:
    """Upload a file as a model, or as a new version of it, and wait until it can be served.

    Parameters
    ----------
    name
        Small letters, digits and hyphens.
    file
        The model file.
    framework
        What wrote the file: onnx, sklearn, xgboost, lightgbm, tensorflow, keras, pytorch, mlflow, python, custom or
        hugging-face-TASK.
    require
        A package that the model needs, like scikit-learn==1.7.2; may be given several times.
    wait
        Do not return before the version is ready, or has failed.
    """
    if framework == "onnx" and tensors != UNDECLARED:
        raise UsageError("An ONNX file says itself what its tensors are; leave out --input-schema and --output-schema.")
    schemas = tensors.schemas()
    size = file.stat().st_size
    with in_workspace(place) as session:
        with uploading(session.screen, file.name, size) as sent:
            version = session.client.models.upload(session.workspace.id, name, file, framework, sent, require, schemas)
        session.screen.say(f"Uploaded {file.name} as {name}, {size:,} bytes.")
        if wait and version.status not in ("ready", "error"):
            with stages(session.screen, f"Making {name} ready") as tell:
                details = session.client.models.wait(session.workspace.id, version, tell)
            if details.error is not None:
                hint = f"`modelyard model show {name}` has the log of each stage."
                raise CommandError(f"{name} cannot be served: {details.error}", hint=hint)
            version = session.client.models.version(version.id)
        session.screen.one(version, VERSION_COLUMNS)


@app.command(
    help_epilogue=examples("model show churn", "model show churn --version 2 --log", "model show churn -o json")
)
def show(name: str, /, *, version: str = "latest", log: bool = False, place: InWorkspace = IN_WORKSPACE) -> None:
    """Show how a version became one that can be served, and what serves it.

    Parameters
    ----------
    name
        Of the model.
    version
        Its number or uuid; the newest by default.
    log
        Also show all that was printed in each stage.
    """
    with in_workspace(place) as session:
        details = session.client.models.details(session.workspace.id, name, version)
        session.screen.one(details, DETAIL_FIELDS | {f"STAGE {each.stage}": _of_stage(each) for each in details.stages})
        for each in details.stages if log else ():
            session.screen.say(f"--- {each.stage}: {each.state}\n{each.log or ''}")


def _of_stage(stage: Stage) -> Callable[[VersionDetails], object]:
    return lambda _: f"{stage.state}: {stage.message}"


def _parity(found: dict[str, Any] | None) -> str | None:
    if found is None:
        return None
    return f"{found.get('rows')} rows, differences of at most {found.get('max_difference')}"


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
