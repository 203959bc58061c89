"""Who may do what, written down by hand: the matrix holds the server against this, not against its own tables."""

READ, USE, EDIT, MANAGE = range(1, 5)

NOT_SIGNED_IN = frozenset({"nobody", "expired", "disabled"})
MEMBERS = {"reader": READ, "editor": EDIT, "owner": MANAGE}
GRANTED = {
    "granted reader": READ,
    "granted user": USE,
    "granted editor": EDIT,
    "granted manager": MANAGE,
    "group member": EDIT,
    "role holder": READ,
    "pattern holder": EDIT,
}
TOKENS = {
    "read token": "owner",
    "mlflow token": "owner",
    "inference token": "owner",
    "basic": "owner",
    "stranger's inference token": "stranger",
}
PEOPLE = frozenset({"stranger", *MEMBERS, *GRANTED, "denied", "tracking manager", "other owner", "admin"})
EVERYBODY = NOT_SIGNED_IN | PEOPLE | TOKENS.keys() | {"service"}
"""Callers of the matrix.

"expired" holds an expired token of the owner, "disabled" is an owner who was disabled after signing in, "stranger"
has nothing, "other owner" owns other things, "service" is a client acting for itself. "reader", "editor" and "owner"
are members of the workspace; "owner" made everything. Those "granted" have a grant on each single thing; "group
member" belongs to a group below the one that has it, "role holder" holds a custom role with it, "pattern holder" has
one on the beginning of names. "denied" is a member and in the group, and has a denial on each single thing. "tracking
manager" manages the workspace of all experiments and registered models, though they are denied to them one by one.
Tokens belong to somebody and reach less far; "basic" is the owner with HTTP Basic, which only MLflow's routes take.
"""

HELD: dict[str, dict[str, int]] = {
    "workspace": {**MEMBERS, "denied": EDIT},
    "thing": {**MEMBERS, **GRANTED},
    "tracked": {**GRANTED, "owner": MANAGE, "tracking manager": MANAGE},
    "project": {**GRANTED, "owner": MANAGE},
}
"""By place, the level that callers have: on the workspace, on a model or pipeline in it, on what MLflow tracks, on a
project of metadata."""

_NEEDED = {
    "workspace.read": READ,
    "workspace.manage": MANAGE,
    "model.read": READ,
    "model.use": USE,
    "model.edit": EDIT,
    "model.delete": MANAGE,
    "model.manage": MANAGE,
    "experiment.read": READ,
    "experiment.edit": EDIT,
    "experiment.manage": MANAGE,
    "pipeline.read": READ,
    "pipeline.edit": EDIT,
    "pipeline.deploy": EDIT,
    "pipeline.infer": USE,
    "logs.read": READ,
    "secret.read": READ,
    "secret.use": EDIT,
    "secret.edit": EDIT,
}
_ON_PLATFORM: dict[str, frozenset[str]] = {
    "platform.signed_in": PEOPLE | {"service"},
    "users.read": PEOPLE,
    "users.manage": frozenset({"admin"}),
    "groups.manage": frozenset({"admin"}),
    "access.explain": frozenset({"admin"}),
    "workspace.create": PEOPLE,
    "tag.create": PEOPLE,
    "experiment.create": PEOPLE,
    "model.register": PEOPLE,
    "tokens.manage": PEOPLE,
    "audit.read": frozenset({"admin"}),
    "alerts.test": frozenset({"admin"}),
}
PERMISSIONS = _NEEDED.keys() | _ON_PLATFORM.keys()


def in_scope(caller: str, needs: str) -> bool:
    """Whether the caller's token reaches that far."""
    subject = needs.partition(".")[0]
    match caller:
        case "read token":
            return needs.endswith(".read") or needs == "platform.signed_in"
        case "mlflow token":
            return subject in {"experiment", "model"} or needs in {"platform.signed_in", "workspace.read"}
        case "inference token" | "stranger's inference token":
            return needs == "pipeline.infer"
    return True


def allowed(needs: str, places: tuple[str, ...] = ()) -> frozenset[str]:
    """Who is let through, to things in all of the places."""
    if needs == "public":
        return EVERYBODY
    if needs in _ON_PLATFORM:
        real = set(_ON_PLATFORM[needs])
    else:
        real = {"admin"} | ({"service"} if needs == "pipeline.infer" else set())
        real |= {name for name in PEOPLE if all(HELD[place].get(name, 0) >= _NEEDED[needs] for place in places)}
    if needs == "model.delete" and places == ("thing",):
        real.add("editor")  # whose role in the workspace holds it; the level EDIT on a thing does not
    return frozenset(real | {token for token, who in TOKENS.items() if who in real and in_scope(token, needs)})


def sees(caller: str, places: tuple[str, ...]) -> bool:
    """Whether the caller may know that things in these places are there."""
    who = TOKENS.get(caller, caller)
    return who == "admin" or all(HELD[place].get(who, 0) >= READ for place in places)
