"""Signing in as the SDK's ``SessionAuthenticator`` does where Dex guards the API: a form, and a cookie from then on."""

from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from modelyard.core.identity.api_sessions import begin_api_session
from modelyard.core.kernel.errors import invalid
from modelyard.dialects.seldon.dialect import BASE, json, seldon, timestamp
from modelyard.issuers.embedded.codes import new_code
from modelyard.issuers.session_tokens import value_hash
from modelyard.web.call import Call
from modelyard.web.routing import PUBLIC

_FORM_BYTES = 64 * 1024
_FIELDS = 10


@seldon.get(BASE, PUBLIC)
async def show_login(call: Call) -> Response:
    """Where to sign in: the SDK sends its form to the path that answers it here."""
    del call
    return json({"apiVersion": "v1alpha1", "login": {"method": "POST", "path": BASE, "fields": ["login", "password"]}})


@seldon.post(BASE, PUBLIC)
async def log_in(call: Call) -> Response:
    """Sign in by the fields ``login`` and ``password``; the session is in the one ``Set-Cookie`` header."""
    services, scope = call.services, call.request.scope
    services.session_cookie.refuse_other_sites(dict(scope["headers"]), scope)
    form = await _form(call)
    user = await services.issuer.check_credentials(_field(form, "login"), _field(form, "password"), call.address)
    value, lifetimes = new_code(), services.issuer.lifetimes
    session = await services.store.write(begin_api_session, user, value_hash(value), lifetimes, call.address)
    answer = json({"username": user.username, "expiresAt": timestamp(session.expires_at)})
    answer.headers["set-cookie"] = services.session_cookie.set_cookie(scope, value, lifetimes.browser)
    answer.headers["cache-control"] = "no-store"
    return answer


async def _form(call: Call) -> FormData:
    """The fields of a multipart or urlencoded form, which is read within a limit first."""
    body = await call.body(_FORM_BYTES)
    kind = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("multipart/form-data", "application/x-www-form-urlencoded"):
        raise invalid("sign in with a form (multipart/form-data) of the fields login and password")

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        return await Request(call.request.scope, receive).form(max_files=0, max_fields=_FIELDS)
    except (MultiPartException, LookupError, ValueError) as error:
        raise invalid(f"the form cannot be read: {error}") from error


def _field(form: FormData, name: str) -> str:
    values = form.getlist(name)
    if len(values) != 1 or not isinstance(values[0], str) or not values[0]:
        raise invalid(f"the form must have the field {name} once")
    return values[0]
