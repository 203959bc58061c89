"""Who may do what, written down by hand: the matrix holds the server against this, not against its own tables."""

EVERYBODY = frozenset(
    {
        "nobody",
        "expired",
        "disabled",
        "stranger",
        "reader",
        "editor",
        "owner",
        "other owner",
        "admin",
        "service",
    }
)
"""Callers of the matrix.

"expired" holds an expired token of the owner, "disabled" is an owner who was disabled after signing in, "stranger"
has no workspace, "other owner" owns another one, "service" is a client acting for itself.
"""

NOT_SIGNED_IN = frozenset({"nobody", "expired", "disabled"})
MEMBERS = frozenset({"reader", "editor", "owner"})

_SIGNED_IN = EVERYBODY - NOT_SIGNED_IN
_PEOPLE = _SIGNED_IN - {"service"}
_READ = MEMBERS | {"admin"}
_EDIT = _READ - {"reader"}
_MANAGE = _EDIT - {"editor"}

ALLOWED: dict[str, frozenset[str]] = {
    "public": EVERYBODY,
    "platform.signed_in": _SIGNED_IN,
    "users.read": _PEOPLE,
    "users.manage": frozenset({"admin"}),
    "groups.manage": frozenset({"admin"}),
    "workspace.create": _PEOPLE,
    "tag.create": _PEOPLE,
    "audit.read": frozenset({"admin"}),
    "tokens.manage": _PEOPLE,
    "workspace.read": _READ,
    "workspace.manage": _MANAGE,
    "model.read": _READ,
    "model.edit": _EDIT,
    "pipeline.read": _READ,
    "pipeline.edit": _EDIT,
    "pipeline.deploy": _EDIT,
    "pipeline.infer": _EDIT | {"service"},
    "logs.read": _READ,
}
"""By permission: who is let through, where it is about a thing in the workspace of "owner"."""
