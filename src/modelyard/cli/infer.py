"""``modelyard infer``"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
from cyclopts import App, Parameter

from modelyard.cli.deployment import deployment_of
from modelyard.cli.failures import UsageError
from modelyard.cli.options import IN_WORKSPACE, InWorkspace, Output, examples
from modelyard.cli.results import show_records, write_result
from modelyard.cli.session import in_workspace

app = App(
    name="infer",
    help_epilogue=examples(
        "infer ccfraud examples/data/ccfraud_smoke.df.json -w fraud",
        "infer ccfraud examples/data/ccfraud_1k.arrow -w fraud --out answers.arrow",
        "infer house-price --json '[{\"tensor\": [120, 300, 4, 2, 2, 30, 5, 4, 3, 1, 0, 12, 6, 1, 1, 50, 0, 1]}]'",
        "infer ccfraud - -w fraud -o json < rows.json",
    ),
)

ARROW_MAGIC = b"ARROW1"


@app.default
def infer(
    pipeline: str,
    file: Annotated[Path | None, Parameter(allow_leading_hyphen=True)] = None,
    /,
    *,
    text: Annotated[str | None, Parameter(name="--json")] = None,
    out: Path | None = None,
    place: InWorkspace = IN_WORKSPACE,
) -> None:
    """Ask a deployed pipeline.

    Parameters
    ----------
    pipeline
        Its name.
    file
        The rows: JSON records or an Arrow file; `-` reads them from standard input.
    text
        The rows as JSON on the command line.
    out
        Write all answers to this file, as an Arrow file if its name ends so, else as JSON.
    """
    rows = parse_rows(_content(file, text))
    with in_workspace(place) as session:
        deployment = deployment_of(session.client.pipelines.get(session.workspace.id, pipeline))
        if isinstance(rows, pa.Table):
            answers = session.client.inference.table(deployment, rows)
        else:
            answers = session.client.inference.records(deployment, rows)
        if out is not None:
            write_result(out, answers)
            session.screen.say(f"Wrote {len(answers):,} answers to {out}.")
            return
        records = answers.to_pylist() if isinstance(answers, pa.Table) else answers
        show_records(session.screen, records, whole=place.output is Output.JSON)


def parse_rows(content: bytes) -> "pa.Table | list[dict[str, Any]]":
    """Rows from the bytes of an Arrow file or of JSON: a list of records, or one record alone."""
    if content.startswith(ARROW_MAGIC):
        try:
            with pa.ipc.open_file(content) as reader:
                return reader.read_all()
        except pa.ArrowInvalid as error:
            raise UsageError(f"The Arrow file cannot be read: {error}.") from error
    try:
        rows = json.loads(content)
    except ValueError as error:
        raise UsageError(f"The rows are neither an Arrow file nor JSON: {error}.") from error
    records = [rows] if isinstance(rows, dict) else rows
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise UsageError('The rows are JSON but not records. Write them like [{"tensor": [1.0, 2.0]}].')
    return records


def _content(file: Path | None, text: str | None) -> bytes:
    if (file is None) == (text is None):
        raise UsageError("Give the rows once: as FILE, as - for standard input, or with --json TEXT.")
    if text is not None:
        return text.encode()
    return sys.stdin.buffer.read() if str(file) == "-" else Path(str(file)).read_bytes()
