"""``modelyard login``, ``modelyard logout`` and ``modelyard whoami``"""

import getpass
import os
import sys
from collections.abc import Callable
from typing import Annotated

from cyclopts import App, Parameter

from modelyard.cli.failures import UsageError
from modelyard.cli.options import COMMON, Common, examples
from modelyard.cli.screen import Columns, Screen
from modelyard.cli.session import client_failures, connected
from modelyard.client.client import Identity, chosen_url
from modelyard.client.login import login as sign_in
from modelyard.client.token_cache import TokenCache, config_folder

login_app = App(
    name="login",
    help_epilogue=examples(
        "login",
        "login http://127.0.0.1:8080 --username admin@localhost",
        "login https://models.example.com --username ada --password-stdin < password.txt",
    ),
)
logout_app = App(name="logout", help_epilogue=examples("logout"))
whoami_app = App(name="whoami", help_epilogue=examples("whoami", "whoami -o json"))

IDENTITY_FIELDS: Columns[Identity] = {
    "user": lambda row: row.username,
    "e-mail": lambda row: row.email,
    "id": lambda row: row.id,
}


@login_app.default
def login(
    server: str | None = None,
    /,
    *,
    username: Annotated[str | None, Parameter(name=["--username", "-u"], env_var="MODELYARD_USERNAME")] = None,
    password_stdin: Annotated[bool, Parameter(negative="")] = False,
    common: Common = COMMON,
) -> None:
    """Sign in and keep it for the commands that follow.

    Parameters
    ----------
    server
        Its address; the same as --url.
    username
        Or e-mail; asked for when left out.
    password_stdin
        Read the password from standard input. Otherwise it comes from MODELYARD_PASSWORD, or is asked for.
    """
    screen, cache = Screen(common), TokenCache(config_folder(os.environ))
    with client_failures():
        url = chosen_url(server or common.url, cache, os.environ)
        name = username or _asked(_line, f"Username for {url}: ", "--username")
        tokens = sign_in(url, name, _password(name, from_stdin=password_stdin), cache)
    screen.say(f"Signed in to {url} as {tokens.username}.")


@logout_app.default
def logout(*, common: Common = COMMON) -> None:
    """Forget the sign-in on this machine."""
    cache = TokenCache(config_folder(os.environ))
    with client_failures():
        url = chosen_url(common.url, cache, os.environ)
    was_in = cache.forget(url)
    Screen(common).say(f"Signed out of {url}." if was_in else f"You were not signed in to {url}.")


@whoami_app.default
def whoami(*, common: Common = COMMON) -> None:
    """Show who the server says you are."""
    with connected(common) as session:
        identity = session.client.whoami()
        session.screen.say(f"On {session.client.url}:")
        session.screen.one(identity, IDENTITY_FIELDS)


def _password(username: str, *, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return os.environ.get("MODELYARD_PASSWORD") or _asked(
        getpass.getpass, f"Password of {username}: ", "--password-stdin or MODELYARD_PASSWORD"
    )


def _asked(ask: Callable[[str], str], prompt: str, instead: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError(f"There is no terminal to ask on. Give {instead}.")
    try:
        return ask(prompt)
    except EOFError:
        raise UsageError(f"Nothing was typed. Type it, or give {instead}.") from None


def _line(prompt: str) -> str:
    """What a person types; unlike `input`, asks on standard error, because standard output is for data."""
    sys.stderr.write(prompt)
    sys.stderr.flush()
    return input()
