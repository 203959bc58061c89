"""SeldonDeployments whose models lie elsewhere: below an open folder, in S3 with a secret, in the model registry."""

import json
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from seldon_stand import BASE, MODELS, collection, create, expected, infer, manifest, namespace, predictor, unit, until

from running import RunningServer, StartServer, environment, program
from s3_server import S3Server, s3_server
from wire import Caller, administrator, invite, sign_in

ROWS = np.random.default_rng(3).normal(size=(4, 29)).astype(np.float32).tolist()
KEYS = {"s3AccessKeyId": "AKIDEXAMPLE", "s3SecretAccessKey": "wJalr-canary"}


@dataclass(frozen=True)
class Stand:
    """A server with one open folder and one S3 server, where a bucket is closed to the public."""

    server: RunningServer
    root: Path
    s3: S3Server


@pytest.fixture(scope="module")
def stand(start_module_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("elsewhere")
    root = folder / "models"
    (root / "fraud").mkdir(parents=True)
    shutil.copyfile(MODELS / "ccfraud.onnx", root / "fraud" / "model.onnx")
    (folder / "outside.onnx").write_bytes((MODELS / "ccfraud.onnx").read_bytes())
    with s3_server(folder) as s3:
        s3.bucket("closed", "private")
        s3.put("closed", "fraud/2/model.onnx", (MODELS / "ccfraud_v2.onnx").read_bytes(), "private")
        s3.put("closed", "old/model.joblib", b"x", "private")
        yield Stand(start_module_server(model_roots=root, s3_endpoint=s3.endpoint), root, s3)


@pytest.fixture(scope="module")
def caller(stand: Stand) -> Caller:
    return administrator(stand.server)


def served(caller: Caller, space: str, name: str, graph: dict[str, Any]) -> list[float]:
    create(caller, space, manifest(name, predictor("main", graph)))
    until(caller, space, name)
    return [row["out"]["dense_1"] for row in infer(caller, space, name, ROWS)]


def test_a_deployment_serves_a_file_below_the_open_folder(stand: Stand, caller: Caller) -> None:
    space, _ = namespace(caller)
    answers = served(caller, space, "local", unit("m", f"file://{stand.root}/fraud"))
    np.testing.assert_allclose(np.ravel(answers), np.ravel(expected("ccfraud.onnx", ROWS)[0]), rtol=1e-5)


def test_a_deployment_serves_a_closed_bucket_with_a_secret_of_the_namespace(caller: Caller) -> None:
    space, _ = namespace(caller)
    caller.post(f"{BASE}/secrets/{space}/bucket/s3/lake", KEYS)
    graph = unit("m", "s3://closed/fraud", envSecretRefName="lake-bucket-envvars")
    answers = served(caller, space, "bucket", graph)
    np.testing.assert_allclose(np.ravel(answers), np.ravel(expected("ccfraud_v2.onnx", ROWS)[0]), rtol=1e-5)


@pytest.mark.parametrize(
    ("uri", "secret", "status", "words"),
    [
        ("s3://closed/fraud", None, 424, "refuses"),
        ("s3://closed/old", "lake-bucket-envvars", 424, "scikit-learn"),
        ("s3://closed/fraud", "other", 424, "no bucket secret 'other'"),
        ("gs://closed/fraud", None, 400, "gs://"),
        ("pvc://claim/fraud", None, 400, "pvc://"),
        ("https://127.0.0.1/model.onnx", None, 400, "https://"),
        ("file:///etc/passwd", None, 400, "not below an open folder"),
        ("nothing", None, 404, "model nothing not found"),
    ],
)
def test_what_cannot_be_served_is_refused_with_the_field(
    caller: Caller, uri: str, secret: str | None, status: int, words: str
) -> None:
    space, _ = namespace(caller)
    caller.post(f"{BASE}/secrets/{space}/bucket/s3/lake", KEYS)
    graph = unit("m", uri, **({"envSecretRefName": secret} if secret else {}))
    refused = create(caller, space, manifest("bad", predictor("main", graph)), status)
    assert "spec.predictors[0].graph.modelUri" in refused["message"]
    assert words in refused["message"]
    assert "canary" not in str(refused)


def test_a_secret_of_another_namespace_opens_nothing(stand: Stand, caller: Caller) -> None:
    space, _ = namespace(caller)
    caller.post(f"{BASE}/secrets/{space}/bucket/s3/lake", KEYS)
    person = invite(stand.server, "neighbour")
    neighbour = sign_in(stand.server, person.email, person.password)
    own, _ = namespace(neighbour)
    graph = unit("m", "s3://closed/fraud", envSecretRefName="lake-bucket-envvars")
    refused = create(neighbour, own, manifest("bad", predictor("main", graph)), 424)
    assert "no bucket secret" in refused["message"]


def test_a_deployment_serves_a_run_s_model_and_a_registered_one_alike(caller: Caller) -> None:
    api, name = "/api/2.0/mlflow", f"net-{uuid.uuid4().hex[:8]}"
    experiment = caller.post(f"{api}/experiments/create", {"name": name})["experiment_id"]
    run = caller.post(f"{api}/runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"]
    files = {
        "MLmodel": b"flavors:\n  onnx:\n    data: model.onnx\n",
        "model.onnx": (MODELS / "ccfraud.onnx").read_bytes(),
    }
    for file, content in files.items():
        path = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run}/artifacts/model/{file}"
        assert caller.call("PUT", path, data=content).status_code == 200
    caller.post(f"{api}/registered-models/create", {"name": name})
    caller.post(f"{api}/model-versions/create", {"name": name, "source": f"runs:/{run}/model", "run_id": run})
    caller.post(f"{api}/registered-models/alias", {"name": name, "alias": "best", "version": "1"})
    space, _ = namespace(caller)
    wanted = np.ravel(expected("ccfraud.onnx", ROWS)[0])
    uris = [f"runs:/{run}/model", f"models:/{name}/1", f"models:/{name}@best", f"models:/{name}/latest"]
    for number, uri in enumerate(uris):
        answers = served(caller, space, f"tracked-{number}", unit("m", uri))
        np.testing.assert_allclose(np.ravel(answers), wanted, rtol=1e-5)
    for uri in (f"models:/{name}/2", f"runs:/{'0' * 32}/model", f"runs:/{run}/nothing", f"runs:/{run}/../x"):
        refused = caller.call("POST", collection(space), json=manifest("no", predictor("main", unit("m", uri))))
        assert refused.status_code in (400, 404), refused.text


def test_secrets_open_on_after_their_key_was_rotated_beside_the_running_server(stand: Stand, caller: Caller) -> None:
    space, _ = namespace(caller)
    caller.post(f"{BASE}/secrets/{space}/bucket/s3/lake", KEYS)
    command = [program("modelyard"), "keys", "rotate-secrets", "--data", str(stand.server.data), "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment())
    assert done.returncode == 0, done.stderr
    uses = [row["use"] for row in json.loads(done.stdout)]
    assert uses[-2:] == ["opens backups", "seals"]
    (stand.server.data / "secret-keys" / "first.key").unlink()
    graph = unit("m", "s3://closed/fraud", envSecretRefName="lake-bucket-envvars")
    assert len(served(caller, space, "rotated", graph)) == len(ROWS)
