"""Who has what on the things of the matrix: single grants, groups, custom roles, patterns and denials."""

import uuid
from dataclasses import dataclass, replace

from things import Things, word
from tracked_things import API

from wire import Caller

_LEVELS = {
    "granted reader": "READ",
    "granted user": "USE",
    "granted editor": "EDIT",
    "granted manager": "MANAGE",
    "denied": "NO_PERMISSIONS",
}


@dataclass(frozen=True)
class Rights:
    """Gives grants on single things; ``names`` are the usernames of callers."""

    admin: Caller
    things: Things
    names: dict[str, str]

    def give(self, *kinds: str) -> None:
        """What the callers have on each of our things, on these kinds of them."""
        for kind in kinds:
            thing, beginning = self._objects(kind)
            for name, level in _LEVELS.items():
                self.put(self.names[name], thing, level)
            self.put(f"group:above-{self.things.canary}", thing, "EDIT")
            self.put(f"role:role-{self.things.canary}", thing, "READ")
            self.put(self.names["pattern holder"], f"{beginning}*", "EDIT")
            if kind in ("experiment", "tracked model"):
                self.put(self.names["tracking manager"], thing, "DENY")

    def put(self, subject: str, thing: str, role: str) -> None:
        """One grant."""
        body = {"subject": subject, "object": thing, "role": role}
        answer = self.admin.call("PUT", "/api/v1/grants", json=body)
        assert answer.status_code == 200, answer.text

    def _objects(self, kind: str) -> tuple[str, str]:
        things = self.things
        match kind:
            case "model":
                place, name = f"model:{things.workspace_id}", things.model_name
            case "seldon":
                place, name = f"pipeline:{things.workspace_id}", things.seldon_name
            case "core model":
                place, name = f"pipeline:{things.workspace_id}", things.core_model
            case "flow" | "flow-canary" | "flow-shadow":
                place, name = f"pipeline:{things.workspace_id}", things.flow + kind.removeprefix("flow")
            case "pipeline":
                place, name = f"pipeline:{things.workspace_id}", things.pipeline_name
            case "experiment":
                return f"experiment:{things.experiment_id}", f"experiment:{things.experiment_id[:12]}"
            case "project":
                return f"project:{things.project}", f"project:{things.canary}"
            case _:
                place, name = "model:mlflow", things.tracked_name
        return f"{place}/{name}", f"{place}/{things.canary}"


def with_groups(admin: Caller, things: Things, names: dict[str, str]) -> Things:
    """A group of two levels and a custom role, with those who belong to them."""
    above, below, role = (f"{word}-{things.canary}" for word in ("above", "below", "role"))
    admin.post("/api/v1/groups", {"name": above}, 201)
    admin.post("/api/v1/groups", {"name": below, "parent": above}, 201)
    for name in ("group member", "denied"):
        done = admin.call("PUT", f"/api/v1/groups/{below}/members/{names[name]}")
        assert done.status_code == 204, done.text
    made = admin.post(f"{API}/roles/create", {"name": role})["role"]
    admin.post(f"{API}/roles/assign", {"role_id": made["id"], "username": names["role holder"]})
    return replace(things, group=above)


def with_person(admin: Caller, things: Things, kind: str) -> Things:
    """A new user, by ``kind`` with a grant on experiment and registered model, a role or a group to use up."""
    made = admin.post(f"{API}/users/create", {"username": f"p-{word()}", "password": uuid.uuid4().hex})["user"]
    things = replace(things, person=made["username"])
    if kind == "granted person":
        for thing in (f"experiment:{things.experiment_id}", f"model:mlflow/{things.tracked_name}"):
            Rights(admin, things, {}).put(things.person, thing, "READ")
    if kind == "role":
        role = admin.post(f"{API}/roles/create", {"name": f"role-{word()}"})["role"]
        body = {"role_id": role["id"], "resource_type": "experiment", "resource_pattern": "1", "permission": "READ"}
        held = admin.post(f"{API}/roles/permissions/add", body)["role_permission"]
        admin.post(f"{API}/roles/assign", {"role_id": role["id"], "username": things.person})
        things = replace(things, role_id=role["id"], role_permission_id=held["id"])
    if kind == "group":
        things = replace(things, group=f"group-{word()}")
        admin.post("/api/v1/groups", {"name": things.group}, 201)
        done = admin.call("PUT", f"/api/v1/groups/{things.group}/members/{things.person}")
        assert done.status_code == 204, done.text
    return things


def with_robot(admin: Caller, things: Things) -> Things:
    """A new service account."""
    return replace(things, robot=admin.post("/api/v1/service-accounts", {"name": f"robot-{word()}"}, 201)["id"])
