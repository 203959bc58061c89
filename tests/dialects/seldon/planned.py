"""Deployments of a plan, made in the database of a running server: what reads documents into plans comes before it."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dialects.wallaroo import deploying
from modelyard.core.identity.users import find_user, load_actor
from modelyard.core.kernel.actor import Actor
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.deployments import Deploy, deploy
from modelyard.core.serving.entities import Deployment, Form, RouterReward
from modelyard.core.serving.pipelines import NewVersion, create_version
from modelyard.storage.store import SqlStore, sqlite_url
from running import RunningServer, eventually
from wire import Caller


@contextmanager
def store_of(server: RunningServer) -> Iterator[SqlStore]:
    """The server's own store, in this process."""
    store = SqlStore(sqlite_url(server.data / "modelyard.db"))
    try:
        yield store
    finally:
        store.close()


def deployed(
    server: RunningServer, caller: Caller, workspace: int, plan: Mapping[str, Any], *files: str, name: str = "planned"
) -> str:
    """A running deployment of a plan over these models; where it answers in Seldon's protocol."""
    models = [deploying.upload(caller, workspace, file, f"{name}-{at}") for at, file in enumerate(files)]
    new = NewVersion({"document": {}, "models": models, "plan": dict(plan)}, Form.PREDICTORS)
    with store_of(server) as store:
        actor: Actor = store.run_read(_administrator, server.admin_username)
        version = store.run_write(create_version, actor, workspace, name, new)
        made = store.run_write(deploy, actor, Deploy(name, version_id=version.id))
        assert eventually(lambda: _state(store, made.id) == "RUNNING", 30)
    return f"{place(caller, workspace)}/{name}"


def place(caller: Caller, workspace: int) -> str:
    """The workspace's slug below ``/seldon``."""
    found = caller.call("GET", "/seldon-deploy/api/v1alpha1/cluster").json()["Namespaces"]
    return f"/seldon/{next(each['name'] for each in found if each['uid'] == str(workspace))}"


def rewards(server: RunningServer) -> dict[int, tuple[int, int]]:
    """(tries, rights) by place of the only router in the database."""
    with store_of(server) as store:
        rows = store.run_read(lambda tx: tx.find(RouterReward))
    return {row.place: (row.tries, row.rights) for row in rows}


def within_a_second(condition: Any) -> bool:
    """Whether the condition comes true in time."""
    deadline = time.monotonic() + 1
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _administrator(tx: Tx, username: str) -> Actor:
    user = find_user(tx, username)
    assert user is not None
    return load_actor(tx, user.id, None)


def _state(store: SqlStore, deployment_id: int) -> str:
    found = store.run_read(lambda tx: tx.get(Deployment, deployment_id))
    assert found is not None
    return str(found.state)
