"""``modelyard logs``"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from modelyard.cli.failures import UsageError
from modelyard.cli.options import IN_WORKSPACE, InWorkspace, Output, examples
from modelyard.cli.results import show_records, write_result
from modelyard.cli.session import in_workspace
from modelyard.client.logs import LogRange, Order

app = App(
    name="logs",
    help_epilogue=examples(
        "logs ccfraud -w fraud",
        "logs ccfraud -w fraud --since 2h --limit 1000 -o json",
        "logs ccfraud --start 2026-05-03T14:00 --end 2026-05-03T15:00",
        "logs ccfraud -w fraud --limit 100000 --out logs.arrow",
    ),
)


@Parameter(name="*")
@dataclass(frozen=True)
class Rows:
    """Which rows of the log."""

    limit: Annotated[int, Parameter(name=["--limit", "-n"])] = 100
    """At most so many rows."""

    since: timedelta | None = None
    """Only rows younger than this: 30m, 2h, 7d."""

    start: datetime | None = None
    """Only rows from this time on; without an offset it is local time."""

    end: datetime | None = None
    """Only rows up to this time."""

    oldest_first: Annotated[bool, Parameter(negative="", show_default=False)] = False
    """Begin with the oldest row instead of the newest."""

    def range(self) -> LogRange:
        """The same as the client wants it. Raises UsageError when the options contradict each other."""
        if self.limit < 1:
            raise UsageError(f"--limit {self.limit} asks for nothing; give at least 1.")
        if self.since is not None and self.start is not None:
            raise UsageError("--since and --start say the same thing; give one of them.")
        start = datetime.now(UTC) - self.since if self.since is not None else self.start
        order = Order.OLDEST_FIRST if self.oldest_first else Order.NEWEST_FIRST
        return LogRange(self.limit, start and start.astimezone(), self.end and self.end.astimezone(), order)


ROWS = Rows()


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
