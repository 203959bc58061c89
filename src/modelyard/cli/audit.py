"""``modelyard audit …``"""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from modelyard.cli.failures import UsageError
from modelyard.cli.options import COMMON, Common, examples
from modelyard.cli.screen import Columns
from modelyard.cli.session import connected
from modelyard.client.audit import AuditEntry, AuditFilter, AuditFormat

app = App(name="audit")
app.command("modelyard.cli.audit_verify:app", name="verify", help="Say whether the log is still what was written.")

COLUMNS: Columns[AuditEntry] = {
    "ENTRY": lambda row: row.id,
    "TIME": lambda row: row.at,
    "WHO": lambda row: row.actor_name or None,
    "FROM": lambda row: row.address,
    "ACTION": lambda row: row.action,
    "OBJECT": lambda row: f"{row.object_type} {row.object_id}".rstrip(),
    "OUTCOME": lambda row: row.outcome,
    "DETAILS": lambda row: ", ".join(f"{name}={value}" for name, value in row.details.items()) or None,
}


@Parameter(name="*")
@dataclass(frozen=True)
class Wanted:
    """Which entries; all that is given must hold."""

    since: timedelta | None = None
    """Only entries younger than this: 30m, 2h, 7d."""

    start: datetime | None = None
    """Only entries from this time on; without an offset it is local time."""

    end: datetime | None = None
    """Only entries up to this time."""

    actor: str | None = None
    """Only what this user did, by the name they sign in with."""

    action: str | None = None
    """Only this action, like session.login; docs/reference/audit-log.md lists them."""

    object: str | None = None
    """Only what was done with this thing: its TYPE or TYPE:ID, like workspace:12."""

    outcome: str | None = None
    """Only ok, refused or failed."""

    address: str | None = None
    """Only what came from this network address."""

    def filter(self) -> AuditFilter:
        """The same as the client wants it. Raises UsageError when the options contradict each other."""
        if self.since is not None and self.start is not None:
            raise UsageError("--since and --start say the same thing; give one of them.")
        start = datetime.now(UTC) - self.since if self.since is not None else self.start
        kind, _, which = (self.object or "").partition(":")
        return AuditFilter(
            since=start and start.astimezone(),
            until=self.end and self.end.astimezone(),
            actor=self.actor,
            action=self.action,
            object_type=kind or None,
            object_id=which or None,
            outcome=self.outcome,
            address=self.address,
        )


WANTED = Wanted()


@app.command(
    help_epilogue=examples(
        "audit search --since 1d",
        "audit search --action session.login --outcome refused",
        "audit search --actor ada@example.com --object workspace:12 -o json",
    )
)
def search(
    *,
    wanted: Wanted = WANTED,
    limit: Annotated[int, Parameter(name=["--limit", "-n"])] = 100,
    common: Common = COMMON,
) -> None:
    """Show entries of the audit log, newest first.

    Parameters
    ----------
    limit
        At most so many.
    """
    if limit < 1:
        raise UsageError(f"--limit {limit} asks for nothing; give at least 1.")
    chosen = wanted.filter()
    with connected(common) as session:
        session.screen.rows(session.client.audit.search(chosen, limit), COLUMNS)


@app.command(
    help_epilogue=examples("audit export --out audit.jsonl", "audit export --since 30d --format csv --out audit.csv")
)
def export(
    *,
    wanted: Wanted = WANTED,
    file_format: Annotated[AuditFormat, Parameter(name="--format")] = AuditFormat.JSONL,
    out: Path | None = None,
    common: Common = COMMON,
) -> None:
    """Write entries of the audit log, oldest first, to a file or to standard output.

    Parameters
    ----------
    file_format
        An object a line, or CSV for spreadsheets.
    out
        The file; it is complete or not there.
    """
    chosen = wanted.filter()
    with connected(common) as session:
        pieces = session.client.audit.export(chosen, file_format)
        if out is None:
            for piece in pieces:
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
            return
        partial = out.with_name(f"{out.name}.part")
        try:
            with partial.open("wb") as file:
                file.writelines(pieces)
            partial.replace(out)
        finally:
            partial.unlink(missing_ok=True)
        session.screen.say(f"Wrote {out}.")
