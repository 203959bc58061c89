"""What a list leaves out is what the check refuses: the same rules in SQL and in Python, on every engine."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelyard.core.access.check import Own, OwnFields, allowed, visible, visible_by
from modelyard.core.access.grants import OF_WORKSPACE, Grant, ResourceType, new_grant
from modelyard.core.access.permissions import Permission, Role
from modelyard.core.catalogue.entities import Model, ModelConfig, ModelVersion, Workspace
from modelyard.core.identity.entities import Group, Membership, User
from modelyard.core.identity.groups import GroupKind, subjects_of
from modelyard.core.kernel.actor import EVERYONE, Actor
from modelyard.core.kernel.names import slug_of
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.entities import Form, Pipeline
from modelyard.core.tracking.entities import Experiment, Lifecycle
from modelyard.storage.store import SqlStore
from stores import migrated

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
USER = "u1"
WORKSPACES = range(1, 13)  # so that one id is the beginning of another
NAMES = ("a", "A", "ab", "a_b", "a%b", "ä", "a'b")  # what patterns of other kinds would take for their own marks
EXPERIMENTS = ("0", "1", "12", "123456789012345678")
GROUPS = ("g-top", "g-middle", "g-leaf", "g-other")  # each but the last stands below the one before it
ROLE = "r-custom"

_MODEL: OwnFields = (ResourceType.MODEL, OF_WORKSPACE)
_PIPELINE: OwnFields = (ResourceType.PIPELINE, OF_WORKSPACE)
_EXPERIMENT: OwnFields = (ResourceType.EXPERIMENT, ("id",))
_ROLES = [role for role in Role if role not in (Role.ADMIN, Role.USER)]
_IDS = {
    ResourceType.WORKSPACE: [str(number) for number in WORKSPACES] + ["*", "1*"],
    ResourceType.MODEL: [f"{w}/{name}" for w in (1, 2, 12) for name in (*NAMES, "*", "a*")] + ["*", "1*", "1/"],
    ResourceType.PIPELINE: [f"{w}/{name}" for w in (1, 2) for name in ("a", "ab", "a*", "*")],
    ResourceType.EXPERIMENT: [*EXPERIMENTS, "*", "1*", "12*", "9"],
}

Said = tuple[str, ResourceType, str]

_whom = st.sampled_from([USER, "u2", *GROUPS, ROLE, EVERYONE])
_what = st.sampled_from([(kind, key) for kind, ids in _IDS.items() for key in ids])
_said = st.dictionaries(
    st.tuples(_whom, _what).map(lambda pair: (pair[0], *pair[1])), st.sampled_from(_ROLES), max_size=12
)
_belongs = st.sets(st.sampled_from([*GROUPS, ROLE]), max_size=2)
_permissions = st.sampled_from([p for p in Permission if p.partition(".")[0] not in ("platform", "users", "groups")])


class _UndoError(Exception):
    """Leaves a transaction without a trace."""


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    sqlite = request.param == "sqlite"
    url = migrated(tmp_path / "store.db") if sqlite else str(request.getfixturevalue("migrated_postgres_url"))
    made = SqlStore(url, clock=lambda: NOW)
    made.run_write(_fill)
    yield made
    made.close()


def _fill(tx: Tx) -> None:
    tx.insert(User(USER, USER, None, "", "", True, False, NOW, None))
    for number in WORKSPACES:
        tx.insert(Workspace(0, f"w{number}", f"w{number}", False, NOW, USER))
    for workspace_id, name in itertools.product((1, 2, 11, 12), NAMES):  # each with the same number in its table
        tx.insert(Pipeline(0, workspace_id, name, Form.STEPS, USER, NOW, NOW))
        model = tx.insert(Model(0, workspace_id, name, USER, NOW, NOW))
        tx.insert(ModelConfig(0, workspace_id, tx.insert(_version(model)).id, "onnx", *[None] * 8, NOW))
    for number in EXPERIMENTS:
        tx.insert(Experiment(number, 1, f"e{number}", "", Lifecycle.ACTIVE, 0, 0, USER))
    above = None
    for name in GROUPS[:-1]:
        above = tx.insert(Group(0, name, GroupKind.GROUP, "", above, name, "", NOW)).id
    tx.insert(Group(0, GROUPS[-1], GroupKind.GROUP, "", None, GROUPS[-1], "", NOW))
    tx.insert(Group(0, ROLE, GroupKind.ROLE, "", None, ROLE, "", NOW))


def _version(model: Model) -> ModelVersion:
    shown: list[Any] = [model.workspace_id, model.id, model.name, f"v{model.id}", "0" * 64, 1, "m.onnx", "private"]
    return ModelVersion(0, *shown, {}, None, "ready", None, None, "", USER, NOW, NOW)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=_said, belongs=_belongs, permission=_permissions)
def test_a_list_holds_exactly_what_the_check_lets_through(
    store: SqlStore, said: dict[Said, Role], belongs: set[str], permission: Permission
) -> None:
    with pytest.raises(_UndoError):
        store.run_write(_compare, said, belongs, permission)


def _compare(tx: Tx, said: dict[Said, Role], belongs: set[str], permission: Permission) -> None:
    for (whom, kind, key), role in said.items():
        tx.insert(new_grant(whom, kind, key, role, NOW))
    for group in tx.find(Group, subject_id=belongs):
        tx.insert(Membership(0, USER, group.id, None, NOW))
    actor = Actor(USER, USER, groups=subjects_of(tx, USER))
    for kind, condition, things in _lists(tx, actor, permission):
        seen = {thing.id for thing in tx.find(kind, **condition)}
        wanted = {key for key, workspace_id, own in things if allowed(tx, actor, permission, workspace_id, own)}
        assert seen == wanted, kind.__name__
    raise _UndoError


@pytest.mark.parametrize("permission", [Permission.MODEL_READ, Permission.MODEL_EDIT, Permission.MODEL_MANAGE])
def test_every_way_to_say_something_about_a_workspace_and_a_thing_in_it(
    store: SqlStore, permission: Permission
) -> None:
    with pytest.raises(_UndoError):
        store.run_write(_compare_all, permission)


def _compare_all(tx: Tx, permission: Permission) -> None:
    """A workspace for each pair of things said about it, to the user and to everyone, and so for models inside."""
    tx.delete(Grant, role=list(Role))
    models: Things = []
    for mine, others in itertools.product((None, Role.READ, Role.OWNER, Role.DENY), repeat=2):
        workspace_id = tx.insert(Workspace(0, f"{mine} {others}", slug_of(f"{mine} {others}"), False, NOW, USER)).id
        _say(tx, ResourceType.WORKSPACE, str(workspace_id), mine, others)
        for own, common in itertools.product((None, Role.READ, Role.EDIT, Role.NO_PERMISSIONS), repeat=2):
            made = tx.insert(Model(0, workspace_id, f"{own} {common}", USER, NOW, NOW))
            _say(tx, *_named(ResourceType.MODEL, made), own, common)
            models.append((made.id, workspace_id, _named(ResourceType.MODEL, made)))
    actor = Actor(USER, USER)
    seen = {model.id for model in tx.find(Model, **visible(actor, permission, _MODEL))}
    wanted = {number for number, workspace_id, own in models if allowed(tx, actor, permission, workspace_id, own)}
    assert seen == wanted
    assert 0 < len(wanted) < len(models)
    raise _UndoError


def _say(tx: Tx, kind: ResourceType, key: str, mine: Role | None, others: Role | None) -> None:
    for whom, role in ((USER, mine), (EVERYONE, others)):
        if role is not None:
            tx.insert(new_grant(whom, kind, key, role, NOW))


Things = list[tuple[Any, int, Own | None]]


def _lists(tx: Tx, actor: Actor, permission: Permission) -> Iterator[tuple[type[Any], dict[str, Any], Things]]:
    """Each kind of list: its condition, and the things with the workspace and the resource that the check is asked."""
    workspaces = [(w.id, w.id, None) for w in tx.find(Workspace)]
    models = [(m.id, m.workspace_id, _named(ResourceType.MODEL, m)) for m in tx.find(Model)]
    pipelines = [(p.id, p.workspace_id, _named(ResourceType.PIPELINE, p)) for p in tx.find(Pipeline)]
    experiments = [(e.id, e.workspace_id, (ResourceType.EXPERIMENT, e.id)) for e in tx.find(Experiment)]
    yield Workspace, visible_by("id", actor, permission), workspaces
    yield Model, visible(actor, permission, _MODEL), models
    yield ModelVersion, visible(actor, permission, _MODEL), models
    yield ModelConfig, visible(actor, permission, _MODEL, ("ModelVersion", "model_version_id")), models
    yield Pipeline, visible(actor, permission, _PIPELINE), pipelines
    yield Experiment, visible(actor, permission, _EXPERIMENT), experiments


def _named(kind: ResourceType, thing: Model | Pipeline) -> Own:
    return kind, f"{thing.workspace_id}/{thing.name}"
