"""Browser sessions, authorization codes and consents: how long they count, and for what."""

from dataclasses import replace
from datetime import timedelta

from clock import Clock
from modelyard.core.identity.authorization_codes import CodeRequest, PresentedCode, Redeemed, issue_code, redeem_code
from modelyard.core.identity.browser_sessions import (
    begin_browser_session,
    end_browser_session,
    find_browser_session,
    is_stale,
    note_use,
)
from modelyard.core.identity.clients import ensure_public_clients
from modelyard.core.identity.consents import give_consent, has_consent
from modelyard.core.identity.entities import AuthorizationCode, BrowserSession, OAuthClient, Session
from modelyard.core.identity.expiry import sweep_identity
from modelyard.core.kernel.store import Topic
from signed_in import Web

GOOD = PresentedCode("code", "sdk-client", "http://127.0.0.1/cb", "challenge")


def issue(web: Web, scope: str = "profile") -> None:
    request = CodeRequest("code", "sdk-client", "master", GOOD.redirect_uri, scope, "challenge", "nonce")
    web.store.run_write(issue_code, request, web.browser)


def redeem(web: Web, presented: PresentedCode = GOOD) -> Redeemed | None:
    return web.store.run_write(redeem_code, presented, web.lifetimes, confidential=False)


def found(web: Web, cookie: str = "cookie") -> BrowserSession | None:
    known = web.store.run_read(find_browser_session, cookie, web.lifetimes)
    return known[0] if known else None


def test_a_browser_is_forgotten_when_idle_and_at_last(web: Web, clock: Clock) -> None:
    clock.advance(seconds=99)
    assert found(web)
    clock.advance(seconds=1)
    assert found(web) is None
    for _ in range(5):
        web.store.run_write(note_use, web.browser.id)
        clock.advance(seconds=99)
        assert found(web)
    web.store.run_write(note_use, web.browser.id)
    clock.advance(seconds=5)
    assert found(web) is None


def test_use_is_noted_now_and_then(web: Web, clock: Clock) -> None:
    def stale() -> bool:
        return web.store.run_read(lambda tx: is_stale(tx, web.browser, web.lifetimes))

    assert not stale()
    clock.advance(seconds=11)
    assert stale()


def test_signing_in_again_changes_the_cookie_and_keeps_the_clients(web: Web, clock: Clock) -> None:
    issue(web)
    redeemed = redeem(web)
    assert redeemed
    clock.advance(seconds=50)
    again = web.store.run_write(begin_browser_session, web.user_id, "other", web.lifetimes, web.browser)
    assert (again.id, again.created_at) == (web.browser.id, clock.now)
    assert found(web) is None
    assert found(web, "other") == again
    web.store.run_write(end_browser_session, again.id)
    session = web.store.run_read(lambda tx: tx.get(Session, redeemed.session.id))
    assert session is not None
    assert session.revoked_at == clock.now


def test_a_code_counts_for_a_minute(web: Web, clock: Clock) -> None:
    issue(web)
    clock.advance(seconds=60)
    assert redeem(web) is None


def test_a_code_makes_one_session_for_its_sign_in(web: Web, clock: Clock) -> None:
    issue(web)
    clock.advance(seconds=59)
    redeemed = redeem(web)
    assert redeemed
    assert redeemed.nonce == "nonce"
    assert redeemed.session.authenticated_at == clock.now - timedelta(seconds=59)
    assert redeemed.session.browser_session_id == web.browser.id
    before = web.store.generations()[Topic.ACCESS]
    assert redeem(web) is None
    session = web.store.run_read(lambda tx: tx.get(Session, redeemed.session.id))
    assert session is not None
    assert session.revoked_at == clock.now
    assert web.store.generations()[Topic.ACCESS] > before


def test_another_clients_try_does_not_spoil_a_code(web: Web) -> None:
    issue(web)
    assert redeem(web, PresentedCode("code", "sd-api", GOOD.redirect_uri, "challenge")) is None
    assert redeem(web)


def test_a_code_ends_with_its_browser(web: Web) -> None:
    issue(web)
    web.store.run_write(end_browser_session, web.browser.id)
    assert redeem(web) is None


def test_consent_covers_what_was_given_and_grows(web: Web) -> None:
    def given(scope: str) -> bool:
        return web.store.run_read(has_consent, web.user_id, "console", scope)

    assert not given("email")
    web.store.run_write(give_consent, web.user_id, "console", "openid email")
    assert given("email")
    assert not given("email offline_access")
    web.store.run_write(give_consent, web.user_id, "console", "offline_access")
    assert given("openid email offline_access")


def test_sweeping_removes_what_ended_and_nothing_else(web: Web, clock: Clock) -> None:
    issue(web)
    redeem(web)
    web.store.run_write(sweep_identity)
    assert web.store.run_read(lambda tx: len(tx.find(AuthorizationCode))) == 1
    clock.advance(days=2)
    live = web.store.run_write(begin_browser_session, web.user_id, "new", web.lifetimes)
    web.store.run_write(sweep_identity)
    for kind in (AuthorizationCode, Session):
        assert web.store.run_read(lambda tx, kind=kind: tx.find(kind)) == []
    assert web.store.run_read(lambda tx: tx.find(BrowserSession)) == [live]


def test_clients_that_are_there_stay_as_they_are(web: Web) -> None:
    web.store.run_write(lambda tx: tx.delete(OAuthClient, id="console"))
    changed = web.store.run_write(
        lambda tx: tx.update(OAuthClient, "sd-api", lambda c: replace(c, grants=[], redirect_uris=[], consent=True))
    )
    web.store.run_write(ensure_public_clients)
    assert web.store.run_read(lambda tx: tx.get(OAuthClient, "sd-api")) == changed
    assert web.store.run_read(lambda tx: tx.get(OAuthClient, "console")) is not None
