"""Rights on single things and on patterns of them, for whoever manages these; and why somebody may do something."""

from typing import Any

import msgspec
from starlette.responses import Response

from modelyard.core.access import granting
from modelyard.core.access.check import require_platform
from modelyard.core.access.grants import Grant
from modelyard.core.access.permissions import Permission, Role
from modelyard.core.identity.explaining import Explanation, explain
from modelyard.core.identity.subjects import group_name, subject_named, subject_names
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.store import Tx
from modelyard.dialects.native.dialect import json, native, timestamp
from modelyard.dialects.native.objects import object_name, object_named, thing_named
from modelyard.web.call import Call

_GRANTS = "/api/v1/grants"


class GrantBody(msgspec.Struct):
    """Who gets which role on what."""

    subject: str
    object: str
    role: str


@native.get(_GRANTS, Permission.SIGNED_IN)
async def list_all(call: Call) -> Response:
    """The grants on ``?object=`` itself, for who manages it; or those of ``?subject=``, for administrators."""
    asked = call.request.query_params
    found = await call.services.store.read(_list, call.actor, asked.get("object"), asked.get("subject"))
    return json({"grants": found})


@native.route("PUT", _GRANTS, Permission.SIGNED_IN, body=GrantBody)
async def put(call: Call) -> Response:
    """Give a subject a role on an object, in place of the one it has there."""
    return json(await call.services.store.write(_put, call.actor, await call.json(GrantBody)))


@native.route("DELETE", _GRANTS, Permission.SIGNED_IN)
async def delete(call: Call) -> Response:
    """Take away what ``?subject=`` has on ``?object=`` itself; 204."""
    await call.services.store.write(_delete, call.actor, _query(call, "subject"), _query(call, "object"))
    return Response(status_code=204)


@native.get("/api/v1/access/explain", Permission.SIGNED_IN)
async def why(call: Call) -> Response:
    """Whether ``?user=`` may do ``?action=`` (a permission or a level) with ``?object=``, and which grant decides."""
    asked = (_query(call, "user"), _query(call, "action"), _query(call, "object"))
    return json(await call.services.store.read(_explain, call.actor, *asked))


def _list(tx: Tx, actor: Actor, thing: str | None, subject: str | None) -> list[dict[str, Any]]:
    require_platform(actor, Permission.SIGNED_IN)
    if (thing is None) == (subject is None):
        raise invalid("say which grants: those on ?object= or those of ?subject=")
    if thing is not None:
        return _shown(tx, granting.list_grants(tx, actor, thing_named(tx, thing)))
    require_platform(actor, Permission.ACCESS_EXPLAIN)
    return _shown(tx, tx.find(Grant, subject_id=subject_named(tx, subject or "")))


def _put(tx: Tx, actor: Actor, asked: GrantBody) -> dict[str, Any]:
    require_platform(actor, Permission.SIGNED_IN)
    resource = thing_named(tx, asked.object)
    granting.require_manager(tx, actor, resource)  # before anybody learns who there is
    role = asked.role.upper()
    if role not in set(Role):
        raise invalid(f"role {role[:40]!r} is unknown; use one of {', '.join(granting.GRANTABLE[resource.kind])}")
    made = granting.set_grant(tx, actor, subject_named(tx, asked.subject), resource, Role(role))
    return _shown(tx, [made])[0]


def _delete(tx: Tx, actor: Actor, subject: str, thing: str) -> None:
    require_platform(actor, Permission.SIGNED_IN)
    resource = thing_named(tx, thing)
    granting.require_manager(tx, actor, resource)
    granting.revoke(tx, actor, subject_named(tx, subject), resource)


def _explain(tx: Tx, actor: Actor, login: str, action: str, thing: str) -> dict[str, Any]:
    found = explain(tx, actor, login, action, object_named(tx, thing))
    return {
        "user": found.user.username,
        "action": str(found.permission),
        "object": thing,
        "allowed": found.decision.allowed,
        "why": found.decision.why,
        "grant": _shown(tx, [found.decision.grant])[0] if found.decision.grant else None,
        "through": _through(found),
    }


def _through(found: Explanation) -> list[str]:
    return [group_name(group) for group in found.through]


def _shown(tx: Tx, grants: list[Grant]) -> list[dict[str, Any]]:
    names = subject_names(tx, {grant.subject_id for grant in grants})
    return [
        {
            "subject": names[grant.subject_id],
            "object": object_name(grant.resource_type, grant.resource_id),
            "role": grant.role,
            "created_at": timestamp(grant.created_at),
        }
        for grant in grants
    ]


def _query(call: Call, name: str) -> str:
    value = call.request.query_params.get(name)
    if not value:
        raise invalid(f"the parameter {name} is missing")
    return value
