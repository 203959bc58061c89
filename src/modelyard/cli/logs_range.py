"""Which rows of a log a command is about."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from cyclopts import Parameter

from modelyard.cli.failures import UsageError
from modelyard.client.logs import LogRange, Order


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
