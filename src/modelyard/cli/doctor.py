"""``modelyard doctor``"""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from modelyard.cli.failures import ExitCode, UsageError
from modelyard.cli.options import Common, Output, examples
from modelyard.cli.screen import Columns, Screen
from modelyard.cli.serve import NO_FLAGS, Flags
from modelyard.doctor import Check, Status, run_doctor
from modelyard.settings import SettingsError, load_settings

app = App(
    name="doctor", help_epilogue=examples("doctor", "doctor --data /srv/modelyard", "doctor --environments -o json")
)

COLUMNS: Columns[Check] = {
    "CHECK": lambda row: row.name,
    "STATUS": lambda row: row.status,
    "FOUND": lambda row: row.detail,
    "WHAT TO DO": lambda row: row.advice or None,
}


@app.default
def doctor(
    *,
    config: Annotated[Path | None, Parameter(name=["--config", "-c"])] = None,
    output: Annotated[Output, Parameter(name=["--output", "-o"])] = Output.TABLE,
    environments: Annotated[bool, Parameter(negative="")] = False,
    flags: Flags = NO_FLAGS,
) -> int:
    """Look for what may keep the server from working on this machine. Changes nothing; exit code 1 if it found a fault.

    Parameters
    ----------
    config
        A TOML file with settings; by default modelyard.toml in the data folder, if there is one.
    output
        How to write what was found to standard output.
    environments
        Read every file of the models' environments: are they those that were installed?
    """
    try:
        settings = load_settings(asdict(flags), os.environ, config)
    except SettingsError as error:
        raise UsageError(f"{error}.") from error
    checks = run_doctor(settings, environments=environments)
    Screen(Common(output=output)).rows(checks, COLUMNS)
    return ExitCode.FAILED if any(check.status is Status.FAIL for check in checks) else ExitCode.OK
