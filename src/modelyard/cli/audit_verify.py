"""``modelyard audit verify``: reads the server's own database, so that no server has to be believed."""

import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from modelyard.bootstrap.audit_check import Finding, accept_audit, check_audit
from modelyard.bootstrap.data_folder import system_user
from modelyard.cli.failures import CommandError, ExitCode, UsageError
from modelyard.cli.options import Common, Output, examples
from modelyard.cli.screen import Columns, Screen
from modelyard.cli.serve import NO_FLAGS, Flags
from modelyard.core.audit.verification import Anchor
from modelyard.core.kernel.errors import DomainError
from modelyard.settings import Settings, SettingsError, load_settings

app = App(
    name="verify",
    help_epilogue=examples(
        "audit verify",
        "audit verify --data /srv/modelyard -o json",
        "audit verify --expect 1042:9f86d081884c7d65…    (as an earlier run showed it)",
    ),
)

COLUMNS: Columns[Finding] = {
    "whole": lambda row: row.problem is None and row.warning is None,
    "entries": lambda row: row.entries,
    "newest": lambda row: f"{row.entries}:{row.hash}",
    "problem": lambda row: row.problem,
    "warning": lambda row: row.warning,
}


@app.default
def verify(
    *,
    expect: str | None = None,
    accept: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    config: Annotated[Path | None, Parameter(name=["--config", "-c"])] = None,
    output: Annotated[Output, Parameter(name=["--output", "-o"])] = Output.TABLE,
    flags: Flags = NO_FLAGS,
) -> int:
    """Read the whole audit log on the server's machine and say whether anything was changed, taken out or cut off.

    Works with the server running or not. Exit code 1 if something is wrong.

    Parameters
    ----------
    expect
        NUMBER:HASH of an entry, as an earlier run showed the newest one: the log must still have it.
    accept
        Let the file audit.head begin anew at the end of the log, as after a backup was restored; the log tells of it.
    config
        A TOML file with settings; by default modelyard.toml in the data folder, if there is one.
    output
        How to write what was found to standard output.
    """
    settings = _settings(flags, config)
    anchor = _anchor(expect) if expect is not None else None
    if accept and anchor:
        raise UsageError("--accept and --expect contradict each other; give one of them.")
    try:
        found = accept_audit(settings, system_user()) if accept else check_audit(settings, anchor)
    except DomainError as error:
        raise CommandError(f"{error.message[:1].upper()}{error.message[1:]}.") from error
    Screen(Common(output=output)).one(found, COLUMNS)
    return ExitCode.FAILED if found.problem or found.warning else ExitCode.OK


def _settings(flags: Flags, config: Path | None) -> Settings:
    try:
        return load_settings(asdict(flags), os.environ, config)
    except SettingsError as error:
        raise UsageError(f"{error}.") from error


def _anchor(text: str) -> Anchor:
    found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text)
    if found is None:
        raise UsageError("--expect takes NUMBER:HASH, as this command shows the newest entry.")
    return Anchor(int(found[1]), found[2])
