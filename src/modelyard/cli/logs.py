"""``modelyard logs``"""

from pathlib import Path

from cyclopts import App

from modelyard.cli import log_search, replay
from modelyard.cli.logs_range import ROWS, Rows
from modelyard.cli.options import IN_WORKSPACE, InWorkspace, Output, examples
from modelyard.cli.results import show_records, write_result
from modelyard.cli.session import in_workspace

app = App(
    name="logs",
    help_epilogue=examples(
        "logs ccfraud -w fraud",
        "logs ccfraud -w fraud --since 2h --limit 1000 -o json",
        "logs ccfraud --start 2026-05-03T14:00 --end 2026-05-03T15:00",
        "logs ccfraud -w fraud --limit 100000 --out logs.arrow",
    ),
)


log_search.register(app)
replay.register(app)


@app.default
def logs(pipeline: str, /, *, rows: Rows = ROWS, out: Path | None = None, place: InWorkspace = IN_WORKSPACE) -> None:
    """Read what a pipeline was asked and what it answered.

    Parameters
    ----------
    pipeline
        Its name.
    out
        Write the rows to this file, as an Arrow file if its name ends so, else as JSON.
    """
    wanted = rows.range()
    with in_workspace(place) as session:
        chosen = session.client.pipelines.get(session.workspace.id, pipeline)
        records = session.client.logs.records(chosen, wanted)
        if out is not None:
            write_result(out, records)
            session.screen.say(f"Wrote {len(records):,} rows to {out}.")
        else:
            show_records(session.screen, records, whole=place.output is Output.JSON)
