"""A minimal valid request for every route of Seldon's API about signing in, the environment and permissions."""

from collections.abc import Callable
from typing import Any

from cases import Case, Parts, about_platform, fresh
from things import Things
from world import World

_API = "/seldon-deploy/api/v1alpha1"
_POLICY = f"{_API}/iam/policy"
_SIGNED_IN = "platform.signed_in"
_SAME = {"headers": {"x-request-id": "the same"}}  # errors repeat it, and are compared


def _parts(**parts: Any) -> Callable[[Things, World], Parts]:
    return lambda *_: {**_SAME, **parts}


def _of_victim(**path: str) -> Callable[[Things, World], Parts]:
    return lambda _, world: {**_SAME, "path": {"username": world.victim.email, **path}, "json": {}}


def _namespace(things: Things) -> str:
    return f"namespace/{things.workspace_name}"


def _give(things: Things, world: World) -> Parts:
    right = {"action": "read", "resource": _namespace(things)}
    return {**_SAME, "json": {"userGrants": [{"user": world.victim.email, "permission": right}]}}


def _take(things: Things, world: World) -> Parts:
    asked = {"users": world.victim.email, "action": "grant", "resource": _namespace(things)}
    return {**_SAME, "params": asked}


def _targets(things: Things, _: World) -> Parts:
    return {**_SAME, "params": {"action": "read", "resource": _namespace(things)}}


def _on_namespace(parts: Callable[[Things, World], Parts], success: int = 200) -> list[Case]:
    places = ("workspace",)
    return [Case(_SIGNED_IN, "thing", parts, success=success, really="workspace.manage", places=places)]


def _new_user(*_: object) -> Parts:
    name = fresh()
    return {**_SAME, "json": {"username": name, "email": f"{name}@example.com"}}


ROUTES: dict[tuple[str, str], list[Case]] = {
    # signing in
    ("GET", "/seldon-deploy/auth/callback"): [Case("public", "platform", _parts(), success=400)],
    ("GET", _API): [Case("public", "platform", _parts())],
    ("POST", _API): [Case("public", "platform", _parts(data={"login": "nobody"}), success=400)],
    # the environment
    ("GET", f"{_API}/user"): about_platform(_SIGNED_IN, _parts()),
    ("GET", f"{_API}/cluster"): [Case(_SIGNED_IN, "list", _parts(), places=("workspace",))],
    ("GET", f"{_API}/version"): about_platform(_SIGNED_IN, _parts()),
    ("GET", f"{_API}/healthcheck"): about_platform(_SIGNED_IN, _parts()),
    ("GET", f"{_API}/healthcheck/{{dependency}}"): about_platform(_SIGNED_IN, _parts(path={"dependency": "ALL"})),
    # users and groups
    ("GET", f"{_API}/iam/users"): about_platform("users.read", _parts()),
    ("POST", f"{_API}/iam/users"): about_platform("users.manage", _new_user),
    ("DELETE", f"{_API}/iam/users/{{username}}"): about_platform(
        "users.manage", _parts(path={"username": "never-was"}), success=404
    ),
    ("POST", f"{_API}/iam/users/{{username}}/resetPassword"): about_platform("users.manage", _of_victim()),
    ("GET", f"{_API}/iam/users/{{username}}/groups"): about_platform("groups.manage", _of_victim()),
    ("PUT", f"{_API}/iam/users/{{username}}/groups/{{group}}"): about_platform(
        "groups.manage", _of_victim(group="never-was"), success=404
    ),
    ("DELETE", f"{_API}/iam/users/{{username}}/groups/{{group}}"): about_platform(
        "groups.manage", _of_victim(group="never-was"), success=404
    ),
    ("GET", f"{_API}/iam/groups"): about_platform("groups.manage", _parts()),
    ("POST", f"{_API}/iam/groups"): about_platform(
        "groups.manage", lambda *_: {**_SAME, "json": {"name": fresh("group")}}
    ),
    ("DELETE", f"{_API}/iam/groups/{{name}}"): about_platform(
        "groups.manage", _parts(path={"name": "never-was"}), success=404
    ),
    ("GET", f"{_API}/iam/groups/{{groupName}}/members"): about_platform(
        "groups.manage", _parts(path={"groupName": "never-was"}), success=404
    ),
    # policies
    ("POST", _POLICY): _on_namespace(_give),
    ("DELETE", _POLICY): _on_namespace(_take, success=404),  # the victim is never given that much
    ("GET", f"{_POLICY}/targets"): _on_namespace(_targets),
    ("GET", f"{_POLICY}/permissions"): [
        Case(_SIGNED_IN, "list", _parts(), places=("workspace",)),
        Case(
            _SIGNED_IN,
            "platform",
            lambda _, world: {**_SAME, "params": {"users": world.victim.email}},
            really="access.explain",
        ),
    ],
}
