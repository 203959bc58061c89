"""What a failure looks like on a terminal, and which exit code it has. Nobody sees a traceback unasked."""

import os
import traceback
from enum import IntEnum

from rich.console import Console

from modelyard.client.errors import ForbiddenError, InvalidRequestError, ModelyardError, NotSignedInError
from modelyard.core.kernel.errors import DomainError

# Set to anything, it adds the traceback to the message: for reports about the program itself.
DEBUG_VARIABLE = "MODELYARD_DEBUG"


class ExitCode(IntEnum):
    """What scripts can tell apart."""

    OK = 0
    FAILED = 1
    USAGE = 2
    AUTH = 3
    INTERRUPTED = 130


class UsageError(Exception):
    """The command line itself cannot be followed; the message says how to write it."""


def report(error: Exception) -> ExitCode:
    """Say on standard error what went wrong and return the exit code."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    message, hint = _words(error)
    console.print("Error:", style="bold red", end=" ")
    console.print(message, markup=False)
    if hint:
        console.print(hint, style="yellow", markup=False)
    if os.environ.get(DEBUG_VARIABLE):
        console.print("".join(traceback.format_exception(error)), markup=False)
    return _exit_code(error)


def _words(error: Exception) -> tuple[str, str]:
    match error:
        case ModelyardError():
            return error.message, error.hint
        case UsageError() | DomainError():
            return str(error), ""
        case OSError() if error.filename:
            return f"{error.filename}: {error.strerror}.", ""
    surprise = f"{type(error).__name__}: {error}"
    return f"The program stumbled over {surprise}", f"That is a bug of ours. Set {DEBUG_VARIABLE}=1 to see where."


def _exit_code(error: Exception) -> ExitCode:
    match error:
        case NotSignedInError() | ForbiddenError():
            return ExitCode.AUTH
        case UsageError():
            return ExitCode.USAGE
        case InvalidRequestError() if error.status is None:  # found wrong here, before any server saw it
            return ExitCode.USAGE
    return ExitCode.FAILED
