"""``modelyard workspace …``"""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import App, Parameter

from modelyard.cli.failures import UsageError
from modelyard.cli.options import COMMON, IN_WORKSPACE, Common, InWorkspace, examples
from modelyard.cli.screen import Columns
from modelyard.cli.session import connected, in_workspace
from modelyard.client.workspaces import LogRetention, Role, Workspace

app = App(name="workspace")


@dataclass(frozen=True)
class MemberRow:
    """A member with the name a person knows them by."""

    username: str
    email: str | None
    role: Role
    user_id: str


WORKSPACE_COLUMNS: Columns[Workspace] = {
    "NAME": lambda row: row.name,
    "ID": lambda row: row.id,
    "MODELS": lambda row: len(row.model_ids),
    "PIPELINES": lambda row: len(row.pipeline_ids),
    "CREATED": lambda row: row.created_at,
}
MEMBER_COLUMNS: Columns[MemberRow] = {
    "USER": lambda row: row.username,
    "E-MAIL": lambda row: row.email,
    "ROLE": lambda row: row.role,
}

RETENTION_COLUMNS: Columns[LogRetention] = {
    "DAYS": lambda row: row.days if row.days is not None else "all",
    "BYTES": lambda row: row.max_bytes if row.max_bytes is not None else "all",
}


@app.command(name="list", help_epilogue=examples("workspace list", "workspace list -o json"))
def show_all(*, common: Common = COMMON) -> None:
    """Show the workspaces you may see."""
    with connected(common) as session:
        session.screen.rows(session.client.workspaces.list(), WORKSPACE_COLUMNS)


@app.command(help_epilogue=examples("workspace create fraud", "workspace create fraud --if-missing"))
def create(
    name: str, /, *, if_missing: Annotated[bool, Parameter(negative="")] = False, common: Common = COMMON
) -> None:
    """Make a workspace; you will own it.

    Parameters
    ----------
    name
        Any text that no other workspace has for a name.
    if_missing
        Take the one that is there already instead of failing.
    """
    with connected(common) as session:
        if if_missing and any(workspace.name == name for workspace in session.client.workspaces.list()):
            session.screen.say(f"The workspace {name} is there already.")
        else:
            session.client.workspaces.create(name)
            session.screen.say(f"Made the workspace {name}.")
        session.screen.one(session.client.workspaces.get(name), WORKSPACE_COLUMNS)


@app.command(help_epilogue=examples("workspace users -w fraud"))
def users(*, place: InWorkspace = IN_WORKSPACE) -> None:
    """Show who works in a workspace."""
    with in_workspace(place) as session:
        known = {user.id: user for user in session.client.users.list()}
        rows = []
        for member in session.client.workspaces.members(session.workspace.id):
            user = known.get(member.user_id)
            name = user.username if user else member.user_id
            rows.append(MemberRow(name, user.email if user else None, member.role, member.user_id))
        session.screen.rows(rows, MEMBER_COLUMNS)


@app.command(help_epilogue=examples("workspace add-user ada@example.com -w fraud --role owner"))
def add_user(email: str, /, *, role: Role = Role.COLLABORATOR, place: InWorkspace = IN_WORKSPACE) -> None:
    """Let a user work in a workspace.

    Parameters
    ----------
    email
        Of the user; they must exist (`modelyard user invite`).
    role
        Readers look, collaborators change models and pipelines, owners also say who belongs to the workspace.
    """
    with in_workspace(place) as session:
        session.client.workspaces.add_user(session.workspace.id, email, role)
        session.screen.say(f"{email} is now {role} of {session.workspace.name}.")


@app.command(help_epilogue=examples("workspace remove-user ada@example.com -w fraud"))
def remove_user(email: str, /, *, place: InWorkspace = IN_WORKSPACE) -> None:
    """Take a user out of a workspace; what they made stays.

    Parameters
    ----------
    email
        Of the user.
    """
    with in_workspace(place) as session:
        was_in = session.client.workspaces.remove_user(session.workspace.id, email)
        session.screen.say(f"{email} {'is no longer' if was_in else 'was not'} in {session.workspace.name}.")


@app.command(
    name="log-retention",
    help_epilogue=examples("workspace log-retention -w fraud", "workspace log-retention -w fraud --days 90"),
)
def log_retention(
    *,
    days: int | None = None,
    max_bytes: int | None = None,
    unlimited: Annotated[bool, Parameter(negative="", show_default=False)] = False,
    place: InWorkspace = IN_WORKSPACE,
) -> None:
    """Show how long a workspace's inference log is kept, or say so.

    Parameters
    ----------
    days
        Keep the archived rows of so many days.
    max_bytes
        Keep so many bytes of archived files, the newest.
    unlimited
        Keep everything.
    """
    with in_workspace(place) as session:
        workspaces, number = session.client.workspaces, session.workspace.id
        if unlimited and (days is not None or max_bytes is not None):
            raise UsageError("--unlimited keeps everything; give it alone.")
        if unlimited or days is not None or max_bytes is not None:
            workspaces.keep_logs(number, LogRetention(days, max_bytes))
        session.screen.one(workspaces.log_retention(number), RETENTION_COLUMNS)
