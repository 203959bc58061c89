"""``modelyard token …``"""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from cyclopts import App, Parameter

from modelyard.cli.failures import CommandError
from modelyard.cli.options import COMMON, Common, examples
from modelyard.cli.screen import Columns
from modelyard.cli.session import connected
from modelyard.client.access_tokens import AccessToken, NewAccessToken

app = App(name="token")

COLUMNS: Columns[AccessToken] = {
    "NAME": lambda row: row.name,
    "SCOPES": lambda row: row.scopes,
    "CREATED": lambda row: row.created_at,
    "EXPIRES": lambda row: row.expires_at,
    "LAST USED": lambda row: row.last_used_at,
    "ID": lambda row: row.id,
}
FIELDS: Columns[NewAccessToken] = {"id": lambda row: row.id, "token": lambda row: row.token}

Account = Annotated[str | None, Parameter(name="--service-account")]


@app.command(
    help_epilogue=examples(
        "token create laptop",
        "token create ci --scope deploy --days 90",
        "token create scoring --scope infer --service-account batch-scorer",
    )
)
def create(
    name: str,
    /,
    *,
    scope: Annotated[list[str] | None, Parameter(name="--scope", negative="")] = None,
    days: int | None = None,
    service_account: Account = None,
    common: Common = COMMON,
) -> None:
    """Make a personal access token and show it, this once.

    Parameters
    ----------
    name
        What it is for.
    scope
        What it may be used for: all (the default), read, deploy, infer or mlflow; may be given more than once.
    days
        How long it is valid; without end by default.
    service_account
        The account it is for; by default you.
    """
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    with connected(common) as session:
        made = session.client.tokens.create(name, scope or ["all"], expires_at, service_account)
        session.screen.say(f"Made the token {name}. Keep it now: it is not shown again.")
        session.screen.one(made, FIELDS)


@app.command(name="list", help_epilogue=examples("token list", "token list --service-account batch-scorer"))
def show_all(*, service_account: Account = None, common: Common = COMMON) -> None:
    """Show the tokens that are not revoked.

    Parameters
    ----------
    service_account
        The account whose tokens to show; by default yours.
    """
    with connected(common) as session:
        session.screen.rows(session.client.tokens.list(service_account), COLUMNS)


@app.command(help_epilogue=examples("token revoke laptop"))
def revoke(token: str, /, *, service_account: Account = None, common: Common = COMMON) -> None:
    """Make a token worthless, at once.

    Parameters
    ----------
    token
        Its name or id.
    service_account
        The account whose token it is; by default yours.
    """
    with connected(common) as session:
        found = [each for each in session.client.tokens.list(service_account) if token in (each.name, each.id)]
        if not found:
            raise CommandError(f"There is no token {token}.", hint="`modelyard token list` shows those there are.")
        for each in found:  # one that is live, and expired ones of the same name
            session.client.tokens.revoke(each.id)
        session.screen.say(f"The token {found[0].name} is worthless now.")
