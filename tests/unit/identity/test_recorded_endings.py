"""What users do to their own sessions and consents is recorded, in their name, once."""

from collections.abc import Callable
from typing import Any

from audit_chain import entries
from modelyard.core.audit.entities import AuditEntry
from modelyard.core.identity.authorization_codes import CodeRequest, PresentedCode, issue_code, redeem_code
from modelyard.core.identity.browser_sessions import begin_browser_session, sign_out, sign_out_browser
from modelyard.core.identity.consents import give_consent
from modelyard.core.identity.device_grants import (
    DeviceRequest,
    DeviceState,
    begin_device_grant,
    decide,
    poll_device_grant,
)
from modelyard.core.identity.entities import Session
from modelyard.core.identity.sessions import SignIn, open_session
from modelyard.core.identity.users import NewUser, add_user
from signed_in import Web

HERE = "192.0.2.7"
PRESENTED = PresentedCode("code", "sdk-client", "http://127.0.0.1/cb", "challenge", HERE)


def added(web: Web, use_case: Callable[..., Any], *args: Any, **more: Any) -> list[AuditEntry]:
    """The entries that come from this write; they are bob's, from his address."""
    known = len(entries(web.store))
    web.store.run_write(use_case, *args, **more)
    new = entries(web.store)[known:]
    assert {(entry.actor_id, entry.actor_name, entry.address) for entry in new} <= {(web.user_id, "bob", HERE)}
    return new


def opened(web: Web, browser_id: str | None = None) -> Session:
    sign_in = SignIn(web.user_id, "sdk-client", "master", "profile", True, None, browser_id)
    return web.store.run_write(open_session, sign_in, web.lifetimes)


def test_signing_a_browser_out_is_one_entry_whatever_was_signed_in_through_it(web: Web) -> None:
    opened(web, web.browser.id)
    [entry] = added(web, sign_out_browser, web.browser.id, HERE)
    assert (entry.action, entry.object_type, entry.object_id) == ("session.logout", "browser", web.browser.id)
    assert added(web, sign_out_browser, web.browser.id, HERE) == []


def test_signing_out_by_a_token_names_its_session_and_client(web: Web) -> None:
    session = opened(web, web.browser.id)
    [entry] = added(web, sign_out, session, HERE)
    assert (entry.action, entry.object_id, entry.client_id) == ("session.logout", session.id, "sdk-client")
    ended = web.store.run_read(lambda tx: tx.get(Session, session.id))
    assert added(web, sign_out, ended, HERE) == []


def test_whoever_signs_in_in_anothers_browser_signs_the_other_out(web: Web) -> None:
    eve = web.store.run_write(add_user, NewUser("eve", None, None)).id
    [entry] = added(web, begin_browser_session, eve, "new", web.lifetimes, web.browser, HERE)
    assert (entry.action, entry.object_id) == ("session.logout", web.browser.id)


def test_a_replayed_code_ends_its_session_with_one_entry(web: Web) -> None:
    request = CodeRequest("code", "sdk-client", "master", PRESENTED.redirect_uri, "profile", "challenge", None)
    web.store.run_write(issue_code, request, web.browser)
    [login] = added(web, redeem_code, PRESENTED, web.lifetimes, confidential=False)
    [entry] = added(web, redeem_code, PRESENTED, web.lifetimes, confidential=False)
    assert (login.action, entry.action, entry.object_id) == ("session.login", "session.revoke", login.object_id)
    assert entry.details == {"reason": "its authorization code was presented again"}
    assert added(web, redeem_code, PRESENTED, web.lifetimes, confidential=False) == []


def test_a_consent_is_recorded_with_what_was_allowed(web: Web) -> None:
    [entry] = added(web, give_consent, web.user_id, "console", "openid email", HERE)
    assert (entry.action, entry.object_type, entry.object_id) == ("consent.give", "client", "console")
    assert entry.details == {"scope": "openid email"}


def test_allowing_a_device_is_a_consent_and_refusing_it_is_none(web: Web) -> None:
    for number, state in enumerate((DeviceState.DENIED, DeviceState.APPROVED)):
        request = DeviceRequest(f"device-{number}", f"BCDFGHJ{'KL'[number]}", "sdk-client", "master", "profile")
        web.store.run_write(begin_device_grant, request)
        told = [(e.action, e.details) for e in added(web, decide, f"device-{number}", web.browser, state, HERE)]
        allowed = ("consent.give", {"scope": "profile", "device": True})
        assert told == ([allowed] if state is DeviceState.APPROVED else [])
    polled = (poll_device_grant, "device-1", "sdk-client", web.lifetimes)
    assert [e.action for e in added(web, *polled, confidential=False, address=HERE)] == ["session.login"]
