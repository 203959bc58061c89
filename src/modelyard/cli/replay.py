"""``modelyard logs replay``"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cyclopts import App

from modelyard.cli.choose import by_version
from modelyard.cli.failures import CommandError
from modelyard.cli.logs_range import ROWS, Rows
from modelyard.cli.options import IN_WORKSPACE, InWorkspace, Output, examples
from modelyard.cli.screen import Columns, Screen
from modelyard.cli.session import in_workspace
from modelyard.client.replays import Replay, ReplayOf


@dataclass(frozen=True)
class _Output:
    """How one output differs."""

    name: str
    told: dict[str, Any]


_REPORT: Columns[dict[str, Any]] = {
    "Version": lambda report: report["version"],
    "Rows": lambda report: report["rows"],
    "Equal": lambda report: report["equal"],
    "Changed": lambda report: f"{report['changed']} ({report['changedShare']:.2%})",
    "Failed": lambda report: report["failed"],
    "Logged, ms a request": lambda report: report["latencyMilliseconds"]["logged"]["mean"],
    "Replayed, ms a request": lambda report: report["latencyMilliseconds"]["replayed"]["mean"],
    "Errors": lambda report: [f"{each['message']} ({each['rows']})" for each in report["errors"]],
}
_OUTPUTS: Columns[_Output] = {
    "OUTPUT": lambda row: row.name,
    "CHANGED": lambda row: row.told["changed"],
    "BEYOND TOLERANCE": lambda row: f"{row.told['beyondToleranceShare']:.2%}",
    "LARGEST DIFFERENCE": lambda row: float(row.told["largestDifference"]),
    "MEAN DIFFERENCE": lambda row: float(row.told["meanDifference"]),
    "LABELS": lambda row: [
        f"{each['logged']} -> {each['replayed']}: {each['rows']}"
        for each in row.told.get("labels", [])
        if each["logged"] != each["replayed"]
    ],
}
_EXAMPLES: Columns[dict[str, Any]] = {
    "REQUEST": lambda row: row["requestId"],
    "ROW": lambda row: row["row"],
    "OUTPUT": lambda row: row["output"],
    "LOGGED": lambda row: row["logged"],
    "REPLAYED": lambda row: row["replayed"],
    "DIFFERENCE": lambda row: row["difference"],
}


def replay(  # what, by which version, and what to do with the report
    pipeline: str,
    /,
    *,
    version: str = "",
    rows: Rows = ROWS,
    tolerance: float = 1e-6,
    timeout: float = 600.0,
    out: Path | None = None,
    place: InWorkspace = IN_WORKSPACE,
) -> None:
    """Have logged inputs answered by another version of the pipeline, and see how its answers differ.

    Parameters
    ----------
    pipeline
        Its name.
    version
        The version that answers, by the start of its id; the newest by default. It need not be deployed.
    tolerance
        Numbers may differ by so much, times the logged one where that is larger than 1.
    timeout
        Seconds to wait for the report.
    out
        Write the report to this file as JSON, too.
    """
    wanted = rows.range()
    with in_workspace(place) as session:
        chosen = session.client.pipelines.get(session.workspace.id, pipeline)
        uuid = by_version(f"pipeline {pipeline}", chosen.versions, version).version if version else None
        asked = ReplayOf(uuid, wanted.start, wanted.end, wanted.limit, tolerance)
        made = session.client.replays.create(chosen, asked)
        ended = session.client.replays.wait(chosen, made, timeout)
        if ended.report is None:
            raise CommandError(f"{ended.name}: {ended.error or ended.state}")
        _show(session.screen, ended, ended.report, whole=place.output is Output.JSON)
        if out is not None:
            out.write_text(json.dumps(ended.report) + "\n", "utf-8")


def register(app: App) -> None:
    """Add the command."""
    app.command(
        replay,
        help_epilogue=examples(
            "logs replay ccfraud -w fraud --since 1d --limit 10000",
            "logs replay ccfraud -w fraud --version 1f3c -o json",
        ),
    )


def _show(screen: Screen, ended: Replay, report: dict[str, Any], *, whole: bool) -> None:
    if whole:
        screen.json(report)
        return
    screen.one(report, _REPORT)
    screen.rows([_Output(name, told) for name, told in report["outputs"].items()], _OUTPUTS)
    if report["examples"]:
        screen.rows(report["examples"], _EXAMPLES)
    if ended.error:
        screen.say(f"{ended.name} failed: {ended.error}")
