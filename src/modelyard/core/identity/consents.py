"""What users let clients have."""

from dataclasses import replace

from modelyard.core.audit.actions import Action
from modelyard.core.audit.chain import record
from modelyard.core.identity.entities import Consent
from modelyard.core.identity.sessions import known_by
from modelyard.core.kernel.store import Tx


def has_consent(tx: Tx, user_id: str, client_id: str, scope: str) -> bool:
    """Whether the user let the client have at least this scope before."""
    given = tx.first(Consent, user_id=user_id, client_id=client_id)
    return given is not None and set(scope.split()) <= set(given.scope.split())


def give_consent(tx: Tx, user_id: str, client_id: str, scope: str, address: str | None = None) -> Consent:
    """Remember that the user lets the client have this scope, and what was given before."""
    kept = _kept(tx, user_id, client_id, scope)
    record(tx, known_by(tx, user_id, None, address), Action.CONSENT_GIVE, "client", client_id, scope=scope)
    return kept


def _kept(tx: Tx, user_id: str, client_id: str, scope: str) -> Consent:
    given = tx.first(Consent, user_id=user_id, client_id=client_id)
    if given is None:
        return tx.insert(Consent(0, user_id, client_id, scope, tx.now))
    whole = " ".join(dict.fromkeys([*given.scope.split(), *scope.split()]))
    return tx.update(Consent, given.id, lambda c: replace(c, scope=whole, given_at=tx.now))
