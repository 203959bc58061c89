"""Two controllers judge the same rollout, and one of them is killed on the way: it ends once, whole."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from modelyard.core.access.permissions import Role
from modelyard.core.audit.entities import AuditEntry
from modelyard.core.catalogue.workspaces import create_workspace
from modelyard.core.identity.users import NewUser, add_user, load_actor
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.deployments import Deploy, deploy
from modelyard.core.serving.entities import Deployment, DeploymentEvent, Form
from modelyard.core.serving.graph.plan import Node, plan
from modelyard.core.serving.pipelines import NewVersion, create_version
from modelyard.core.serving.rollout.counting import add_counts, counts_of
from modelyard.core.serving.rollout.counts import Counts
from modelyard.core.serving.rollout.entities import Rollout
from modelyard.core.serving.rollout.guards import Terms, set_guard
from modelyard.core.serving.rollout.returning import roll_back
from modelyard.core.serving.rollout.trials import on_trial
from modelyard.core.serving.rollout.watching import judge, watch_rollouts
from modelyard.core.serving.workers import register_worker, report
from modelyard.storage.store import SqlStore
from stores import migrated

FAILING = Counts(100, 100, 100)


def constant(value: float) -> Node:
    return {"kind": "constant", "name": "c", "values": [value]}


class House:
    """Two stores on one database, as two processes have; deployment ``p`` has a revision on trial that fails."""

    def __init__(self, stores: tuple[SqlStore, SqlStore]) -> None:
        self.stores = stores
        self.store = stores[0]
        user = self.store.run_write(add_user, NewUser("owner", None, None, (Role.USER,)))
        self.actor = self.store.run_read(load_actor, user.id, None)
        self.workspace = self.store.run_write(create_workspace, self.actor, "Space").id
        self.store.run_write(register_worker, "worker", "server", 1)
        first = self.deploy(1.0)
        self.store.run_write(set_guard, self.actor, "space", "p", Terms())
        self.key = self.deploy(2.0).id
        self.plan = first.plan
        self.store.run_write(add_counts, {(self.key, 2): FAILING})

    def deploy(self, value: float) -> Deployment:
        new = NewVersion({"document": {}, "models": [], "plan": plan(constant(value))}, Form.PREDICTORS)
        version = self.store.run_write(create_version, self.actor, self.workspace, "p", new)
        made = self.store.run_write(deploy, self.actor, Deploy("p", version_id=version.id))
        self.store.run_write(report, "worker", {made.id: (made.revision, None)})
        return made

    def ended_once(self) -> bool:
        deployment, rollouts, entries = self.store.run_read(self._found)
        assert deployment is not None
        assert (deployment.revision, deployment.plan) == (3, self.plan)
        assert [(rollout.state, rollout.back_revision) for rollout in rollouts] == [("ROLLED_BACK", 3)]
        return len(entries) == 1

    def _found(self, tx: Tx) -> tuple[Deployment | None, list[Rollout], list[AuditEntry]]:
        return tx.get(Deployment, self.key), tx.find(Rollout), tx.find(AuditEntry, action="deployment.rollback")


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    sqlite = request.param == "sqlite"
    url = migrated(tmp_path / "db") if sqlite else request.getfixturevalue("migrated_postgres_url")
    stores = SqlStore(url), SqlStore(url)
    yield House(stores)
    for store in stores:
        store.close()


def together(*tasks: Callable[[], Any]) -> list[Any]:
    barrier = threading.Barrier(len(tasks))

    def run(task: Callable[[], Any]) -> Any:
        barrier.wait()
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return [future.exception() or future.result() for future in [pool.submit(run, task) for task in tasks]]


def test_two_controllers_roll_back_once(house: House) -> None:
    first, second = house.stores
    (key,) = first.run_read(on_trial)
    said = together(*(lambda store=store: store.run_write(judge, key) for store in (first, second) * 3))
    assert said == [None] * 6
    assert house.ended_once()


def test_a_person_and_a_controller_roll_back_once(house: House) -> None:
    first, second = house.stores
    together(
        lambda: watch_rollouts(first),
        lambda: second.run_write(roll_back, house.actor, "space", "p"),
    )
    assert house.ended_once()


def test_what_is_cut_off_in_the_middle_is_done_whole_the_next_time(house: House) -> None:
    (key,) = house.store.run_read(on_trial)

    def cut_off(tx: Tx) -> None:
        judge(tx, key)
        raise RuntimeError("killed before the commit")

    with pytest.raises(RuntimeError):
        house.store.run_write(cut_off)
    rollout, deployment, events = house.store.run_read(
        lambda tx: (tx.get(Rollout, key), tx.get(Deployment, house.key), tx.find(DeploymentEvent))
    )
    assert rollout is not None
    assert deployment is not None
    assert (rollout.state, deployment.revision) == ("BAKING", 2)
    assert not [event for event in events if "rolled back" in event.message]
    watch_rollouts(house.store)
    watch_rollouts(house.store)
    assert house.ended_once()


def test_workers_that_count_together_lose_nothing(house: House) -> None:
    few = Counts(3, 1, 4, 1, {7: 2})
    tasks = [
        lambda store=store: [store.run_write(add_counts, {(house.key, 2): few, (house.key, 1): few}) for _ in range(10)]
        for store in house.stores
    ]
    together(*tasks)
    for revision, before in ((1, Counts()), (2, FAILING)):
        found = house.store.run_read(counts_of, house.key, revision)
        assert found.requests == before.requests + 60
        assert found.latency == {7: 40}
