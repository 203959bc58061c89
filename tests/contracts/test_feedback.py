"""Feedback is counted for every router that led to an answer, exactly, whoever else counts at the same time."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelyard.core.access.permissions import Role
from modelyard.core.catalogue.entities import Workspace
from modelyard.core.catalogue.workspaces import create_workspace
from modelyard.core.identity.users import NewUser, add_user, load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.errors import DomainError, ErrorKind
from modelyard.core.kernel.store import Topic
from modelyard.core.serving.deployments import Deploy, deploy, undeploy
from modelyard.core.serving.entities import Feedback, Form, RouterReward
from modelyard.core.serving.feedback import Said, give_feedback
from modelyard.core.serving.graph.plan import Node, branch, by_reward, by_value, by_weight, plan, target
from modelyard.core.serving.pipelines import NewVersion, create_version, delete_pipeline
from modelyard.core.serving.rewards import RewardTable
from modelyard.storage.store import SqlStore
from stores import migrated


def leaf(name: str) -> Node:
    return {"kind": "constant", "name": name, "values": [1.0]}


BANDIT = branch("bandit", [leaf("a"), leaf("b")], by_reward("thompson"))
TREE = branch("root", [BANDIT, branch("mean", [leaf("c"), leaf("d")], combine="average")], by_weight([1, 1]))
CANARY = {
    "targets": [
        target("main", 90, leaf("m")),
        target("canary", 10, branch("late", [leaf("x"), leaf("y")], by_value("k", ["1"]))),
    ],
    "shadow": None,
}


class House:
    """A store with one owner and a workspace, and deployments of plans in it."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        user = store.run_write(add_user, NewUser("owner", None, None, (Role.USER,)))
        self.actor = store.run_read(load_actor, user.id, None)
        self.workspace: Workspace = store.run_write(create_workspace, self.actor, "Space")

    def deploy(self, name: str, served: dict[str, Any]) -> int:
        """The number of the pipeline."""
        definition = {"document": {}, "models": [], "plan": served}
        new = NewVersion(definition, Form.PREDICTORS)
        version = self.store.run_write(create_version, self.actor, self.workspace.id, name, new)
        return self.store.run_write(deploy, self.actor, Deploy(name, version_id=version.id)).pipeline_id

    def say(self, name: str, actor: Actor | None = None, **said: Any) -> Feedback:
        given = Said(**({"reward": 1.0} | said))
        return self.store.run_write(give_feedback, actor or self.actor, "space", name, given)

    def refusal(self, name: str, kind: ErrorKind = ErrorKind.INVALID, actor: Actor | None = None, **said: Any) -> str:
        with pytest.raises(DomainError) as caught:
            self.say(name, actor, **said)
        assert caught.value.kind is kind
        return caught.value.message

    def counted(self) -> dict[tuple[str, int], tuple[int, int]]:
        rows = self.store.run_read(lambda tx: tx.find(RouterReward))
        return {(row.branch, row.place): (row.tries, row.rights) for row in rows if row.tries}


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    sqlite = request.param == "sqlite"
    store = SqlStore(migrated(tmp_path / "db") if sqlite else request.getfixturevalue("migrated_postgres_url"))
    yield House(store)
    store.close()


def test_what_is_said_is_kept_and_counted_for_the_node_that_was_chosen(house: House) -> None:
    house.deploy("ab", plan(BANDIT))
    kept = house.say("ab", reward=0.75, rows=4, request_id="p1", routing={"bandit": 1}, truth={"data": [1]})
    assert (kept.request_id, kept.reward, kept.routing, kept.truth) == ("p1", 0.75, {"bandit": 1}, {"data": [1]})
    assert house.store.run_read(lambda tx: tx.get(Feedback, kept.id)) == kept
    assert house.counted() == {("bandit", 1): (4, 3)}
    house.say("ab", reward=0.0, rows=2, routing={"bandit": 1})
    assert house.counted() == {("bandit", 1): (6, 3)}


def test_without_routing_every_node_of_a_router_was_asked(house: House) -> None:
    house.deploy("ab", plan(BANDIT))
    house.say("ab", reward=0.5, rows=3)
    house.say("ab", routing={"bandit": -1})
    assert house.counted() == {("bandit", 0): (4, 2), ("bandit", 1): (4, 2)}


