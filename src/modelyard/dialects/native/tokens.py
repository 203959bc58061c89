"""Personal access tokens: one's own, and those of service accounts one manages."""

from datetime import datetime
from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.identity.access_tokens import NewToken, create_token, list_tokens, revoke_token
from modelyard.core.identity.entities import AccessToken
from modelyard.core.identity.scopes import Scope
from modelyard.core.identity.service_accounts import managed_account
from modelyard.core.identity.token_text import new_text, text_hash
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.store import Tx
from modelyard.dialects.native.dialect import json, native, timestamp
from modelyard.web.call import Call

_TOKENS = "/api/v1/tokens"


class TokenBody(msgspec.Struct):
    """The token to make. ``expires_at`` is RFC 3339 with an offset; null for a token that does not expire.

    ``service_account`` is the name or id of the account it is for, by default the caller.
    """

    name: str
    scopes: list[str] = msgspec.field(default_factory=lambda: [str(Scope.ALL)])
    expires_at: datetime | None = None
    service_account: str | None = None


@native.post(_TOKENS, Permission.TOKENS_MANAGE, body=TokenBody, success=201)
async def create(call: Call) -> Response:
    """Make a token; 201 with its text as ``token``, this once."""
    body = await call.json(TokenBody)
    if body.expires_at is not None and body.expires_at.tzinfo is None:
        raise invalid("expires_at needs an offset, like 2030-01-01T00:00:00Z")
    text = new_text()
    new = NewToken(body.name, body.scopes, body.expires_at, text_hash(text))
    made = await call.services.store.write(_create, call.actor, body.service_account, new)
    return json({**shown(made), "token": text}, 201, {"location": f"{_TOKENS}/{made.id}"})


@native.get(_TOKENS, Permission.TOKENS_MANAGE)
async def list_all(call: Call) -> Response:
    """The tokens of the caller, or of ``?service_account=``, that are not revoked; never their texts."""
    account = call.request.query_params.get("service_account")
    found = await call.services.store.read(_list, call.actor, account)
    return json({"tokens": [shown(token) for token in found]})


@native.route("DELETE", f"{_TOKENS}/{{token_id}}", Permission.TOKENS_MANAGE)
async def revoke(call: Call) -> Response:
    """Make a token worthless, within a second in every process; 204."""
    await call.services.store.write(revoke_token, call.actor, call.request.path_params["token_id"])
    return Response(status_code=204)


def shown(token: AccessToken) -> dict[str, Any]:
    """A token without its text, which nobody has any more."""
    return {
        "id": token.id,
        "user_id": token.user_id,
        "name": token.name,
        "scopes": token.scopes,
        "created_by": token.created_by,
        "created_at": timestamp(token.created_at),
        "expires_at": timestamp(token.expires_at),
        "last_used_at": timestamp(token.last_used_at),
    }


def _create(tx: Tx, actor: Actor, account: str | None, new: NewToken) -> AccessToken:
    return create_token(tx, actor, _whose(tx, actor, account), new)


def _list(tx: Tx, actor: Actor, account: str | None) -> list[AccessToken]:
    return list_tokens(tx, actor, _whose(tx, actor, account))


def _whose(tx: Tx, actor: Actor, account: str | None) -> str:
    return managed_account(tx, actor, account) if account else actor.user_id
