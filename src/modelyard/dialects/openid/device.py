"""Signing in on a device without a browser (RFC 8628)."""

from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.responses import Response

from modelyard.core.identity.clients import GrantType
from modelyard.core.identity.device_grants import (
    INTERVAL_SECONDS,
    LIFE_SECONDS,
    DeviceRequest,
    DeviceState,
    begin_device_grant,
    decide,
    find_device_grant,
)
from modelyard.core.identity.entities import BrowserSession, DeviceGrant
from modelyard.core.kernel.errors import DomainError
from modelyard.dialects.openid.dialect import PROTOCOL, REALM, STATUS, issuer_url, json, openid, realm_of
from modelyard.dialects.openid.forms import client_of, oauth_errors, read_form
from modelyard.dialects.openid.login import STALE, Login
from modelyard.dialects.openid.pages import device_code_page, device_page, error_page, message_page
from modelyard.dialects.openid.visits import Visit
from modelyard.issuers.embedded.codes import digest, new_code, new_user_code
from modelyard.issuers.embedded.oauth import OAuthError, allow, granted_scope
from modelyard.web.call import Call
from modelyard.web.routing import PUBLIC

_UNKNOWN = "There is no such code, or it has expired. Look at the device and type the code it shows now."


@openid.post(f"{PROTOCOL}/auth/device", PUBLIC)
@oauth_errors
async def begin(call: Call) -> Response:
    """A device asks for a code to show (section 3.1)."""
    form = await read_form(call)
    client = await client_of(call, form)
    allow(client, GrantType.DEVICE_CODE)
    device_code, user_code = new_code(), new_user_code()
    request = DeviceRequest(digest(device_code), user_code, client.id, realm_of(call), granted_scope(form.get("scope")))
    await call.services.store.write(begin_device_grant, request)
    shown, page = f"{user_code[:4]}-{user_code[4:]}", f"{issuer_url(call)}/device"
    return json(
        {
            "device_code": device_code,
            "user_code": shown,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={shown}",
            "expires_in": LIFE_SECONDS,
            "interval": INTERVAL_SECONDS,
        }
    )


@openid.get(f"{REALM}/device", PUBLIC)
async def show(call: Call) -> Response:
    """The page where people type or confirm the code of a device."""
    realm_of(call)
    return await _Page(await Visit.of(call), call.request.query_params.get("user_code", "")).answer({})


@openid.post(f"{REALM}/device", PUBLIC)
async def take(call: Call) -> Response:
    """What that page sends."""
    realm_of(call)
    visit = await Visit.of(call)
    try:
        form = await read_form(call)
    except OAuthError as error:
        return visit.page(error_page(error.description), 400)
    return await _Page(visit, form.get("user_code") or call.request.query_params.get("user_code", "")).answer(form)


class _Page:
    """The verification page (section 3.3) about the code that was ``typed``, if one was."""

    def __init__(self, visit: Visit, typed: str) -> None:
        self._visit = visit
        self._typed = typed[:40]
        self._path = visit.call.request.url.path
        self._here = f"{self._path}?{urlencode({'user_code': self._typed})}" if typed else self._path
        self._login = Login(visit, self._here, "To connect a device.")

    async def answer(self, form: Mapping[str, str]) -> Response:
        """Sign in first, then the code, then the decision."""
        action, proof = form.get("action"), form.get("csrf", "")
        if action == "login" and (refused := await self._login.take({"csrf": "", **form})) is not None:
            return refused
        if self._visit.session is None:
            return self._login.page()
        if action == "enter" and not self._visit.proves(proof, "enter"):
            return self._ask(STALE, 403)
        if not self._typed:
            return self._ask()
        return await self._about(self._visit.session, action, proof)

    async def _about(self, session: BrowserSession, action: str | None, proof: str) -> Response:
        call = self._visit.call
        try:
            grant = await call.services.store.write(find_device_grant, self._typed, call.address or "")
            if grant is None:
                return self._ask(_UNKNOWN, 400)
            if action not in ("approve", "deny"):
                return self._confirm(grant)
            if not self._visit.proves(proof, "decide", grant.id):
                return self._ask(STALE, 403)
            state = DeviceState.APPROVED if action == "approve" else DeviceState.DENIED
            await call.services.store.write(decide, grant.id, session, state, call.address)
        except DomainError as error:
            return self._ask(error.message, STATUS[error.kind])
        return self._visit.page(_done(state))

    def _confirm(self, grant: DeviceGrant) -> Response:
        username = self._visit.user.username if self._visit.user else ""
        proof = self._visit.proof("decide", grant.id)
        here = f"{self._path}?{urlencode({'user_code': grant.user_code})}"
        return self._visit.page(device_page(here, proof, grant.client_id, username, grant.user_code))

    def _ask(self, problem: str = "", status: int = 200) -> Response:
        return self._visit.page(device_code_page(self._path, self._visit.proof("enter"), problem), status)


def _done(state: DeviceState) -> str:
    if state is DeviceState.APPROVED:
        return message_page("Connected", "The device is signed in. You can close this page.")
    return message_page("Not connected", "The device was refused. You can close this page.")
