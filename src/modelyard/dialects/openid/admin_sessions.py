"""Sessions, in Keycloak's admin REST API: whose and of which client they are, and their end."""

from typing import Any

from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.identity.consent_control import Allowance, allowances_of, withdraw
from modelyard.core.identity.session_control import (
    LiveSession,
    count_sessions,
    end_session,
    end_sessions_of_user,
    offline_sessions_of_user,
    sessions_of_client,
    sessions_of_user,
)
from modelyard.dialects.openid.admin_query import done, paged, path_value
from modelyard.dialects.openid.dialect import json, openid, realm_of
from modelyard.web.call import Call

_REALM = "/auth/admin/realms/{realm}"
_USER = f"{_REALM}/users/{{user_id}}"
_CLIENT = f"{_REALM}/clients/{{client_id}}"
_PAGE = 100


@openid.get(f"{_USER}/sessions", Permission.USERS_MANAGE)
async def show_sessions_of_user(call: Call) -> Response:
    """Where the user is signed in, offline sessions apart."""
    realm_of(call)
    found = await call.services.store.read(sessions_of_user, call.actor, _user(call))
    return json([session_representation(each) for each in paged(call, found)])


@openid.get(f"{_USER}/offline-sessions/{{client_id}}", Permission.USERS_MANAGE)
async def show_offline_sessions_of_user(call: Call) -> Response:
    """The offline sessions that a client has of the user."""
    realm_of(call)
    found = await call.services.store.read(offline_sessions_of_user, call.actor, _user(call), _client(call))
    return json([session_representation(each) for each in paged(call, found)])


@openid.post(f"{_USER}/logout", Permission.USERS_MANAGE)
async def sign_out(call: Call) -> Response:
    """Sign the user out of all browsers and clients; 204."""
    realm_of(call)
    await call.services.store.write(end_sessions_of_user, call.actor, _user(call))
    return done()


@openid.get(f"{_USER}/consents", Permission.USERS_MANAGE)
async def show_consents(call: Call) -> Response:
    """The clients that the user gave consent, and those that hold offline sessions of the user."""
    realm_of(call)
    found = await call.services.store.read(allowances_of, call.actor, _user(call))
    return json([_consent(each) for each in found])


@openid.route("DELETE", f"{_USER}/consents/{{client_id}}", Permission.USERS_MANAGE)
async def revoke_consent(call: Call) -> Response:
    """Take back what the user lets the client have; 204, or 404 when that is nothing."""
    realm_of(call)
    await call.services.store.write(withdraw, call.actor, _user(call), _client(call))
    return done()


@openid.route("DELETE", f"{_REALM}/sessions/{{session_id}}", Permission.USERS_MANAGE)
async def remove_session(call: Call) -> Response:
    """End one session; 204."""
    realm_of(call)
    await call.services.store.write(end_session, call.actor, path_value(call, "session_id"))
    return done()


@openid.get(f"{_CLIENT}/user-sessions", Permission.USERS_MANAGE)
async def show_sessions_of_client(call: Call) -> Response:
    """Who is signed in by the client."""
    return await _of_client(call, offline=False)


@openid.get(f"{_CLIENT}/offline-sessions", Permission.USERS_MANAGE)
async def show_offline_sessions_of_client(call: Call) -> Response:
    """The offline sessions of the client."""
    return await _of_client(call, offline=True)


@openid.get(f"{_REALM}/client-session-stats", Permission.USERS_MANAGE)
async def show_statistics(call: Call) -> Response:
    """How many sessions each client has, as texts; those without any are left out."""
    realm_of(call)
    found = await call.services.store.read(count_sessions, call.actor)
    return json(
        [
            {"id": each.client_id, "clientId": each.client_id, "active": str(each.active), "offline": str(each.offline)}
            for each in found
        ]
    )


def session_representation(live: LiveSession) -> dict[str, Any]:
    """Keycloak's UserSessionRepresentation, times in milliseconds since 1970; the address is not kept."""
    session = live.session
    return {
        "id": session.id,
        "username": live.user.username,
        "userId": live.user.id,
        "start": _milliseconds(session.created_at.timestamp()),
        "lastAccess": _milliseconds(session.rotated_at.timestamp()),
        "rememberMe": False,
        "clients": {session.client_id: session.client_id},
    }


async def _of_client(call: Call, *, offline: bool) -> Response:
    realm_of(call)
    found = await call.services.store.read(sessions_of_client, call.actor, _client(call), offline=offline)
    return json([session_representation(each) for each in paged(call, found, _PAGE)])


def _consent(allowed: Allowance) -> dict[str, Any]:
    return {
        "clientId": allowed.client_id,
        "grantedClientScopes": allowed.scope.split(),
        "createdDate": _milliseconds(allowed.given_at.timestamp()),
        "lastUpdatedDate": _milliseconds(allowed.changed_at.timestamp()),
        "additionalGrants": [{"client": allowed.client_id, "key": "Offline Token"}] if allowed.offline else [],
    }


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _user(call: Call) -> str:
    return path_value(call, "user_id")


def _client(call: Call) -> str:
    return path_value(call, "client_id")
