"""``modelyard user …``"""

from cyclopts import App

from modelyard.cli.options import COMMON, Common, examples
from modelyard.cli.screen import Columns
from modelyard.cli.session import connected
from modelyard.client.users import Invitation, User

app = App(name="user")

USER_COLUMNS: Columns[User] = {
    "USER": lambda row: row.username,
    "E-MAIL": lambda row: row.email,
    "ACTIVE": lambda row: row.enabled,
    "CREATED": lambda row: row.created_at,
    "ID": lambda row: row.id,
}
INVITATION_FIELDS: Columns[Invitation] = {"id": lambda row: row.id, "password": lambda row: row.password}


@app.command(help_epilogue=examples("user invite ada@example.com", "user invite ada@example.com -o json"))
def invite(email: str, /, *, password: str | None = None, common: Common = COMMON) -> None:
    """Make a user and show their first password, this once.

    Parameters
    ----------
    email
        Of the user; they sign in with it.
    password
        The first password; by default the server makes one up, which also keeps it out of the shell's history.
    """
    with connected(common) as session:
        invitation = session.client.users.invite(email, password)
        session.screen.say(f"Made the user {email}. Hand over the password now: it is not shown again.")
        session.screen.one(invitation, INVITATION_FIELDS)


@app.command(name="list", help_epilogue=examples("user list"))
def show_all(*, common: Common = COMMON) -> None:
    """Show the users."""
    with connected(common) as session:
        session.screen.rows(session.client.users.list(), USER_COLUMNS)


@app.command(help_epilogue=examples("user activate ada@example.com"))
def activate(email: str, /, *, common: Common = COMMON) -> None:
    """Let a user sign in again.

    Parameters
    ----------
    email
        Of the user.
    """
    with connected(common) as session:
        session.client.users.activate(email)
        session.screen.say(f"{email} can sign in.")


@app.command(help_epilogue=examples("user deactivate ada@example.com"))
def deactivate(email: str, /, *, common: Common = COMMON) -> None:
    """Shut a user out; what they made stays.

    Parameters
    ----------
    email
        Of the user.
    """
    with connected(common) as session:
        session.client.users.deactivate(email)
        session.screen.say(f"{email} can no longer sign in.")
