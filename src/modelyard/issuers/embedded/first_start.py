"""The first start: the administrator, the clients, and what was random about them."""

import secrets
from collections.abc import Callable

from modelyard.core.identity.clients import (
    FirstAccounts,
    ensure_accounts,
    ensure_public_clients,
    has_admin,
    has_client,
)
from modelyard.core.identity.users import check_password
from modelyard.core.kernel.store import Store
from modelyard.issuers.embedded.issuer import secret_hash
from modelyard.issuers.embedded.passwords import Passwords

_ADMIN = "admin"


def first_start(  # what an operator may choose, and where the rest goes
    store: Store,
    passwords: Passwords,
    keep: Callable[[dict[str, str]], None],
    admin_email: str,
    admin_password: str | None,
    api_client_secret: str | None,
) -> dict[str, str]:
    """Create what is missing; returns the credentials that were made up, by name, to be shown once.

    ``keep`` receives them before they count: no accident in between can lose them. Raises ``INVALID`` for a password
    that breaks the rules.
    """
    new_admin = not store.run_read(has_admin)
    new_client = not store.run_read(has_client, "api-client")
    if not new_admin and not new_client:
        store.run_write(ensure_public_clients)
        return {}
    password = admin_password or secrets.token_urlsafe(16)
    secret = api_client_secret or secrets.token_urlsafe(32)
    checked = check_password(password, _ADMIN, admin_email)
    made_up: dict[str, str] = {}
    if new_admin and admin_password is None:
        made_up |= {"admin_username": _ADMIN, "admin_email": admin_email, "admin_password": password}
    if new_client and api_client_secret is None:
        made_up |= {"api_client_id": "api-client", "api_client_secret": secret}
    if made_up:
        keep(made_up)
    accounts = FirstAccounts(_ADMIN, admin_email, passwords.hash_now(checked), secret_hash(secret))
    store.run_write(ensure_accounts, accounts)
    return made_up
