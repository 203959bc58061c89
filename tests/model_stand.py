"""Models that run in processes of their own, put into a server's store as the way of an upload leaves them."""

import pickle
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import model_environments
from dialects.wallaroo import deploying
from modelyard.artifacts.local import LocalArtifacts
from modelyard.core.catalogue.entities import ModelVersion
from modelyard.core.catalogue.runtimes import Environment, ModelRuntime, RuntimeKind
from modelyard.core.kernel.store import Tx
from modelyard.core.serving.entities import ModelProcess
from modelyard.storage.store import SqlStore, sqlite_url
from wire import Caller

REQUIREMENTS = ("numpy", "pyarrow", "scikit-learn")
SIGNATURE = {
    "inputs": [{"name": "inputs", "dtype": "float64", "shape": [None, 4]}],
    "outputs": [{"name": "predictions", "dtype": "float64", "shape": [None]}],
}

_TRAIN = """
import sys, joblib, numpy as np
from sklearn.linear_model import LinearRegression
rows = np.random.default_rng(1).normal(size=(200, 4))
joblib.dump(LinearRegression().fit(rows, rows @ [1.0, 2.0, 3.0, 4.0] + float(sys.argv[2])), sys.argv[1])
"""

_OWN = """
import os, sys, time
import numpy as np
class Own:
    n_features_in_ = 4
    def predict(self, rows):
        first = rows[0, 0]
        if first == 1: os.abort()
        if first == 2: time.sleep(3600)
        if first == 3: raise ValueError("no threes, says /usr/lib/python3/secret.py")
        if first == 4: self.much = bytearray(600 * 2**20); self.much[::4096] = b"x" * len(self.much[::4096])
        if first == 5: time.sleep(rows[0, 1])
        if first == 6: print("loud " * 100_000)
        return rows.sum(axis=1)
"""


class _Own:
    def __init__(self, source: str) -> None:
        self._source = source

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, (f"(lambda names: (exec({self._source!r}, names), names['Own']())[1])({{}})",)


def environment() -> Environment:
    """One with scikit-learn."""
    return model_environments.locked(REQUIREMENTS)


def python() -> Path:
    """The interpreter of that environment, which is built."""
    return model_environments.environment(REQUIREMENTS)


def use_environments(data: Path) -> None:
    """Have the server with this data folder find the environments of the tests."""
    python()
    model_environments.use_environments(data)


def linear(offset: float) -> bytes:
    """An estimator: the sum of 1, 2, 3 and 4 times the columns, and the offset."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.joblib")
        subprocess.run([python(), "-c", _TRAIN, path, str(offset)], check=True, timeout=120)
        return path.read_bytes()


def own(source: str = _OWN) -> bytes:
    """A pickle that defines its class itself: what it does follows from the first number of a row."""
    return pickle.dumps(_Own(source))


@contextmanager
def store_of(data: Path) -> Iterator[SqlStore]:
    """The store of the server with this data folder."""
    store = SqlStore(sqlite_url(data / "modelyard.db"))
    try:
        yield store
    finally:
        store.close()


def upload(caller: Caller, data: Path, workspace_id: int, model: bytes, name: str = "apart") -> dict[str, str]:
    """A new version that runs in processes; how steps name it."""
    made = deploying.upload(caller, workspace_id, "ccfraud.onnx", name)
    with LocalArtifacts(data / "blobs").upload(10**9) as incoming:
        incoming.write(model)
        sha = incoming.finish()
        incoming.keep()
    with store_of(data) as store:
        store.run_write(_put, made["version"], sha, len(model))
    return made | {"sha": sha}


def deploy(caller: Caller, workspace_id: int, model: dict[str, str], name: str, **engine: Any) -> str:
    """Ask for a deployment of the model under this name; its namespace."""
    made = deploying.pipeline(caller, workspace_id, model, name=name)
    body = {"deploy_id": name, "pipeline_version_pk_id": made["pipeline_variant_pk_id"]}
    body["engine_config"] = {"engine": engine}
    return f"{name}-{caller.post('/v1/api/pipelines/deploy', body)['id']}"


def running(caller: Caller, workspace_id: int, model: dict[str, str], name: str, **engine: Any) -> str:
    """``deploy``, once it answers."""
    namespace = deploy(caller, workspace_id, model, name, **engine)
    deploying.wait(caller, namespace, "Running", 60)
    return namespace


def processes(data: Path, namespace: str) -> list[ModelProcess]:
    """What the host last said of a deployment's processes, by their number."""
    of = int(namespace.rpartition("-")[2])
    with store_of(data) as store:
        return store.run_read(lambda tx: tx.find(ModelProcess, deployment_id=of, order_by="number"))


def _put(tx: Tx, version: str, sha: str, size: int) -> None:
    found = tx.first(ModelVersion, version=version)
    assert found is not None
    changed = {"sha": sha, "size": size, "file_name": "model.joblib", "signature": SIGNATURE}
    tx.update(ModelVersion, found.id, lambda old: replace(old, **changed))
    if tx.get(Environment, environment().id) is None:
        tx.insert(environment())
    runtime = ModelRuntime(
        0,
        found.workspace_id,
        found.id,
        RuntimeKind.PROCESS,
        sha,
        "sklearn",
        {},
        environment().id,
        "contains code",
        None,
        tx.now,
    )
    tx.insert(runtime)
