"""``modelyard service-account …``"""

from typing import Annotated

from cyclopts import App, Parameter

from modelyard.cli.options import COMMON, Common, examples
from modelyard.cli.screen import Columns
from modelyard.cli.session import connected
from modelyard.client.service_accounts import ServiceAccount

app = App(name="service-account")

COLUMNS: Columns[ServiceAccount] = {
    "NAME": lambda row: row.name,
    "DESCRIPTION": lambda row: row.description,
    "OWNER": lambda row: row.owner,
    "ROLE": lambda row: row.role,
    "CLIENT": lambda row: row.client_id,
    "ACTIVE": lambda row: row.enabled,
    "ID": lambda row: row.id,
}
FIELDS: Columns[ServiceAccount] = {"id": lambda row: row.id, "name": lambda row: row.name}
CLIENT_FIELDS: Columns[ServiceAccount] = {
    **FIELDS,
    "client id": lambda row: row.client_id,
    "client secret": lambda row: row.client_secret,
}


@app.command(
    help_epilogue=examples(
        "service-account create batch-scorer --description 'nightly scores' --owner ada@example.com",
        "service-account create ci --oauth-client",
    )
)
def create(
    name: str,
    /,
    *,
    description: str = "",
    owner: str | None = None,
    role: str = "USER",
    oauth_client: Annotated[bool, Parameter(negative="")] = False,
    common: Common = COMMON,
) -> None:
    """Make an account for a program.

    Parameters
    ----------
    name
        Of the account; workspaces know it by this name.
    description
        What it is for.
    owner
        Username or e-mail of who may make and revoke its tokens; by default you.
    role
        On the platform: USER, INFERENCE (may infer everywhere) or ADMIN.
    oauth_client
        Make an OAuth client for the grant client_credentials, too, and show its secret, this once.
    """
    with connected(common) as session:
        made = session.client.service_accounts.create(name, description, owner, role, oauth_client=oauth_client)
        session.screen.say(f"Made the service account {name}. `modelyard token create` makes its tokens.")
        session.screen.one(made, CLIENT_FIELDS if oauth_client else FIELDS)


@app.command(name="list", help_epilogue=examples("service-account list"))
def show_all(*, common: Common = COMMON) -> None:
    """Show the service accounts."""
    with connected(common) as session:
        session.screen.rows(session.client.service_accounts.list(), COLUMNS)


@app.command(help_epilogue=examples("service-account delete batch-scorer"))
def delete(name: str, /, *, common: Common = COMMON) -> None:
    """Remove an account with its tokens and its rights; what it made stays.

    Parameters
    ----------
    name
        Or id of the account.
    """
    with connected(common) as session:
        session.client.service_accounts.delete(name)
        session.screen.say(f"The service account {name} is gone.")
