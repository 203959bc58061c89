"""What users let clients have, as administrators see it and take it back."""

import pytest

from modelyard.core.audit.entities import AuditEntry
from modelyard.core.identity.authorization_codes import CodeRequest, PresentedCode, issue_code, redeem_code
from modelyard.core.identity.consent_control import allowances_of, withdraw
from modelyard.core.identity.consents import give_consent, has_consent
from modelyard.core.identity.device_grants import (
    DeviceRequest,
    DeviceState,
    Poll,
    begin_device_grant,
    decide,
    poll_device_grant,
)
from modelyard.core.identity.entities import Session
from modelyard.core.identity.sessions import SignIn, is_live, open_session
from modelyard.core.identity.users import find_by_login, load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from signed_in import Web


@pytest.fixture
def root(web: Web) -> Actor:
    user = web.store.run_read(find_by_login, "admin")
    assert user is not None
    return web.store.run_read(load_actor, user.id, None)


def opened(web: Web, client: str, scope: str = "openid") -> Session:
    return web.store.run_write(open_session, SignIn(web.user_id, client, "master", scope, rotates=True), web.lifetimes)


def live(web: Web, *sessions: Session) -> list[bool]:
    return [web.store.run_read(lambda tx, s=s: is_live(tx, tx.get(Session, s.id) or s)) for s in sessions]


def test_consents_and_offline_sessions_of_one_client_are_shown_as_one(web: Web, root: Actor) -> None:
    web.store.run_write(give_consent, web.user_id, "sdk-client", "openid email")
    opened(web, "sdk-client")
    opened(web, "sdk-client", "openid offline_access")
    opened(web, "console", "offline_access")
    opened(web, "sd-api")
    found = web.store.run_read(allowances_of, root, web.user_id)
    assert [(each.client_id, each.scope, each.offline) for each in found] == [
        ("console", "offline_access", True),
        ("sdk-client", "openid email offline_access", True),
    ]


def test_without_a_consent_only_the_offline_sessions_of_the_client_end(web: Web, root: Actor) -> None:
    plain, offline = opened(web, "sdk-client"), opened(web, "sdk-client", "offline_access")
    elsewhere = opened(web, "console", "offline_access")
    web.store.run_write(withdraw, root, web.user_id, "sdk-client")
    assert live(web, plain, offline, elsewhere) == [True, False, True]


def test_a_withdrawn_consent_ends_all_sessions_of_the_client_and_is_recorded(web: Web, root: Actor) -> None:
    web.store.run_write(give_consent, web.user_id, "sdk-client", "openid")
    mine, elsewhere = opened(web, "sdk-client"), opened(web, "console")
    web.store.run_write(withdraw, root, web.user_id, "sdk-client")
    assert live(web, mine, elsewhere) == [False, True]
    assert not web.store.run_read(has_consent, web.user_id, "sdk-client", "openid")
    with pytest.raises(DomainError) as caught:
        web.store.run_write(withdraw, root, web.user_id, "sdk-client")
    assert caught.value.kind is ErrorKind.NOT_FOUND
    [entry] = web.store.run_read(lambda tx: tx.find(AuditEntry, action="consent.withdraw"))
    assert (entry.actor_name, entry.object_id) == ("admin", "sdk-client")
    assert entry.details == {"user_id": web.user_id, "username": "bob", "sessions": 1}


def test_what_the_client_could_still_fetch_is_gone_too(web: Web, root: Actor) -> None:
    web.store.run_write(give_consent, web.user_id, "sdk-client", "openid")
    request = CodeRequest("code", "sdk-client", "master", "https://x.io/", "openid", None, None)
    web.store.run_write(issue_code, request, web.browser)
    web.store.run_write(begin_device_grant, DeviceRequest("device", "BCDF", "sdk-client", "master", "openid"))
    web.store.run_write(decide, "device", web.browser, DeviceState.APPROVED)
    web.store.run_write(withdraw, root, web.user_id, "sdk-client")
    presented = PresentedCode("code", "sdk-client", "https://x.io/", None)
    assert web.store.run_write(lambda tx: redeem_code(tx, presented, web.lifetimes, confidential=False)) is None
    args = ("device", "sdk-client", web.lifetimes)
    assert web.store.run_write(lambda tx: poll_device_grant(tx, *args, confidential=False)) is Poll.UNKNOWN


def test_only_administrators_see_and_withdraw_what_users_allow(web: Web) -> None:
    bob = web.store.run_read(load_actor, web.user_id, None)
    session = opened(web, "sdk-client", "offline_access")
    for use_case, *args in ((allowances_of, bob.user_id), (withdraw, bob.user_id, "sdk-client")):
        with pytest.raises(DomainError) as caught:
            web.store.run_write(use_case, bob, *args)
        assert caught.value.kind is ErrorKind.FORBIDDEN
    assert live(web, session) == [True]
