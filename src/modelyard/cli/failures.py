"""What a failure looks like on a terminal, and which exit code it has. Nobody sees a traceback unasked.

Knows neither the client nor the server, so that ``modelyard serve`` starts without the one and the rest without
the other: they raise or become a ``CommandError``.
"""

import os
import traceback
from enum import IntEnum

# Set to anything, it adds the traceback to the message: for reports about the program itself.
DEBUG_VARIABLE = "MODELYARD_DEBUG"


class ExitCode(IntEnum):
    """What scripts can tell apart."""

    OK = 0
    FAILED = 1
    USAGE = 2
    AUTH = 3


class CommandError(Exception):
    """A command could not do its work: what was wrong, and in ``hint`` what to do about it."""

    code = ExitCode.FAILED

    def __init__(self, message: str, *, hint: str = "", code: ExitCode | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = self.code if code is None else code


class UsageError(CommandError):
    """The command line itself cannot be followed; the message says how to write it."""

    code = ExitCode.USAGE


def report(error: Exception) -> ExitCode:
    """Say on standard error what went wrong and return the exit code."""
    from rich.console import Console  # noqa: PLC0415  # commands that print nothing with it start sooner

    failure = _as_command_error(error)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("Error:", style="bold red", end=" ")
    console.print(str(failure), markup=False)
    if failure.hint:
        console.print(failure.hint, style="yellow", markup=False)
    if os.environ.get(DEBUG_VARIABLE):
        console.print("".join(traceback.format_exception(error)), markup=False)
    return failure.code


def _as_command_error(error: Exception) -> CommandError:
    match error:
        case CommandError():
            return error
        case OSError() if error.filename:
            return CommandError(f"{error.filename}: {error.strerror}.")
    hint = f"That is a bug of ours. Set {DEBUG_VARIABLE}=1 to see where."
    return CommandError(f"The program stumbled over {type(error).__name__}: {error}", hint=hint)