@pytest.mark.parametrize(
    ("routing", "expected"),
    [
        ({"root": 0, "bandit": 1}, {("root", 0): (1, 1), ("bandit", 1): (1, 1)}),
        ({"root": 1}, {("root", 1): (1, 1)}),
        ({"root": -2}, {}),
        ({"root": 0, "bandit": -2}, {("root", 0): (1, 1)}),
        ({"root": 1, "mean": -1}, {("root", 1): (1, 1)}),
    ],
)
def test_only_routers_on_the_way_of_the_answer_learn(house: House, routing: Any, expected: Any) -> None:
    house.deploy("tree", plan(TREE))
    house.say("tree", routing=routing)
    assert house.counted() == expected


def test_rows_that_went_different_ways_are_counted_each_for_its_own(house: House) -> None:
    house.deploy("canary", CANARY)
    house.say("canary", routing={"late": [0, 1, 1]}, rows=3)
    assert house.counted() == {("late", 0): (1, 1), ("late", 1): (2, 2)}


def test_routers_of_a_predictor_that_did_not_answer_learn_nothing(house: House) -> None:
    house.deploy("canary", CANARY)
    house.say("canary", path=frozenset({"m"}))
    assert house.counted() == {}
    house.say("canary", path=frozenset({"x"}), routing={"late": 0})
    assert house.counted() == {("late", 0): (1, 1)}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"reward": 1.5}, "from 0 to 1"),
        ({"reward": -0.1}, "from 0 to 1"),
        ({"reward": float("nan")}, "from 0 to 1"),
        (
            {"routing": {"nobody": 0}},
            "routing names 'nobody', which is no branch of the deployment; there are 'bandit'",
        ),
        ({"routing": {"a": 0}}, "routing names 'a'"),
        ({"routing": {"bandit": 2}}, "there is no node 2; it has 2"),
        ({"routing": {"bandit": -3}}, "there is no node -3"),
        ({"routing": {"bandit": [0, 2]}}, "there is no node 2"),
        ({"routing": {"bandit": 2**70}}, "there is no node"),
    ],
)
def test_what_cannot_have_been_is_refused_and_leaves_nothing(house: House, said: Any, words: str) -> None:
    house.deploy("ab", plan(BANDIT))
    assert words in house.refusal("ab", **said)
    assert house.counted() == {}
    assert house.store.run_read(lambda tx: tx.find(Feedback)) == []


def test_who_may_not_infer_learns_nothing(house: House) -> None:
    pipeline = house.deploy("ab", plan(BANDIT))
    user = house.store.run_write(add_user, NewUser("stranger", None, None, (Role.USER,)))
    stranger = house.store.run_read(load_actor, user.id, None)
    known = house.refusal("ab", ErrorKind.NOT_FOUND, stranger)
    assert known == house.refusal("never", ErrorKind.NOT_FOUND, stranger).replace("never", "ab")
    assert house.refusal("never", ErrorKind.NOT_FOUND) == "deployment space/never not found"
    house.store.run_write(undeploy, house.actor, pipeline_id=pipeline)
    assert house.refusal("ab", ErrorKind.NOT_FOUND) == "deployment space/ab not found"
    assert house.counted() == {}


def test_all_that_is_said_at_once_is_counted(house: House) -> None:
    pipeline = house.deploy("ab", plan(BANDIT))
    before = house.store.generations()[Topic.ROUTERS]

    async def all_at_once() -> None:
        saids = [Said(float(number % 2), 2, routing={"bandit": number % 3 - 1}) for number in range(120)]
        await asyncio.gather(*(house.store.write(give_feedback, house.actor, "space", "ab", said) for said in saids))

    asyncio.run(all_at_once())
    assert house.counted() == {("bandit", 0): (160, 80), ("bandit", 1): (160, 80)}
    assert house.store.generations()[Topic.ROUTERS] > before
    rewards = RewardTable(house.store)
    assert rewards.of(pipeline, "bandit") == ()
    rewards.reload()
    assert rewards.of(pipeline, "bandit") == [(160, 80), (160, 80)]
    assert rewards.of(pipeline, "other") == ()


def test_a_node_of_which_nothing_was_said_counts_as_never_tried(house: House) -> None:
    pipeline = house.deploy("ab", plan(BANDIT))
    house.say("ab", routing={"bandit": 1})
    rewards = RewardTable(house.store)
    rewards.reload()
    assert rewards.of(pipeline, "bandit") == [(0, 0), (1, 1)]


def test_feedback_goes_with_its_pipeline(house: House) -> None:
    pipeline = house.deploy("ab", plan(BANDIT))
    house.say("ab")
    house.store.run_write(undeploy, house.actor, pipeline_id=pipeline)
    house.store.run_write(delete_pipeline, house.actor, house.workspace.id, "ab")
    assert house.counted() == {}
    assert house.store.run_read(lambda tx: tx.find(Feedback)) == []
