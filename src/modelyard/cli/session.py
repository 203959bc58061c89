"""What a command that talks to a server works with: a client, a screen, and the workspace that is meant."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from modelyard.cli.failures import CommandError, ExitCode, UsageError
from modelyard.cli.options import Common, InWorkspace
from modelyard.cli.screen import Screen
from modelyard.client.client import Client
from modelyard.client.errors import ForbiddenError, InvalidRequestError, ModelyardError, NotSignedInError
from modelyard.client.workspaces import Workspace


@dataclass(frozen=True)
class Session:
    """One command's connection to the server and to the person."""

    client: Client
    screen: Screen


@dataclass(frozen=True)
class WorkspaceSession(Session):
    """The same, inside a workspace."""

    workspace: Workspace


@contextmanager
def client_failures() -> Iterator[None]:
    """Inside this block what the client raises becomes a CommandError with the exit code it deserves."""
    try:
        yield
    except ModelyardError as error:
        raise CommandError(error.message, hint=error.hint, code=_exit_code(error)) from error


@contextmanager
def connected(options: Common) -> Iterator[Session]:
    """A session with the server the options mean."""
    with client_failures(), Client(options.url) as client:
        yield Session(client, Screen(options))


@contextmanager
def in_workspace(options: InWorkspace) -> Iterator[WorkspaceSession]:
    """A session in the workspace the options mean."""
    with connected(options) as session:
        workspace = _meant(session.client, options.workspace)
        yield WorkspaceSession(session.client, session.screen, workspace)


def _meant(client: Client, name: str | None) -> Workspace:
    if name is not None:
        return client.workspaces.get(name)
    found = client.workspaces.list()
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError("You are in no workspace yet. Make one: `modelyard workspace create NAME`.")
    names = ", ".join(workspace.name for workspace in found)
    raise UsageError(f"Which workspace? Give -w NAME or set MODELYARD_WORKSPACE. There are: {names}.")


def _exit_code(error: ModelyardError) -> ExitCode:
    match error:
        case NotSignedInError() | ForbiddenError():
            return ExitCode.AUTH
        case InvalidRequestError() if error.status is None:  # found wrong here, before any server saw it
            return ExitCode.USAGE
    return ExitCode.FAILED
