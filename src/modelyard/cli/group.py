"""``modelyard group …``"""

from cyclopts import App

from modelyard.cli.options import COMMON, Common, examples
from modelyard.cli.screen import Columns
from modelyard.cli.session import connected
from modelyard.client.groups import Group

app = App(name="group")

COLUMNS: Columns[Group] = {
    "GROUP": lambda row: row.name,
    "NUMBER": lambda row: row.id,
    "BELOW": lambda row: row.parent,
    "DESCRIPTION": lambda row: row.description,
}
FIELDS: Columns[Group] = {
    "number": lambda row: row.id,
    "below": lambda row: row.parent,
    "description": lambda row: row.description,
}
MEMBER_FIELDS: Columns[Group] = {**FIELDS, "members": lambda row: row.members}


@app.command(help_epilogue=examples("group create engineers", "group create ml --below engineers"))
def create(name: str, /, *, below: str | None = None, description: str = "", common: Common = COMMON) -> None:
    """Make a group.

    Parameters
    ----------
    name
        Of the group.
    below
        The group it stands below, by name or number: what is granted to that one holds for this one, too.
    description
        What it is for.
    """
    with connected(common) as session:
        made = session.client.groups.create(name, below, description)
        session.screen.say(f"Made the group {name}.")
        session.screen.one(made, FIELDS)


@app.command(name="list", help_epilogue=examples("group list", "group list engineers"))
def show(group: str | None = None, /, *, common: Common = COMMON) -> None:
    """Show all groups, or one with its members.

    Parameters
    ----------
    group
        Name or number of one.
    """
    with connected(common) as session:
        if group is None:
            session.screen.rows(session.client.groups.list(), COLUMNS)
        else:
            session.screen.one(session.client.groups.get(group), MEMBER_FIELDS)


@app.command(help_epilogue=examples("group add engineers ada@example.com"))
def add(group: str, user: str, /, *, common: Common = COMMON) -> None:
    """Make a user belong to a group.

    Parameters
    ----------
    group
        Name or number.
    user
        Username or e-mail.
    """
    with connected(common) as session:
        session.client.groups.add(group, user)
        session.screen.say(f"{user} belongs to the group {group}.")


@app.command(help_epilogue=examples("group remove engineers ada@example.com"))
def remove(group: str, user: str, /, *, common: Common = COMMON) -> None:
    """Make a user belong to a group no longer.

    Parameters
    ----------
    group
        Name or number.
    user
        Username or e-mail.
    """
    with connected(common) as session:
        session.client.groups.remove(group, user)
        session.screen.say(f"{user} belongs to the group {group} no longer.")


@app.command(help_epilogue=examples("group delete engineers"))
def delete(group: str, /, *, common: Common = COMMON) -> None:
    """Remove a group with the groups below it and what was granted to them; the users stay.

    Parameters
    ----------
    group
        Name or number.
    """
    with connected(common) as session:
        session.client.groups.delete(group)
        session.screen.say(f"The group {group} is gone.")
