"""``modelyard access …``"""

from typing import Annotated

from cyclopts import App, Parameter

from modelyard.cli.options import COMMON, Common, examples
from modelyard.cli.screen import Columns
from modelyard.cli.session import connected
from modelyard.client.access import Explanation, Grant
from modelyard.client.errors import InvalidRequestError

Thing = Annotated[str, Parameter(name="OBJECT")]

app = App(name="access")

COLUMNS: Columns[Grant] = {
    "SUBJECT": lambda row: row.subject,
    "ROLE": lambda row: row.role,
    "OBJECT": lambda row: row.object,
    "GRANTED": lambda row: row.created_at,
}
FIELDS: Columns[Explanation] = {
    "user": lambda row: row.user,
    "action": lambda row: row.action,
    "object": lambda row: row.object,
    "allowed": lambda row: row.allowed,
    "why": lambda row: row.why,
    "grant": lambda row: f"{row.grant.subject} {row.grant.role} {row.grant.object}" if row.grant else None,
    "through": lambda row: " < ".join(row.through) or None,
}


@app.command(
    help_epilogue=examples(
        "access explain ada@example.com EDIT experiment:12",
        "access explain ada@example.com pipeline.deploy pipeline:3/fraud",
        "access explain ada@example.com users.manage platform",
    )
)
def explain(user: str, action: str, thing: Thing, /, *, common: Common = COMMON) -> None:
    """Say whether a user may do something, and which rule and grant decide it.

    Parameters
    ----------
    user
        Username or e-mail; others than yourself only as an administrator.
    action
        A level (READ, USE, EDIT, MANAGE) or a permission like experiment.edit.
    thing
        experiment:ID, model:WORKSPACE/NAME, pipeline:WORKSPACE/NAME, workspace:ID or platform; WORKSPACE is a
        number, or mlflow.
    """
    with connected(common) as session:
        session.screen.one(session.client.access.explain(user, action, thing), FIELDS)


@app.command(
    help_epilogue=examples(
        "access grant ada@example.com READ experiment:12",
        "access grant group:engineers EDIT model:mlflow/churn-*",
        "access grant everyone DENY pipeline:3/fraud",
    )
)
def grant(subject: str, role: str, thing: Thing, /, *, common: Common = COMMON) -> None:
    """Give somebody a role on a thing, in place of the one they have there.

    Parameters
    ----------
    subject
        A username, group:NAME, role:NAME or everyone.
    role
        READ, USE, EDIT, MANAGE or DENY; on a workspace also READER, COLLABORATOR or OWNER.
    thing
        experiment:ID, model:WORKSPACE/NAME, pipeline:WORKSPACE/NAME or workspace:ID; a * at the end stands for all
        that begin so.
    """
    with connected(common) as session:
        made = session.client.access.grant(subject, role, thing)
        session.screen.say(f"{made.subject} has {made.role} on {made.object}.")


@app.command(help_epilogue=examples("access revoke ada@example.com experiment:12"))
def revoke(subject: str, thing: Thing, /, *, common: Common = COMMON) -> None:
    """Take away what somebody has on a thing itself.

    Parameters
    ----------
    subject
        As for grant.
    thing
        As for grant.
    """
    with connected(common) as session:
        session.client.access.revoke(subject, thing)
        session.screen.say(f"{subject} has nothing on {thing} itself any more.")


@app.command(
    name="list",
    help_epilogue=examples("access list --object experiment:12", "access list --subject group:engineers"),
)
def show(
    *,
    thing: Annotated[str | None, Parameter(name="--object")] = None,
    subject: str | None = None,
    common: Common = COMMON,
) -> None:
    """Show the grants on a thing itself, or those of a subject.

    Parameters
    ----------
    thing
        As for grant; for who manages it.
    subject
        As for grant; for administrators.
    """
    with connected(common) as session:
        access = session.client.access
        if (thing is None) == (subject is None):
            raise InvalidRequestError("Say which grants: give --object or --subject.")
        session.screen.rows(access.on(thing) if thing is not None else access.of(str(subject)), COLUMNS)
